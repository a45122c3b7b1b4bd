// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import static io.jvmm.boot.TestKernels.DATA;
import static io.jvmm.boot.TestKernels.DATA_CONTENT;
import static io.jvmm.boot.TestKernels.DATA_MEMORY_SIZE;
import static io.jvmm.boot.TestKernels.ELF_ENTRY;
import static io.jvmm.boot.TestKernels.LOAD_ADDRESS;
import static io.jvmm.boot.TestKernels.PVH_ENTRY;
import static io.jvmm.boot.TestKernels.TEXT;
import static io.jvmm.boot.TestKernels.TEXT_CONTENT;
import static io.jvmm.boot.TestKernels.bzImage;
import static io.jvmm.boot.TestKernels.config;
import static io.jvmm.boot.TestKernels.elf;
import static io.jvmm.boot.TestKernels.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.jvmm.boot.payload.Compression;
import io.jvmm.boot.payload.Packer;
import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

class BootLoaderTest {

    private static final long ZERO_PAGE = GuestLayout.ZERO_PAGE;
    private static final int HEADER_SIZE = 0x200;

    private final Arena arena = Arena.ofConfined();
    private final GuestMemory memory = TestKernels.memory(arena, 16);

    @AfterEach
    void close() {
        arena.close();
    }

    private BootPlan load(byte[] kernel, BootConfig config) {
        try (KernelImage image = image(kernel)) {
            return BootLoader.load(memory, image, config);
        }
    }

    private byte[] bytes(long gpa, int length) {
        byte[] bytes = new byte[length];
        memory.copyOut(gpa, bytes);
        return bytes;
    }

    private void assertElfIsLoaded() {
        assertThat(bytes(TEXT, TEXT_CONTENT.length)).isEqualTo(TEXT_CONTENT);
        assertThat(bytes(DATA, DATA_CONTENT.length)).isEqualTo(DATA_CONTENT);
        int zeros = (int) DATA_MEMORY_SIZE - DATA_CONTENT.length;
        assertThat(bytes(DATA + DATA_CONTENT.length, zeros)).containsOnly(0);
    }

    private static EntryState.LongMode longMode(long rip) {
        return new EntryState.LongMode(
                rip,
                ZERO_PAGE,
                GuestLayout.PAGE_TABLES,
                GuestLayout.GDT,
                Gdt.LIMIT,
                GuestLayout.BOOT_STACK_TOP);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "LZO")
    void unpacksABzImageAndEntersItsElfFile(Compression format) {
        byte[] kernel = bzImage().payload(format, elf().build()).build();
        BootPlan plan = load(kernel, config(BootEntry.AUTO));
        assertElfIsLoaded();
        assertThat(plan.entry()).isEqualTo(longMode(ELF_ENTRY));
        assertThat(plan.protocol()).isEqualTo("elf64");
        assertThat(plan.description())
                .contains(BzImageBuilder.VERSION, format.label() + " payload", "0x300010")
                .doesNotContain("someone");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "LZO")
    void takesAnElfFileThatIsCompressedAsAWhole(Compression format) {
        BootPlan plan = load(Packer.pack(format, elf().build()), config(BootEntry.AUTO));
        assertElfIsLoaded();
        assertThat(plan.entry()).isEqualTo(longMode(ELF_ENTRY));
    }

    @Test
    void takesAPayloadThatIsNotCompressed() {
        BootPlan plan = load(bzImage().payload(elf().build()).build(), config(BootEntry.AUTO));
        assertElfIsLoaded();
        assertThat(plan.description()).contains("payload not compressed");
    }

    @Test
    void translatesAnEntryThatIsAVirtualAddress() {
        byte[] kernel = elf().entry(0xFFFF_FFFF_8030_0044L).build();
        assertThat(load(kernel, config(BootEntry.AUTO)).entry()).isEqualTo(longMode(TEXT + 0x44));
    }

    @Test
    void loadsABzImageAsItIsForItsOwn64BitEntry() {
        byte[] kernel = bzImage().build();
        BootPlan plan = load(kernel, config(BootEntry.BZIMAGE64));
        assertThat(plan.entry()).isEqualTo(longMode(LOAD_ADDRESS + 0x200));
        assertThat(plan.protocol()).isEqualTo("bzimage64");
        int start = 4 * 512;
        assertThat(bytes(LOAD_ADDRESS, kernel.length - start))
                .isEqualTo(java.util.Arrays.copyOfRange(kernel, start, kernel.length));
        assertThat(memory.readU32(ZERO_PAGE + 0x214)).isEqualTo(LOAD_ADDRESS);
    }

    @Test
    void anUnknownPayloadUnpacksItself() {
        byte[] kernel = bzImage().payload(new byte[100]).build();
        assertThat(load(kernel, config(BootEntry.AUTO)).protocol()).isEqualTo("bzimage64");
    }

    @Test
    void aKernelBeforeTheNewHeaderFieldsIsEnteredIn32BitMode() {
        byte[] kernel = bzImage().protocol(0x0206).build();
        BootPlan plan = load(kernel, config(BootEntry.AUTO));
        assertThat(plan.protocol()).isEqualTo("bzimage32");
        assertThat(plan.entry())
                .isEqualTo(
                        new EntryState.Protected32(
                                0x10_0000,
                                ZERO_PAGE,
                                0,
                                GuestLayout.GDT,
                                Gdt.LIMIT,
                                GuestLayout.BOOT_STACK_TOP));
        assertThat(memory.readU8(0x10_0000)).isEqualTo(0xFC);
        assertThat(memory.readU64(GuestLayout.GDT + 0x10)).isEqualTo(0x00CF_9B00_0000_FFFFL);
    }

    @Test
    void entersByPvhWhereAsked() {
        byte[] disk = TestKernels.cpio(5000);
        BootPlan plan = load(bzImage().build(), config(BootEntry.PVH, disk));
        assertElfIsLoaded();
        assertThat(plan.entry())
                .isEqualTo(
                        new EntryState.Protected32(
                                PVH_ENTRY,
                                0,
                                GuestLayout.PVH_START_INFO,
                                GuestLayout.GDT,
                                Gdt.LIMIT,
                                GuestLayout.BOOT_STACK_TOP));
        long info = GuestLayout.PVH_START_INFO;
        assertThat(memory.readU32(info)).isEqualTo(0x336E_C578L);
        assertThat(memory.readU32(info + 4)).isEqualTo(1);
        assertThat(memory.readU32(info + 12)).isEqualTo(1);
        long module = memory.readU64(info + 16);
        assertThat(bytes(memory.readU64(module), disk.length)).isEqualTo(disk);
        assertThat(memory.readU64(module + 8)).isEqualTo(disk.length);
        assertThat(memory.readU64(info + 24)).isEqualTo(GuestLayout.COMMAND_LINE);
        assertThat(memory.readU64(info + 32)).isEqualTo(GuestLayout.ACPI_TABLES);
        long map = memory.readU64(info + 40);
        assertThat(memory.readU32(info + 48)).isEqualTo(5);
        assertThat(memory.readU64(map + 3 * 24)).isEqualTo(0x10_0000);
        assertThat(memory.readU64(map + 3 * 24 + 8)).isEqualTo(15 << 20);
        assertThat(memory.readU32(map + 3 * 24 + 16)).isEqualTo(1);
    }

    @Test
    void anotherSystemThanLinuxIsEnteredByPvhByItself() {
        byte[] name = "FreeBSD\0".getBytes(StandardCharsets.US_ASCII);
        byte[] kernel = elf().note("Xen", 6, name).build();
        assertThat(load(kernel, config(BootEntry.AUTO)).protocol()).isEqualTo("pvh");
        byte[] linux = "linux\0".getBytes(StandardCharsets.US_ASCII);
        assertThat(load(elf().note("Xen", 6, linux).build(), config(BootEntry.AUTO)).protocol())
                .isEqualTo("elf64");
    }

    @Test
    void anElfFileWithNoOtherEntryIsEnteredByPvhByItself() {
        for (long entry : new long[] {PVH_ENTRY, 0, 0x50_0000}) {
            BootPlan plan = load(elf().entry(entry).build(), config(BootEntry.AUTO));
            assertThat(plan.protocol()).as("entry 0x%x", entry).isEqualTo("pvh");
        }
        assertThat(load(elf().entry(PVH_ENTRY).build(), config(BootEntry.ELF64)).protocol())
                .isEqualTo("elf64");
    }

    @Test
    void a32BitElfFileIsEnteredByPvh() {
        byte[] kernel =
                new ElfBuilder()
                        .narrow()
                        .load(TEXT, TEXT_CONTENT, TEXT_CONTENT.length)
                        .load(DATA, DATA_CONTENT, DATA_MEMORY_SIZE)
                        .pvhEntry(PVH_ENTRY)
                        .build();
        for (byte[] file : List.of(kernel, Packer.pack(Compression.ZSTD, kernel))) {
            BootPlan plan = load(file, config(BootEntry.AUTO));
            assertElfIsLoaded();
            assertThat(plan.protocol()).isEqualTo("pvh");
            assertThat(plan.entry()).isInstanceOf(EntryState.Protected32.class);
        }
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> load(kernel, config(BootEntry.ELF64)))
                .withMessageContaining("boot entry elf64 was asked for");
    }

    @ParameterizedTest
    @EnumSource(names = {"GZIP", "BZIP2", "XZ", "LZ4_LEGACY", "ZSTD"})
    void allStreamsOfACompressedKernelAreUnpacked(Compression format) {
        byte[] kernel = elf().build();
        var packed = new java.io.ByteArrayOutputStream();
        for (int at = 0; at < kernel.length; at += 15_000) {
            int end = Math.min(kernel.length, at + 15_000);
            packed.writeBytes(Packer.pack(format, java.util.Arrays.copyOfRange(kernel, at, end)));
        }
        packed.writeBytes(new byte[8]); // padding
        load(packed.toByteArray(), config(BootEntry.AUTO));
        assertElfIsLoaded();
    }

    /** Debug data of a kernel is behind what is loaded, and may be larger than guest and heap. */
    @ParameterizedTest
    @EnumSource(names = {"GZIP", "ZSTD"})
    void whatIsNotLoadedIsNotKept(Compression format) {
        byte[] kernel = elf().build();
        byte[] debug = new byte[24 << 20];
        byte[] packed = Packer.pack(format, kernel);
        byte[] rest = Packer.pack(format, debug);
        byte[] whole = java.util.Arrays.copyOf(packed, packed.length + rest.length);
        System.arraycopy(rest, 0, whole, packed.length, rest.length);
        debug = null;
        var threads =
                (com.sun.management.ThreadMXBean)
                        java.lang.management.ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        load(whole, config(BootEntry.AUTO));
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(8L << 20);
        assertElfIsLoaded();
    }

    @Test
    void anElfFileWithItsTableBehindTheRestIsUnpackedTwice() {
        byte[] kernel = elf().build();
        int table = 3 * 56;
        byte[] moved = java.util.Arrays.copyOf(kernel, kernel.length + table);
        System.arraycopy(kernel, 64, moved, kernel.length, table);
        java.nio.ByteBuffer.wrap(moved)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .putLong(32, kernel.length);
        load(Packer.pack(Compression.XZ, moved), config(BootEntry.AUTO));
        assertElfIsLoaded();
    }

    @Test
    void damageBehindWhatIsLoadedIsFoundToo() {
        byte[] packed = Packer.pack(Compression.GZIP, elf().segment(5, new byte[9000]).build());
        packed[packed.length - 7] ^= 1;
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> load(packed, config(BootEntry.AUTO)))
                .withMessageContaining("it is corrupt");
    }

    @Test
    void theZeroPageHasTheKernelsHeaderAndOurAnswers() {
        byte[] disk = TestKernels.cpio(100_000);
        byte[] kernel = bzImage().initrdMax(0xBF_FFFF).build();
        load(kernel, config(BootEntry.AUTO, disk));
        assertThat(memory.readU16(ZERO_PAGE + 0x1FE)).isEqualTo(0xAA55);
        assertThat(bytes(ZERO_PAGE + 0x202, 4)).isEqualTo("HdrS".getBytes(StandardCharsets.UTF_8));
        assertThat(memory.readU16(ZERO_PAGE + 0x206)).isEqualTo(0x020F);
        assertThat(memory.readU8(ZERO_PAGE + 0x210)).isEqualTo(0xFF);
        assertThat(memory.readU32(ZERO_PAGE + 0x228)).isEqualTo(GuestLayout.COMMAND_LINE);
        assertThat(memory.readU32(ZERO_PAGE + 0x230)).isEqualTo(0x20_0000);
        assertThat(memory.readU64(ZERO_PAGE + 0x070)).isEqualTo(GuestLayout.ACPI_TABLES);
        long address = memory.readU32(ZERO_PAGE + 0x218);
        assertThat(address % 4096).isZero();
        assertThat(address + disk.length).isBetween(0xBF_F001L, 0xC0_0000L);
        assertThat(memory.readU32(ZERO_PAGE + 0x21C)).isEqualTo(disk.length);
        assertThat(bytes(address, disk.length)).isEqualTo(disk);
    }

    @Test
    void anElfFileGetsAHeaderMadeForIt() {
        load(elf().build(), config(BootEntry.AUTO));
        assertThat(memory.readU16(ZERO_PAGE + 0x1FE)).isEqualTo(0xAA55);
        assertThat(memory.readU16(ZERO_PAGE + 0x206)).isEqualTo(0x020F);
        assertThat(memory.readU8(ZERO_PAGE + 0x211)).isEqualTo(1);
        assertThat(memory.readU32(ZERO_PAGE + 0x218)).isZero();
        String line = "console=ttyS0 quiet\0";
        assertThat(bytes(GuestLayout.COMMAND_LINE, line.length()))
                .isEqualTo(line.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void theMemoryMapLeavesOutWhatIsNotFree() {
        GuestMemory large =
                TestKernels.memory(
                        arena,
                        16,
                        new MemoryRegion(GuestLayout.HIGH_MEMORY, arena.allocate(8192, 4096)));
        assertThat(E820Map.of(large).entries())
                .containsExactly(
                        new E820Map.Entry(0, 0x9_FC00, E820Map.RAM),
                        new E820Map.Entry(0x9_FC00, 0x400, E820Map.RESERVED),
                        new E820Map.Entry(0xE_0000, 0x2_0000, E820Map.RESERVED),
                        new E820Map.Entry(0x10_0000, 15L << 20, E820Map.RAM),
                        new E820Map.Entry(0xFFFB_C000L, 0x4000, E820Map.RESERVED),
                        new E820Map.Entry(0x1_0000_0000L, 8192, E820Map.RAM));
    }

    @Test
    void theFirstFourGibAreMappedOneToOne() {
        load(elf().build(), config(BootEntry.AUTO));
        for (long address :
                new long[] {0, 0x7123, TEXT, 0xBFFF_FFFFL, 0xFEE0_0030L, 0xFFFF_FFFFL}) {
            assertThat(translate(address)).isEqualTo(address);
        }
    }

    private long translate(long address) {
        long mask = 0xF_FFFF_FFFF_F000L;
        long pdpt = memory.readU64(GuestLayout.PAGE_TABLES + 8 * (address >>> 39));
        long directory = memory.readU64((pdpt & mask) + 8 * ((address >>> 30) & 511));
        long page = memory.readU64((directory & mask) + 8 * ((address >>> 21) & 511));
        assertThat(pdpt & directory & page & 3).as("present and writable").isEqualTo(3);
        assertThat(page & 0x80).as("large").isEqualTo(0x80);
        return (page & mask) + (address & 0x1F_FFFF);
    }

    @Test
    void theDescriptorTableHasFlatSegments() {
        load(elf().build(), config(BootEntry.AUTO));
        assertThat(memory.readU64(GuestLayout.GDT)).isZero();
        assertThat(memory.readU64(GuestLayout.GDT + 0x10)).isEqualTo(0x00AF_9B00_0000_FFFFL);
        assertThat(memory.readU64(GuestLayout.GDT + 0x18)).isEqualTo(0x00CF_9300_0000_FFFFL);
        assertThat(memory.readU64(GuestLayout.GDT + 0x20)).isEqualTo(0x0000_8B00_0000_0067L);
    }

    @Test
    void refusesACommandLineThatTheKernelWouldCut() {
        byte[] kernel = bzImage().commandLineMax(20).build();
        var fits = new BootConfig("x".repeat(20), Optional.empty(), BootEntry.AUTO, 1);
        load(kernel, fits);
        var long21 = new BootConfig("x".repeat(21), Optional.empty(), BootEntry.AUTO, 1);
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> load(kernel, long21))
                .withMessage(
                        "The command line has 21 bytes, and the kernel takes at most 20; give it"
                                + " less");
        var hinted =
                new BootConfig("x", "h".repeat(19), Optional.empty(), BootEntry.AUTO, 1, List.of());
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> load(kernel, hinted))
                .withMessage(
                        "The command line has 21 bytes, and the kernel takes at most 20; 20 of them"
                                + " are the words for a host that interprets kernels: give less, or"
                                + " switch host quirks off");
    }

    @Test
    void theCommandLineIsPassedOnAsBytes() {
        String text = "init=/bin/größe\tßource=\"a\nb\"\u0001";
        load(elf().build(), new BootConfig(text, Optional.empty(), BootEntry.AUTO, 1));
        byte[] expected = (text + "\0").getBytes(StandardCharsets.UTF_8);
        assertThat(bytes(GuestLayout.COMMAND_LINE, expected.length)).isEqualTo(expected);
        var cut = new BootConfig("a\0b", Optional.empty(), BootEntry.AUTO, 1);
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> load(elf().build(), cut))
                .withMessageContaining("zero byte");
    }

    @Test
    void theWordsForTheHostComeFirst() {
        var config =
                new BootConfig("quiet", "noxsave", Optional.empty(), BootEntry.AUTO, 1, List.of());
        load(elf().build(), config);
        byte[] expected = "noxsave quiet\0".getBytes(StandardCharsets.UTF_8);
        assertThat(bytes(GuestLayout.COMMAND_LINE, expected.length)).isEqualTo(expected);
    }

    @Test
    void theLastUnitOfAKernelMayBeShort() {
        byte[] whole = bzImage().payload(new byte[100]).build();
        byte[] cut = bzImage().payload(new byte[100]).shortBy(8).build();
        load(cut, config(BootEntry.AUTO));
        int start = 4 * 512;
        assertThat(bytes(LOAD_ADDRESS, whole.length - start))
                .isEqualTo(java.util.Arrays.copyOfRange(whole, start, whole.length));
    }

    @Test
    void aKernelThatIsNoLinuxSaysSoByItsVersion() {
        assertThat(image(bzImage().build()).isLinux()).isTrue();
        assertThat(image(bzImage().version("Memtest86+").build()).isLinux()).isFalse();
    }

    @Test
    void refusesMoreProcessorsThanTheTablesCanName() {
        var config = new BootConfig("", Optional.empty(), BootEntry.AUTO, 5000);
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> load(elf().build(), config))
                .withMessageContaining("at most 3967 vCPUs, not 5000");
    }

    @Test
    void aLongerHeaderThanKnownIsCutBeforeTheNextField() {
        byte[] kernel = bzImage().build();
        kernel[0x201] = (byte) 0xFF;
        for (int i = HEADER_SIZE + 0x6C; i < 0x300; i++) {
            kernel[i] = (byte) 0xEE;
        }
        load(kernel, config(BootEntry.AUTO));
        assertThat(memory.readU8(ZERO_PAGE + 0x28F)).isEqualTo(0xEE);
        assertThat(memory.readU8(ZERO_PAGE + 0x290)).isZero();
    }

    @Test
    void readsFiles(@TempDir Path folder) throws IOException {
        Path kernel = Files.write(folder.resolve("vmlinuz"), bzImage().build());
        Path disk = Files.write(folder.resolve("initrd"), TestKernels.cpio(3_000_000));
        try (KernelImage image = KernelImage.open(kernel);
                Initrd initrd = Initrd.open(disk)) {
            var config = new BootConfig("", Optional.of(initrd), BootEntry.AUTO, 1);
            BootPlan plan = BootLoader.load(memory, image, config);
            assertThat(plan.entry()).isEqualTo(longMode(ELF_ENTRY));
            assertThat(plan.description()).contains("initrd of 2.9 MiB at 0x");
        }
        assertElfIsLoaded();
    }

    @Test
    void aFileThatShrinksMeanwhileIsAnErrorAndNoMore(@TempDir Path folder) throws IOException {
        Path kernel = Files.write(folder.resolve("vmlinux"), elf().build());
        try (KernelImage image = KernelImage.open(kernel)) {
            try (FileChannel channel = FileChannel.open(kernel, StandardOpenOption.WRITE)) {
                channel.truncate(1000);
            }
            assertThatExceptionOfType(BootException.class)
                    .isThrownBy(() -> BootLoader.load(memory, image, config(BootEntry.AUTO)))
                    .withMessageContaining("shrank while it was read");
        }
    }

    @Test
    void wantsMemoryFromZero() {
        GuestMemory odd =
                new GuestMemory(
                        java.util.List.of(
                                new MemoryRegion(0x10_0000, arena.allocate(16 << 20, 4096))));
        try (KernelImage image = KernelImage.of("test", MemorySegment.ofArray(elf().build()))) {
            assertThatExceptionOfType(BootException.class)
                    .isThrownBy(() -> BootLoader.load(odd, image, config(BootEntry.AUTO)))
                    .withMessageContaining("must begin at 0");
        }
    }
}

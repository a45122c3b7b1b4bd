// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import static io.jvmm.boot.TestKernels.bzImage;
import static io.jvmm.boot.TestKernels.elf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.jvmm.boot.payload.Compression;
import io.jvmm.boot.payload.Packer;
import io.jvmm.memory.GuestMemory;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

/** Kernels that are broken, or none: each is refused with the reason, cheaply. */
class MalformedKernelTest {

    private static final int MEMORY_MIB = 16;

    /** What a refusal may take at most: guest memory's size for the payload, and buffers. */
    private static final long ALLOCATION_MAX = 64L << 20;

    static Stream<Arguments> malformed() {
        return Stream.of(bzImages(), payloads(), elfFiles(), otherFiles()).flatMap(s -> s);
    }

    private static Stream<Arguments> bzImages() {
        byte[] good = bzImage().build();
        return Stream.of(
                arguments(
                        "cut in the boot sector",
                        cut(good, 0x200),
                        "a disk image with a boot sector"),
                arguments("cut in the setup header", cut(good, 0x220), "within its setup header"),
                arguments("cut in the setup", cut(good, 0x400), "it says it has"),
                arguments("cut in the kernel", cut(good, 0x900), "is truncated or corrupt"),
                arguments("cut at the end", cut(good, good.length - 16), "is truncated or corrupt"),
                arguments("boot protocol 2.05", bzImage().protocol(0x205).build(), "too old"),
                arguments(
                        "without an entry but the BIOS's",
                        put32(bzImage().protocol(0x207).build(), 0x214, 0),
                        "begins in 16-bit mode and needs a BIOS"),
                arguments("zImage", bzImage().loadFlags(0).build(), "is a zImage"),
                arguments("32-bit", bzImage().extendedFlags(0).build(), "is a 32-bit kernel"),
                arguments("size of zero", put32(good, 0x1F4, 0), "is truncated or corrupt"),
                arguments("huge size", put32(good, 0x1F4, -1), "it says it has 65536 MiB"),
                arguments("short header", put8(good, 0x201, 0x30), "setup header is too short"),
                arguments("payload offset", put32(good, 0x248, -16), "reaches beyond the end"),
                arguments("payload length", put32(good, 0x24C, -16), "reaches beyond the end"),
                arguments(
                        "payload without length, far off",
                        farPayload(good),
                        "reaches beyond the end"),
                arguments(
                        "payload without length, far off, compressed",
                        Packer.pack(Compression.GZIP, farPayload(good)),
                        "reaches beyond the end"),
                arguments(
                        "load address below 1 MiB, unpacking itself",
                        bzImage().payload(new byte[64]).preferredAddress(0x1000).build(),
                        "wants to be loaded at 0x1000"),
                arguments(
                        "load address out of this world",
                        bzImage().payload(new byte[64]).preferredAddress(-4096).build(),
                        "wants to be loaded at 0xfffffffffffff000"),
                arguments(
                        "init size beyond memory",
                        bzImage().payload(new byte[64]).initSize(-1).build(),
                        "needs memory up to 4098 MiB, the guest has 16 MiB"));
    }

    private static Stream<Arguments> payloads() {
        byte[] content = elf().build();
        byte[] gzip = Packer.pack(Compression.GZIP, content);
        byte[] zstd = Packer.pack(Compression.ZSTD, content);
        byte[] bomb = Packer.pack(Compression.GZIP, new byte[200 << 20]);
        byte[] elfBomb = Packer.pack(Compression.GZIP, Arrays.copyOf(content, 40 << 20));
        return Stream.of(
                arguments(
                        "payload says less than it is",
                        bzImage().payload(put32(gzip, gzip.length - 4, 1000)).build(),
                        "unpacks to more than the 1,000 bytes allowed"),
                arguments(
                        "payload says more than it is",
                        bzImage().payload(zstd, content.length + 1).build(),
                        "is corrupt: it unpacks to"),
                arguments(
                        "payload truncated",
                        bzImage().payload(cut(zstd, 20_000), content.length).build(),
                        "cannot be unpacked from zstd: it is truncated"),
                arguments(
                        "payload damaged",
                        bzImage().payload(put8(zstd, 20_000, 0x55), content.length).build(),
                        "a checksum does not match"),
                arguments(
                        "gzip payload damaged",
                        bzImage().payload(put8(gzip, gzip.length - 6, 0x55)).build(),
                        "cannot be unpacked from gzip: it is corrupt"),
                arguments(
                        "zip bomb as payload",
                        bzImage().payload(bomb).build(),
                        "unpacks to 200 MiB, more than the 16 MiB that the guest's memory allows"),
                arguments(
                        "zip bomb that lies about its size",
                        bzImage().payload(put32(elfBomb, elfBomb.length - 4, 1 << 20)).build(),
                        "unpacks to more than the 1,048,576 bytes allowed"),
                arguments("zip bomb as kernel", bomb, "it is nothing but zero bytes"),
                arguments(
                        "zip bomb behind the headers of a bzImage",
                        Packer.pack(Compression.GZIP, Arrays.copyOf(bzImage().build(), 40 << 20)),
                        "more than the 16,777,216 bytes allowed"),
                arguments(
                        "payload is something else",
                        bzImage().payload(Compression.GZIP, text("Hello, world!\n")).build(),
                        "is not a 64-bit kernel: it is a text file"),
                arguments(
                        "payload is a 32-bit kernel",
                        bzImage().payload(Compression.GZIP, elf32()).build(),
                        "an ELF executable for 32-bit x86"),
                arguments(
                        "compressed twice",
                        Packer.pack(Compression.XZ, gzip),
                        "is compressed more than once"),
                arguments(
                        "compressed text",
                        Packer.pack(Compression.GZIP, text("#!/bin/sh\necho\n")),
                        "it is a script"),
                arguments(
                        "compressed initramfs",
                        Packer.pack(Compression.GZIP, TestKernels.cpio(100)),
                        "it is a cpio archive (an initramfs); give it as the initrd"));
    }

    private static Stream<Arguments> elfFiles() {
        byte[] good = elf().build();
        byte[] some = TestKernels.noise(100, 5);
        return Stream.of(
                arguments("ELF cut in its header", cut(good, 40), "is not a kernel for x86-64"),
                arguments("ELF cut in its table", cut(good, 100), "before its ELF program headers"),
                arguments("ELF cut in a segment", cut(good, 20_000), "is truncated: a segment"),
                arguments("no program headers", put16(good, 56, 0), "with nothing to load"),
                arguments("header size", put16(good, 54, 32), "program headers have 32 bytes each"),
                arguments("table offset", put64(good, 32, -1), "before its ELF program headers"),
                arguments("table far off", put64(good, 32, Long.MAX_VALUE), "ends before its ELF"),
                arguments("segment offset", put64(good, 64 + 8, -1), "is truncated: a segment"),
                arguments("file size", put64(good, 64 + 32, -1), "is truncated: a segment"),
                arguments("memory size small", put64(good, 64 + 40, 1), "and 0x1 in memory"),
                arguments(
                        "memory size huge",
                        put64(good, 64 + 40, Long.MAX_VALUE),
                        "has the impossible address"),
                arguments("address", put64(good, 64 + 24, -4096), "has the impossible address"),
                arguments("address low", put64(good, 64 + 24, 0x7000), "below 1 MiB is not free"),
                arguments(
                        "address beyond memory",
                        put64(good, 64 + 56 + 24, 0x1000_0000),
                        "needs memory up to 256.5 MiB, the guest has 16 MiB"),
                arguments(
                        "address in the device hole",
                        put64(good, 64 + 56 + 24, 0xFEC0_0000L),
                        "needs memory up to"),
                arguments(
                        "overlapping segments",
                        put64(good, 64 + 24, TestKernels.DATA + 16),
                        "two of its segments overlap"),
                arguments("entry", withoutPvh(0x50_0000), "entry point 0x500000 is in none"),
                arguments("user program", elf().segment(3, some).build(), "program or library"),
                arguments(
                        "static user program",
                        elf().note("GNU", 1, new byte[16]).build(),
                        "program or library"),
                arguments("kernel module", elf().type(1).build(), "object file or kernel module"),
                arguments("core dump", elf().type(4).build(), "an ELF core dump"),
                arguments("aarch64", elf().machine(183).build(), "64-bit ARM (aarch64)"),
                arguments("32-bit ELF", elf32(), "through its PVH note only, and it has none"),
                arguments("32-bit ELF cut", cut(elf32(), 60), "before its ELF program headers"));
    }

    private static Stream<Arguments> otherFiles() {
        return Stream.of(
                arguments("arm64 Image", at(0x38, "ARMd"), "64-bit ARM (arm64 Image)"),
                arguments("RISC-V Image", at(0x38, "RSC\005"), "a kernel for RISC-V"),
                arguments("EFI program", pe(0x8664), "objcopy -O binary -j .linux"),
                arguments("EFI program for ARM", pe(0xAA64), "EFI or Windows program for 64-bit"),
                arguments("initramfs", TestKernels.cpio(10), "give it as the initrd"),
                arguments("ext4", at(0x438, "S\357"), "ext2, ext3 or ext4"),
                arguments("ISO", at(0x8001, "CD001"), "ISO 9660"),
                arguments("qcow2", at(0, "QFI\373"), "qcow2"),
                arguments("disk", at(510, "U\252"), "a boot sector"),
                arguments("text", text("root=/dev/vda console=ttyS0\n"), "it is a text file"),
                arguments("script", text("#!/bin/sh\n"), "it is a script"),
                arguments("zeros", new byte[100_000], "nothing but zero bytes"),
                arguments("one byte", new byte[] {7}, "data of no known kind"),
                arguments("nothing", new byte[0], "is empty"),
                arguments("noise", TestKernels.noise(70_000, 6), "data of no known kind"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void isRefusedWithTheReason(String what, byte[] file, String reason) {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Arena arena = Arena.ofConfined()) {
            GuestMemory memory = TestKernels.memory(arena, MEMORY_MIB);
            long before = threads.getCurrentThreadAllocatedBytes();
            assertThatExceptionOfType(BootException.class)
                    .as(what)
                    .isThrownBy(() -> load(memory, file))
                    .withMessageContaining(reason)
                    .satisfies(e ->
                            assertThat(e.getMessage())
                                    .containsIgnoringCase("kernel test")
                                    .doesNotContain("\n"));
            assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                    .isLessThan(ALLOCATION_MAX);
        }
    }

    private static void load(GuestMemory memory, byte[] file) {
        try (KernelImage image = TestKernels.image(file)) {
            BootLoader.load(memory, image, TestKernels.config(BootEntry.AUTO));
        }
    }

    @Test
    void anEntryThatTheKernelDoesNotHaveIsRefused() {
        assertRefused(elf().build(), BootEntry.BZIMAGE64, "has no bzimage64 entry; use elf64");
        assertRefused(
                new ElfBuilder().load(TestKernels.TEXT, new byte[64], 64).build(),
                BootEntry.PVH,
                "has no PVH entry");
        assertRefused(elf().pvhEntry(0x10).build(), BootEntry.PVH, "PVH entry 0x10 is in none");
        assertRefused(bzImage().protocol(0x20B).build(), BootEntry.BZIMAGE64, "2.11); use elf64");
        assertRefused(
                bzImage().protocol(0x207).build(), BootEntry.ELF64, "use boot entry bzimage32");
        assertRefused(bzImage().payload(new byte[64]).build(), BootEntry.ELF64, "entry bzimage64");
    }

    private static void assertRefused(byte[] file, BootEntry entry, String reason) {
        try (Arena arena = Arena.ofConfined();
                KernelImage image = TestKernels.image(file)) {
            GuestMemory memory = TestKernels.memory(arena, MEMORY_MIB);
            assertThatExceptionOfType(BootException.class)
                    .isThrownBy(() -> BootLoader.load(memory, image, TestKernels.config(entry)))
                    .withMessageContaining(reason);
        }
    }

    @Test
    void aPathThatIsNoFileIsRefused(@TempDir Path folder) throws IOException {
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> KernelImage.open(folder))
                .withMessage("Kernel " + folder + " is a directory");
        Path missing = folder.resolve("vmlinuz");
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> KernelImage.open(missing))
                .withMessage("Kernel " + missing + " does not exist");
        Path empty = Files.createFile(folder.resolve("empty"));
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> KernelImage.open(empty))
                .withMessage("Kernel " + empty + " is empty");
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> KernelImage.open(Path.of("/dev/zero")))
                .withMessageContaining("a pipe or a device");
    }

    private static byte[] farPayload(byte[] kernel) {
        return put32(put32(kernel, 0x24C, 0), 0x248, 0x7FFF_FFFF);
    }

    private static byte[] elf32() {
        return new ElfBuilder().narrow().load(TestKernels.TEXT, new byte[64], 64).build();
    }

    private static byte[] withoutPvh(long entry) {
        return new ElfBuilder().load(TestKernels.TEXT, new byte[64], 64).entry(entry).build();
    }

    private static byte[] cut(byte[] file, int length) {
        return Arrays.copyOf(file, length);
    }

    private static byte[] put8(byte[] file, int offset, int value) {
        byte[] copy = file.clone();
        copy[offset] = (byte) value;
        return copy;
    }

    private static byte[] put16(byte[] file, int offset, int value) {
        byte[] copy = file.clone();
        little(copy).putShort(offset, (short) value);
        return copy;
    }

    private static byte[] put32(byte[] file, int offset, int value) {
        byte[] copy = file.clone();
        little(copy).putInt(offset, value);
        return copy;
    }

    private static byte[] put64(byte[] file, int offset, long value) {
        byte[] copy = file.clone();
        little(copy).putLong(offset, value);
        return copy;
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] at(int offset, String magic) {
        byte[] file = new byte[40_000];
        byte[] bytes = magic.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(bytes, 0, file, offset, bytes.length);
        return file;
    }

    private static byte[] pe(int machine) {
        byte[] file = at(0, "MZ");
        file[0x3C] = (byte) 0x80;
        System.arraycopy(text("PE\0\0"), 0, file, 0x80, 4);
        return put16(file, 0x84, machine);
    }
}

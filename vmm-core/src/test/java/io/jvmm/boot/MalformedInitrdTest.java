// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.jvmm.boot.payload.Compression;
import io.jvmm.boot.payload.Packer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZOutputStream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

class MalformedInitrdTest {

    private static final byte[] CPIO = TestKernels.cpio(1000);
    private static final byte[] GZIP = gzip(CPIO);
    private static final byte[] ZSTD = Packer.pack(Compression.ZSTD, CPIO);
    private static final byte[] LZ4 = Packer.pack(Compression.LZ4_LEGACY, CPIO);

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    static Stream<Arguments> sound() {
        byte[] image = new byte[8192];
        image[0x438] = 0x53;
        image[0x439] = (byte) 0xEF;
        return Stream.of(
                arguments("cpio", CPIO),
                arguments("two archives", join(CPIO, CPIO)),
                arguments("zeros between", join(new byte[512], CPIO, new byte[5000], CPIO)),
                arguments(
                        "microcode first",
                        join(CPIO, new byte[64], Packer.pack(Compression.GZIP, CPIO))),
                arguments("xz", Packer.pack(Compression.XZ, CPIO)),
                arguments("lzma", Packer.pack(Compression.LZMA, CPIO)),
                arguments("bzip2", Packer.pack(Compression.BZIP2, CPIO)),
                arguments("lz4", Packer.pack(Compression.LZ4_LEGACY, CPIO)),
                arguments("zstd", join(ZSTD, new byte[3])),
                arguments("zstd, then plain", join(padded(ZSTD), CPIO)),
                arguments("zstd, zeros, zstd", join(ZSTD, new byte[7], ZSTD)),
                arguments("gzip, directly another", join(GZIP, GZIP)),
                arguments("lz4, zeros, gzip", join(LZ4, new byte[4], GZIP)),
                arguments("bzip2, xz, lzma", join(bzip2(), xz(XZ.CHECK_NONE), lzma())),
                arguments("boot configuration", join(CPIO, bootConfig("a = b\n", 0))),
                arguments("gzip and boot configuration", join(GZIP, bootConfig("a\n", 0))),
                arguments(
                        "boot configuration filled up",
                        join(CPIO, bootConfig("a = b\n", 0), new byte[3])),
                arguments("no trailer", Arrays.copyOf(CPIO, 1116)),
                arguments("no trailer in gzip", gzip(Arrays.copyOf(CPIO, 1116))),
                arguments(
                        "entries behind a trailer, in gzip", gzip(join(CPIO, new byte[512], CPIO))),
                arguments("file system", image),
                arguments("packed file system", gzip(image)),
                arguments("large", gzip(TestKernels.cpio(6 << 20))));
    }

    private static byte[] gzip(byte[] content) {
        return Packer.pack(Compression.GZIP, content);
    }

    private static byte[] bzip2() {
        return Packer.pack(Compression.BZIP2, CPIO);
    }

    private static byte[] lzma() {
        return Packer.pack(Compression.LZMA, CPIO);
    }

    private static byte[] xz(int check) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (var out = new XZOutputStream(bytes, new LZMA2Options(1), check)) {
            out.write(CPIO);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static byte[] padded(byte[] bytes) {
        return Arrays.copyOf(bytes, (bytes.length + 3) & ~3);
    }

    private static byte[] bootConfig(String text, int wrong) {
        byte[] content = text.getBytes(StandardCharsets.US_ASCII);
        int sum = wrong;
        for (byte b : content) {
            sum += b;
        }
        byte[] numbers =
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(content.length)
                        .putInt(sum)
                        .array();
        return join(content, numbers, "#BOOTCONFIG\n".getBytes(StandardCharsets.US_ASCII));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("sound")
    void whatLinuxCanUseIsTaken(String what, byte[] file) {
        try (Initrd initrd = Initrd.of("disk", MemorySegment.ofArray(file))) {
            assertThat(initrd.size()).as(what).isEqualTo(file.length);
        }
    }

    static Stream<Arguments> malformed() {
        byte[] gzip = Packer.pack(Compression.GZIP, CPIO);
        byte[] damaged = CPIO.clone();
        damaged[60] = 'g';
        byte[] huge = CPIO.clone();
        Arrays.fill(huge, 54, 62, (byte) 'F');
        byte[] longName = CPIO.clone();
        Arrays.fill(longName, 94, 102, (byte) 'f');
        byte[] wrongGzip = gzip.clone();
        wrongGzip[gzip.length - 6] ^= 1;
        byte[] zstd = Packer.pack(Compression.ZSTD, CPIO);
        return Stream.of(
                arguments("nothing", new byte[0], "is empty"),
                arguments("zeros", new byte[10_000], "nothing but zero bytes"),
                arguments("cut in a header", Arrays.copyOf(CPIO, 50), "ends within a header"),
                arguments("cut in a file", Arrays.copyOf(CPIO, 400), "a file of its cpio archive"),
                arguments("xz with CRC64", xz(XZ.CHECK_CRC64), "pack it with 'xz --check=crc32'"),
                arguments("xz with SHA-256", xz(XZ.CHECK_SHA256), "'xz --check=crc32'"),
                arguments("gzip with extra fields", put(GZIP, 3, 4), "pack it with 'gzip -n'"),
                arguments(
                        "an archive over two streams", join(half(0), half(1)), "truncated: a file"),
                arguments("gzip of zeros", gzip(new byte[9000]), "no cpio header at offset 0"),
                arguments("gzip of text", gzip(new byte[] {'a', 'b'}), "within a header"),
                arguments(
                        "something behind entries, in gzip",
                        gzip(join(CPIO, new byte[] {'x'})),
                        "has something behind its entries"),
                arguments(
                        "plain archive out of line",
                        join(padded(ZSTD), new byte[1], CPIO),
                        "not aligned to 4 bytes"),
                arguments(
                        "boot configuration with a wrong checksum",
                        join(CPIO, bootConfig("a = b\n", 1)),
                        "checksum of its boot configuration"),
                arguments("zstd with a window too large", wideZstd(), "without '--long'"),
                arguments("portable cpio", put(CPIO, 5, '7'), "pack it with 'cpio -H newc'"),
                arguments(
                        "damaged far behind in a large one",
                        largeDamaged(),
                        "cannot be unpacked from gzip"),
                arguments("damaged number", damaged, "the cpio header at offset 0 is damaged"),
                arguments("huge file", huge, "a file of its cpio archive, at offset 0, has 4096"),
                arguments("huge name", longName, "a file of its cpio archive"),
                arguments(
                        "no second header",
                        join(Arrays.copyOf(CPIO, 1116), TestKernels.noise(500, 1)),
                        "there is no archive at offset 1116"),
                arguments(
                        "something behind the archive",
                        join(CPIO, "some text".getBytes(StandardCharsets.US_ASCII)),
                        "there is no archive at offset"),
                arguments("gzip cut", Arrays.copyOf(gzip, 500), "from gzip: it is truncated"),
                arguments("gzip damaged", wrongGzip, "from gzip: it is corrupt"),
                arguments("zstd cut", Arrays.copyOf(zstd, 500), "from zstd: it is truncated"),
                arguments("lz4 frame", Packer.pack(Compression.LZ4, CPIO), "pack it with 'lz4 -l'"),
                arguments("a kernel", TestKernels.bzImage().build(), "a Linux kernel (bzImage)"),
                arguments("a program", TestKernels.elf().build(), "an ELF executable for x86-64"),
                arguments(
                        "text",
                        "root=/dev/vda\n".getBytes(StandardCharsets.US_ASCII),
                        "not an initial RAM disk: it is a text file"));
    }

    private static byte[] half(int which) {
        int middle = CPIO.length / 2;
        return gzip(
                which == 0
                        ? Arrays.copyOf(CPIO, middle)
                        : Arrays.copyOfRange(CPIO, middle, CPIO.length));
    }

    private static byte[] put(byte[] file, int offset, int value) {
        byte[] copy = file.clone();
        copy[offset] = (byte) value;
        return copy;
    }

    /** A frame header that asks for 256 MiB: exponent 18 above the least window. */
    private static byte[] wideZstd() {
        return put(ZSTD, 5, 18 << 3);
    }

    private static byte[] largeDamaged() {
        byte[] packed = gzip(TestKernels.cpio(6 << 20));
        packed[packed.length - 1000] ^= 0x10;
        return packed;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void theRestIsRefusedWithTheReason(String what, byte[] file, String reason) {
        assertThatExceptionOfType(BootException.class)
                .as(what)
                .isThrownBy(() -> Initrd.of("disk", MemorySegment.ofArray(file)))
                .withMessageStartingWith("Initrd disk ")
                .withMessageContaining(reason);
    }

    @Test
    void oneThatDoesNotFitIsRefused() {
        byte[] disk = TestKernels.cpio(14 << 20);
        try (Arena arena = Arena.ofConfined();
                KernelImage kernel = TestKernels.image(TestKernels.elf().build())) {
            assertThatExceptionOfType(BootException.class)
                    .isThrownBy(() ->
                            BootLoader.load(
                                    TestKernels.memory(arena, 16),
                                    kernel,
                                    TestKernels.config(BootEntry.AUTO, disk)))
                    .withMessage(
                            "Initrd disk has 14 MiB, but the guest's memory has only 11.5 MiB left"
                                    + " behind the kernel; give it more");
        }
    }

    @Test
    void aPathThatIsNoFileIsRefused(@TempDir Path folder) throws IOException {
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> Initrd.open(folder))
                .withMessage("Initrd " + folder + " is a directory");
        assertThatExceptionOfType(BootException.class)
                .isThrownBy(() -> Initrd.open(folder.resolve("initrd")))
                .withMessageEndingWith("does not exist");
    }
}

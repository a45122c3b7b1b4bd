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

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

class MalformedInitrdTest {

    private static final byte[] CPIO = TestKernels.cpio(1000);

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
                arguments("zstd", join(Packer.pack(Compression.ZSTD, CPIO), new byte[3])),
                arguments("file system", image),
                arguments("large", Packer.pack(Compression.GZIP, new byte[80 << 20])));
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
                arguments("cut in a header", Arrays.copyOf(CPIO, 50), "without a trailer"),
                arguments("cut in a file", Arrays.copyOf(CPIO, 400), "a file of its cpio archive"),
                arguments("no trailer", Arrays.copyOf(CPIO, 1116), "without a trailer"),
                arguments("damaged number", damaged, "the cpio header at offset 0 is damaged"),
                arguments("huge file", huge, "a file of its cpio archive, at offset 0, has 4096"),
                arguments("huge name", longName, "a file of its cpio archive"),
                arguments(
                        "no second header",
                        join(Arrays.copyOf(CPIO, 1116), TestKernels.noise(500, 1)),
                        "no cpio header at offset 1116"),
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

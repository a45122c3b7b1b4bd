// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.boot.payload.Compression;
import io.jvmm.boot.payload.Packer;
import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.memory.GuestMemory;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Damaged headers, thousands of them from one seed: each kernel is booted or refused, never
 * anything else, and never takes more memory than the guest has.
 */
class KernelFuzzTest {

    private static final List<BootEntry> ENTRIES = List.of(BootEntry.values());
    private static final int ROUNDS = Repetitions.of(1_500, 30_000, 150);
    private static final int MEMORY_MIB = 8;

    /** The unpacked payload twice over while it grows, and buffers; xz alone takes 8 MiB. */
    private static final long ALLOCATION_MAX = 48L << 20;

    static Stream<Arguments> kernels() {
        byte[] elf = TestKernels.elf().build();
        return Stream.concat(
                Stream.of(
                                Compression.GZIP,
                                Compression.XZ,
                                Compression.LZ4_LEGACY,
                                Compression.ZSTD)
                        .map(format ->
                                Arguments.of(
                                        format.label(),
                                        TestKernels.bzImage().payload(format, elf).build(),
                                        0x1F1,
                                        0x26C)),
                Stream.of(
                        Arguments.of("ELF", elf, 4, 64 + 3 * 56),
                        Arguments.of("ELF note", elf, NOTE, NOTE + 12)));
    }

    /** Where the note begins in the ELF file, behind the headers and the two loaded segments. */
    private static final int NOTE =
            64 + 3 * 56 + TestKernels.TEXT_CONTENT.length + TestKernels.DATA_CONTENT.length;

    @ParameterizedTest(name = "{0}")
    @MethodSource("kernels")
    void damagedHeadersAreRefusedOrHarmless(String what, byte[] kernel, int from, int to) {
        Random random = new Random(42);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        int booted = 0;
        try (Arena arena = Arena.ofConfined()) {
            GuestMemory memory = TestKernels.memory(arena, MEMORY_MIB);
            for (int round = 0; round < ROUNDS; round++) {
                byte[] damaged = damage(kernel, from, to, random);
                if (random.nextInt(8) == 0) {
                    damaged = Packer.pack(Compression.GZIP, damaged);
                }
                BootEntry entry = ENTRIES.get(random.nextInt(ENTRIES.size()));
                long before = threads.getCurrentThreadAllocatedBytes();
                try (KernelImage image = KernelImage.of(what, MemorySegment.ofArray(damaged))) {
                    BootLoader.load(memory, image, TestKernels.config(entry));
                    booted++;
                } catch (BootException e) {
                    assertThat(e.getMessage())
                            .containsAnyOf(what, "The command line has")
                            .doesNotContain("\n");
                }
                assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                        .isLessThan(ALLOCATION_MAX);
            }
        }
        assertThat(booted).as("some damage does no harm").isPositive();
    }

    private static byte[] damage(byte[] kernel, int from, int to, Random random) {
        byte[] damaged = kernel.clone();
        if (random.nextBoolean()) {
            extremeNumber(damaged, from, to, random);
        }
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            int at = from + random.nextInt(to - from);
            damaged[at] =
                    switch (random.nextInt(4)) {
                        case 0 -> 0;
                        case 1 -> (byte) 0xFF;
                        case 2 -> (byte) (damaged[at] ^ 1 << random.nextInt(8));
                        default -> (byte) random.nextInt();
                    };
        }
        return random.nextInt(10) == 0
                ? java.util.Arrays.copyOf(damaged, 1 + random.nextInt(damaged.length))
                : damaged;
    }

    /** Some aligned 16-, 32- or 64-bit field becomes one of the numbers at which sums go wrong. */
    private static void extremeNumber(byte[] file, int from, int to, Random random) {
        ByteBuffer fields = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int size = 2 << random.nextInt(3);
        int at = Math.max(from, (from + random.nextInt(to - from - size + 1)) & -size);
        long limit = 1L << (8 * size - 1);
        long[] values = {0, 1, limit - 1, limit, -1, -16, -size, file.length, file.length - 1};
        long value = values[random.nextInt(values.length)];
        switch (size) {
            case 2 -> fields.putShort(at, (short) value);
            case 4 -> fields.putInt(at, (int) value);
            default -> fields.putLong(at, value);
        }
    }
}

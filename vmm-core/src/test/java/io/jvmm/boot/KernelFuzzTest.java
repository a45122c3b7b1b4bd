package io.jvmm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.boot.payload.Compression;
import io.jvmm.memory.GuestMemory;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Damaged headers, thousands of them from one seed: each kernel is booted or refused, never
 * anything else, and never takes more memory than the guest has.
 */
class KernelFuzzTest {

    private static final List<BootEntry> ENTRIES = List.of(BootEntry.values());
    private static final int ROUNDS = 1500;
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
                Stream.of(Arguments.of("ELF", elf, 4, 64 + 3 * 56)));
    }

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
                BootEntry entry = ENTRIES.get(random.nextInt(ENTRIES.size()));
                long before = threads.getCurrentThreadAllocatedBytes();
                try (KernelImage image = KernelImage.of(what, MemorySegment.ofArray(damaged))) {
                    BootLoader.load(memory, image, TestKernels.config(entry));
                    booted++;
                } catch (BootException e) {
                    assertThat(e.getMessage()).contains(what).doesNotContain("\n");
                }
                assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                        .isLessThan(ALLOCATION_MAX);
            }
        }
        assertThat(booted).as("some damage does no harm").isPositive();
    }

    private static byte[] damage(byte[] kernel, int from, int to, Random random) {
        byte[] damaged = kernel.clone();
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
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;

/** 16 bytes change as one, whoever else changes them. */
@RequiresKvm
@Timeout(300)
class NativeCompareExchangeTest {

    private static final int BYTES = 4 << 20;

    /** Memory of large guests goes on there. */
    private static final long ABOVE_4_GIB = 1L << 32;

    private final Kvm kvm = Kvm.open();
    private final Mapping low = Mapping.anonymous(BYTES);
    private final Mapping high = Mapping.anonymous(BYTES);
    private final GuestMemory memory =
            new GuestMemory(
                    List.of(
                            new MemoryRegion(0, low.segment()),
                            new MemoryRegion(ABOVE_4_GIB, high.segment())));

    private int mapInto(KvmVm vm) {
        vm.setUserMemoryRegion(0, 0, 0, low.address(), BYTES);
        vm.setUserMemoryRegion(1, 0, ABOVE_4_GIB, high.address(), BYTES);
        return 2;
    }

    @AfterEach
    void close() {
        high.close();
        low.close();
        kvm.close();
    }

    @Test
    void doesWhatTwoAccessesDoWhenNobodyElseRuns() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(7);
        try (NativeCompareExchange exchange = new NativeCompareExchange(kvm, this::mapInto)) {
            for (int i = 0; i < 500; i++) {
                long region = random.nextBoolean() ? 0 : ABOVE_4_GIB;
                long gpa = region + (random.nextInt(BYTES / 16) * 16L);
                long[] there = {random.nextLong(), random.nextLong()};
                memory.writeU64(gpa, there[0]);
                memory.writeU64(gpa + 8, there[1]);
                long[] expected = {
                    there[0] ^ (random.nextInt(3) == 0 ? 1 : 0),
                    there[1] ^ (random.nextInt(3) == 0 ? 1L << 63 : 0)
                };
                boolean equal = expected[0] == there[0] && expected[1] == there[1];
                long[] replacement = {random.nextLong(), random.nextLong()};

                boolean exchanged = exchange.compareExchange(memory, gpa, expected, replacement);

                assertThat(exchanged).isEqualTo(equal);
                assertThat(expected).isEqualTo(there);
                long[] after = {memory.readU64(gpa), memory.readU64(gpa + 8)};
                assertThat(after).isEqualTo(equal ? replacement : there);
            }
        }
    }

    /** Guest memory lies where the helper has its own, so the virtual machine is never complete. */
    @Test
    void aHelperThatCannotBeMadeLeavesNothingOpen() throws IOException {
        GuestMemory overlapping =
                new GuestMemory(
                        List.of(
                                new MemoryRegion(0, low.segment()),
                                new MemoryRegion(0xE000_0000L, high.segment())));
        long before = descriptors();
        try (NativeCompareExchange exchange = new NativeCompareExchange(kvm, this::mapInto)) {
            for (int round = 0; round < 3; round++) {
                assertThatThrownBy(() ->
                                exchange.compareExchange(overlapping, 0, new long[2], new long[2]))
                        .isInstanceOf(KernelException.class);
            }
            assertThat(descriptors()).isEqualTo(before);
        }
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    /** Both halves count, so a change that is lost, or torn, shows in the sum. */
    @Test
    void noChangeOfTwoThreadsIsLost() throws Exception {
        int each = 3_000;
        long gpa = BYTES - 16;
        List<FutureTask<Integer>> threads =
                List.of(
                        new FutureTask<>(() -> count(gpa, each)),
                        new FutureTask<>(() -> count(gpa, each)));
        threads.forEach(thread -> Thread.ofPlatform().start(thread));
        for (FutureTask<Integer> thread : threads) {
            assertThat(thread.get()).isEqualTo(each);
        }
        assertThat(memory.readU64(gpa)).isEqualTo(2L * each);
        assertThat(memory.readU64(gpa + 8)).isEqualTo(-2L * each);
    }

    /** Counts up in the low half and down in the high one; returns how often that was done. */
    private int count(long gpa, int times) {
        int done = 0;
        try (NativeCompareExchange exchange = new NativeCompareExchange(kvm, this::mapInto)) {
            long[] seen = {0, 0};
            while (done < times) {
                long[] next = {seen[0] + 1, seen[1] - 1};
                assertThat(seen[1]).as("the halves belong together").isEqualTo(-seen[0]);
                if (exchange.compareExchange(memory, gpa, seen, next)) {
                    done++;
                    seen = next;
                }
            }
        }
        return done;
    }

    @Test
    void oneThatWasNeverAskedHasNothingToClose() {
        NativeCompareExchange exchange = new NativeCompareExchange(kvm, this::mapInto);
        exchange.close();
        exchange.close();
        assertThat(memory.readU64(0)).isZero();
    }
}

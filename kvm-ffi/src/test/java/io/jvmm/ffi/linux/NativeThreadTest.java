// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.concurrent.CompletableFuture;

class NativeThreadTest {

    @Test
    void knowsItsThreadAndProcess() {
        assertThat(NativeThread.processId()).isEqualTo((int) ProcessHandle.current().pid());
        assertThat(Path.of("/proc/self/task/" + NativeThread.id()))
                .satisfies(task -> assertThat(Files.isDirectory(task)).isTrue());
        int here = NativeThread.id();
        assertThat(
                        CompletableFuture.supplyAsync(NativeThread::id, Thread::startVirtualThread)
                                .join())
                .isNotEqualTo(here);
    }

    @Test
    void confinesTheThreadToACpu() {
        // In a thread of its own, so that the test's thread keeps its CPUs.
        BitSet seen =
                CompletableFuture.supplyAsync(
                                () -> {
                                    BitSet one = new BitSet();
                                    one.set(NativeThread.affinity().nextSetBit(0));
                                    NativeThread.setAffinity(one);
                                    return NativeThread.affinity();
                                },
                                task -> Thread.ofPlatform().start(task))
                        .join();
        assertThat(seen.cardinality()).isEqualTo(1);
    }

    @Test
    void refusesCpusThatAreNotThere() {
        assertThatThrownBy(() -> NativeThread.setAffinity(new BitSet()))
                .isInstanceOf(KernelException.class)
                .hasMessageStartingWith("sched_setaffinity: EINVAL (22)");
        BitSet far = new BitSet();
        far.set(1 << 20);
        assertThatThrownBy(() -> NativeThread.setAffinity(far))
                .isInstanceOf(IllegalArgumentException.class);
    }
}

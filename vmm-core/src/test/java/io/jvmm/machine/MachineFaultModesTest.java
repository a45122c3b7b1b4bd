// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.host.FaultModes;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingStatistics;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.Optional;

/**
 * A machine goes on of which not one page is there: neither code nor page tables nor what its vCPUs
 * check. In each fault mode that the host has; one that it does not have is refused.
 */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(300)
class MachineFaultModesTest {

    private static final Duration LONG = Duration.ofMinutes(2);
    private static final PagingConfig ONE_BY_ONE =
            PagingConfig.defaults().withSweep(false).withUnit(1, 1);

    private static Optional<String> refusal(FaultMode mode) {
        try (Kvm kvm = Kvm.open()) {
            return FaultModes.refusal(kvm, mode);
        }
    }

    private static MachineConfig.Builder config(String ring, int cpus) {
        return LazyOrigin.config("modes", ring, cpus);
    }

    private static Machine restored(
            LazyOrigin origin,
            String ring,
            int cpus,
            MemoryBacking backing,
            LazyPages pages,
            FaultMode mode) {
        PagingPlan plan = PagingPlan.of(pages, ONE_BY_ONE).withMode(mode);
        return Machine.restore(
                config(ring, cpus).memoryBacking(backing).paging(plan).build(),
                origin.saved(),
                MemoryLoader.none());
    }

    /**
     * Whether the host does not have the mode, and says so; nothing is left of the machine then.
     */
    private static boolean isRefused(LazyOrigin origin, String ring, int cpus, FaultMode mode) {
        Optional<String> refusal = refusal(mode);
        if (refusal.isEmpty()) {
            return false;
        }
        LazyPages pages = LazyPages.above(origin.low());
        assertThatThrownBy(() -> restored(origin, ring, cpus, MemoryBacking.MEMFD, pages, mode))
                .isInstanceOf(MachineException.class)
                .hasMessage(
                        "machine modes cannot have the fault mode %s on this host: %s"
                                .formatted(mode.label(), refusal.get()));
        assertThat(pages.isClosed()).isTrue();
        return true;
    }

    @ParameterizedTest
    @CsvSource({
        "BLOCKING, ring3, 1, ANONYMOUS",
        "BLOCKING, ring3, 2, MEMFD",
        "BLOCKING, ring3, 4, ANONYMOUS",
        "BLOCKING, ring3, 8, MEMFD",
        "BLOCKING, ring0, 2, MEMFD",
        "ANNOTATED, ring3, 1, MEMFD",
        "ANNOTATED, ring3, 2, ANONYMOUS",
        "ANNOTATED, ring3, 4, MEMFD",
        "ANNOTATED, ring3, 8, ANONYMOUS",
        "ANNOTATED, ring0, 1, ANONYMOUS",
        "ANNOTATED, ring0, 8, MEMFD",
        "POISON, ring3, 1, MEMFD",
        "POISON, ring3, 2, ANONYMOUS",
        "POISON, ring3, 4, MEMFD",
        "POISON, ring3, 8, ANONYMOUS",
        "POISON, ring0, 1, ANONYMOUS",
        "POISON, ring0, 8, MEMFD"
    })
    void allVcpusFindAllPages(
            FaultMode mode, String ring, int cpus, MemoryBacking backing, TestReporter reporter)
            throws Exception {
        LazyOrigin origin = LazyOrigin.of(ring, cpus);
        if (isRefused(origin, ring, cpus, mode)) {
            return;
        }
        LazyPages pages = LazyPages.above(origin.low());
        try (Machine machine = restored(origin, ring, cpus, backing, pages, mode)) {
            int missing = machine.pagingStatistics().orElseThrow().missingPages();
            assertThat(missing).isGreaterThan((int) (LazyOrigin.MEMORY / 4096) - 32);
            long begin = System.nanoTime();
            machine.resume();
            LazyOrigin.awaitPasses(machine);
            long millis = (System.nanoTime() - begin) / 1_000_000;
            PagingStatistics statistics = machine.pagingStatistics().orElseThrow();
            int brought = missing - statistics.missingPages();
            // What is checked, and what of code and page tables was not there before.
            assertThat(brought).isGreaterThan(512);
            reporter.publishEntry(
                    "%s, %s, %d vCPUs, %s".formatted(mode, ring, cpus, backing),
                    "%d pages in %d ms".formatted(brought, millis));
            long memoryFaults =
                    machine.exitStatistics().stream().mapToLong(ExitStatistics::other).sum();
            if (mode == FaultMode.ANNOTATED) {
                assertThat(memoryFaults).isGreaterThanOrEqualTo(brought / 2);
            }
            assertThat(machine.stallsOfVcpus()).hasSize(cpus);
            assertThat(machine.stallsOfVcpus().getFirst().count()).isPositive();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "ANNOTATED, IMMEDIATE_EXIT",
        "ANNOTATED, SIGNAL_MASK",
        "POISON, IMMEDIATE_EXIT",
        "POISON, SIGNAL_MASK"
    })
    void whoWaitsForItsPageInJavaIsOutsideTheGuest(FaultMode mode, KickStrategy kicks)
            throws Exception {
        int cpus = 2;
        LazyOrigin origin = LazyOrigin.of("ring0", cpus);
        if (isRefused(origin, "ring0", cpus, mode)) {
            return;
        }
        LazyPages pages = LazyPages.heldBackAbove(origin.low());
        PagingPlan plan = PagingPlan.of(pages, ONE_BY_ONE).withMode(mode);
        try (Machine machine =
                Machine.restore(
                        config("ring0", cpus).kickStrategy(kicks).paging(plan).build(),
                        origin.saved(),
                        MemoryLoader.none())) {
            machine.resume();
            pages.awaitHeld();
            for (int round = 0; round < 5; round++) {
                assertThat(machine.pause(LONG).isComplete()).isTrue();
                SavedMachine saved = machine.save(LONG);
                assertThat(SavedMachine.fromBytes(saved.toBytes())).isEqualTo(saved);
                machine.resume();
            }
            pages.release();
            LazyOrigin.awaitPasses(machine);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whoWaitsIsStopped(FaultMode mode) throws Exception {
        LazyOrigin origin = LazyOrigin.of("ring3", 1);
        if (isRefused(origin, "ring3", 1, mode)) {
            return;
        }
        LazyPages pages = LazyPages.heldBackAbove(origin.low());
        try (Machine machine = restored(origin, "ring3", 1, MemoryBacking.MEMFD, pages, mode)) {
            machine.resume();
            pages.awaitHeld();
            machine.stop();
            assertThat(machine.await(LONG)).contains(new MachineExit.Stopped());
        }
    }

    @Test
    void withoutAWishTheBestModeIsTaken() throws Exception {
        LazyOrigin origin = LazyOrigin.of("ring3", 1);
        PagingPlan plan = PagingPlan.of(LazyPages.above(origin.low()));
        try (Machine machine =
                Machine.restore(
                        config("ring3", 1).paging(plan).build(),
                        origin.saved(),
                        MemoryLoader.none())) {
            machine.resume();
            LazyOrigin.awaitPasses(machine);
        }
    }
}

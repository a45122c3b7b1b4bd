package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.guest.Payload;
import io.jvmm.host.FaultModes;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingStatistics;
import io.jvmm.state.Bytes;
import io.jvmm.state.Saved;
import io.jvmm.state.SavedComponents;
import io.jvmm.state.StateFile;
import io.jvmm.vcpu.VcpuState;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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
    private static final long MEMORY = 64 << 20;
    private static final PagingConfig ONE_BY_ONE =
            PagingConfig.defaults().withSweep(false).withUnit(1, 1);

    private static Optional<String> refusal(FaultMode mode) {
        try (Kvm kvm = Kvm.open()) {
            return FaultModes.refusal(kvm, mode);
        }
    }

    private static MachineConfig.Builder config(String ring, int cpus) {
        return MachineConfig.builder()
                .name("modes")
                .kernel("lazy", Payload.LAZY.bytes())
                .commandLine(ring)
                .cpus(cpus)
                .memoryBytes(MEMORY);
    }

    /** A guest that has gone through its pages once, and all of its memory below these. */
    private static final class Origin {
        final SavedMachine saved;
        final byte[] low;

        private Origin(SavedMachine saved, byte[] low) {
            this.saved = saved;
            this.low = low;
        }

        static Origin of(String ring, int cpus) throws IOException {
            PagingPlan all = PagingPlan.of(LazyPages.local(), ONE_BY_ONE);
            PagingPlan plan = all.withMode(FaultMode.BLOCKING);
            try (Machine machine = Machine.create(config(ring, cpus).paging(plan).build())) {
                machine.start();
                assertThat(machine.consoleOutput().read()).isEqualTo('R');
                assertThat(machine.consoleOutput().read()).isEqualTo('.');
                machine.pause(LONG);
                byte[] low = new byte[(int) LazyPages.CHECKED];
                machine.memory().copyOut(0, low);
                return new Origin(allLikeTheFirst(machine.save(LONG), cpus), low);
            }
        }

        /** Makes the other vCPUs, which nobody has started, do what the first one does. */
        private static SavedMachine allLikeTheFirst(SavedMachine saved, int cpus) {
            List<Saved> components =
                    new ArrayList<>(StateFile.decode(Bytes.copyOf(saved.toBytes())));
            VcpuState first = new SavedComponents(components).take(VcpuState.CODEC, 0);
            components.replaceAll(component ->
                    component.kind().equals(VcpuState.CODEC.kind()) && component.instance() > 0
                            ? Saved.of(
                                    VcpuState.CODEC,
                                    component.instance(),
                                    like(first, component.decode(VcpuState.CODEC)))
                            : component);
            assertThat(components).hasSizeGreaterThan(cpus);
            return new SavedMachine(components);
        }

        private static VcpuState like(VcpuState first, VcpuState own) {
            return new VcpuState(
                    own.cpuid(),
                    own.tscKhz(),
                    own.tscOffset(),
                    KvmConstants.KVM_MP_STATE_RUNNABLE,
                    first.events(),
                    first.regs(),
                    first.sregs(),
                    first.xcrs(),
                    first.xsave(),
                    first.debugRegisters(),
                    own.lapic(),
                    own.msrs(),
                    own.unreadMsrs());
        }
    }

    private static Machine restored(
            Origin origin, String ring, int cpus, LazyPages pages, FaultMode mode) {
        PagingPlan plan = PagingPlan.of(pages, ONE_BY_ONE).withMode(mode);
        return Machine.restore(
                config(ring, cpus).paging(plan).build(), origin.saved, MemoryLoader.none());
    }

    /**
     * Whether the host does not have the mode, and says so; nothing is left of the machine then.
     */
    private static boolean isRefused(Origin origin, String ring, int cpus, FaultMode mode) {
        Optional<String> refusal = refusal(mode);
        if (refusal.isEmpty()) {
            return false;
        }
        LazyPages pages = LazyPages.above(origin.low);
        assertThatThrownBy(() -> restored(origin, ring, cpus, pages, mode))
                .isInstanceOf(MachineException.class)
                .hasMessage(
                        "machine modes cannot have the fault mode %s on this host: %s"
                                .formatted(mode.label(), refusal.get()));
        assertThat(pages.isClosed()).isTrue();
        return true;
    }

    /** Waits until each vCPU has gone through all pages: its second report says so. */
    private static void awaitPasses(Machine machine) throws IOException {
        do {
            assertThat(machine.consoleOutput().read()).isEqualTo('.');
        } while (machine.exitStatistics().stream().anyMatch(vcpu -> vcpu.port() < 2));
    }

    @ParameterizedTest
    @CsvSource({
        "BLOCKING, ring3, 1",
        "BLOCKING, ring3, 2",
        "BLOCKING, ring3, 4",
        "BLOCKING, ring3, 8",
        "BLOCKING, ring0, 2",
        "ANNOTATED, ring3, 1",
        "ANNOTATED, ring3, 2",
        "ANNOTATED, ring3, 4",
        "ANNOTATED, ring3, 8",
        "ANNOTATED, ring0, 1",
        "ANNOTATED, ring0, 8",
        "POISON, ring3, 1",
        "POISON, ring3, 2",
        "POISON, ring3, 4",
        "POISON, ring3, 8",
        "POISON, ring0, 1",
        "POISON, ring0, 8"
    })
    void allVcpusFindAllPages(FaultMode mode, String ring, int cpus, TestReporter reporter)
            throws Exception {
        Origin origin = Origin.of(ring, cpus);
        if (isRefused(origin, ring, cpus, mode)) {
            return;
        }
        LazyPages pages = LazyPages.above(origin.low);
        try (Machine machine = restored(origin, ring, cpus, pages, mode)) {
            int missing = machine.pagingStatistics().orElseThrow().missingPages();
            assertThat(missing).isGreaterThan((int) (MEMORY / 4096) - 32);
            long begin = System.nanoTime();
            machine.resume();
            awaitPasses(machine);
            long millis = (System.nanoTime() - begin) / 1_000_000;
            PagingStatistics statistics = machine.pagingStatistics().orElseThrow();
            int brought = missing - statistics.missingPages();
            // What is checked, and what of code and page tables was not there before.
            assertThat(brought).isGreaterThan(512);
            reporter.publishEntry(
                    "%s, %s, %d vCPUs".formatted(mode, ring, cpus),
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
        Origin origin = Origin.of("ring0", cpus);
        if (isRefused(origin, "ring0", cpus, mode)) {
            return;
        }
        LazyPages pages = LazyPages.heldBackAbove(origin.low);
        PagingPlan plan = PagingPlan.of(pages, ONE_BY_ONE).withMode(mode);
        try (Machine machine =
                Machine.restore(
                        config("ring0", cpus).kickStrategy(kicks).paging(plan).build(),
                        origin.saved,
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
            awaitPasses(machine);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whoWaitsIsStopped(FaultMode mode) throws Exception {
        Origin origin = Origin.of("ring3", 1);
        if (isRefused(origin, "ring3", 1, mode)) {
            return;
        }
        LazyPages pages = LazyPages.heldBackAbove(origin.low);
        try (Machine machine = restored(origin, "ring3", 1, pages, mode)) {
            machine.resume();
            pages.awaitHeld();
            machine.stop();
            assertThat(machine.await(LONG)).contains(new MachineExit.Stopped());
        }
    }

    @Test
    void withoutAWishTheBestModeIsTaken() throws Exception {
        Origin origin = Origin.of("ring3", 1);
        PagingPlan plan = PagingPlan.of(LazyPages.above(origin.low));
        try (Machine machine =
                Machine.restore(
                        config("ring3", 1).paging(plan).build(),
                        origin.saved,
                        MemoryLoader.none())) {
            machine.resume();
            awaitPasses(machine);
        }
    }
}

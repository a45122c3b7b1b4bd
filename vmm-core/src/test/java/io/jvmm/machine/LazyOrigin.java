// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.guest.Payload;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.OverduePolicy;
import io.jvmm.paging.PagingConfig;
import io.jvmm.state.Bytes;
import io.jvmm.state.Saved;
import io.jvmm.state.SavedComponents;
import io.jvmm.state.StateFile;
import io.jvmm.vcpu.VcpuState;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A saved guest that has gone through its pages once, and goes through them again when it is
 * restored, on each vCPU.
 */
final class LazyOrigin {

    static final long MEMORY = 64 << 20;

    private static final Duration LONG = Duration.ofMinutes(2);

    /** All of it is looked at in one go, which takes a while under emulation. */
    private static final PagingConfig PATIENT =
            PagingConfig.defaults().withSweep(false).withDeadline(LONG, OverduePolicy.KEEP_WAITING);

    private final SavedMachine saved;
    private final byte[] low;

    private LazyOrigin(SavedMachine saved, byte[] low) {
        this.saved = saved;
        this.low = low;
    }

    /** Its state. */
    SavedMachine saved() {
        return saved;
    }

    /** All of its memory below what it checks. */
    byte[] low() {
        return low.clone();
    }

    static MachineConfig.Builder config(String name, String ring, int cpus) {
        return MachineConfig.builder()
                .name(name)
                .kernel("lazy", Payload.LAZY.bytes())
                .commandLine(ring)
                .cpus(cpus)
                .memoryBytes(MEMORY);
    }

    static LazyOrigin of(String ring, int cpus) throws IOException {
        PagingPlan all = PagingPlan.of(LazyPages.local(), PATIENT);
        PagingPlan plan = all.withMode(FaultMode.BLOCKING);
        MachineConfig.Builder guest =
                config("origin", ring, cpus).memoryBacking(MemoryBacking.MEMFD);
        try (Machine machine = Machine.create(guest.paging(plan).build())) {
            machine.start();
            assertThat(machine.consoleOutput().read()).isEqualTo('R');
            assertThat(machine.consoleOutput().read()).isEqualTo('.');
            machine.pause(LONG);
            byte[] low = new byte[(int) LazyPages.CHECKED];
            machine.memory().copyOut(0, low);
            return new LazyOrigin(allLikeTheFirst(machine.save(LONG), cpus), low);
        }
    }

    /** Makes the other vCPUs, which nobody has started, do what the first one does. */
    private static SavedMachine allLikeTheFirst(SavedMachine saved, int cpus) {
        List<Saved> components = new ArrayList<>(StateFile.decode(Bytes.copyOf(saved.toBytes())));
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

    /** Waits until each vCPU has gone through all pages: its second report says so. */
    static void awaitPasses(Machine machine) throws IOException {
        do {
            assertThat(machine.consoleOutput().read()).isEqualTo('.');
        } while (machine.exitStatistics().stream().anyMatch(vcpu -> vcpu.port() < 2));
    }
}

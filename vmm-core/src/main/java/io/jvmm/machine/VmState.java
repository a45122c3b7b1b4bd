// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static io.jvmm.ffi.kvm.KvmConstants.KVM_CLOCK_REALTIME;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_IRQCHIP_IOAPIC;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_IRQCHIP_PIC_MASTER;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_IRQCHIP_PIC_SLAVE;

import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.PitState;
import io.jvmm.state.Bytes;
import io.jvmm.state.StateCodec;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * What the kernel holds for a machine beside its vCPUs: clock, interrupt controllers, timer.
 *
 * @param clock the guest's, with the realtime of the same moment
 */
record VmState(ClockData clock, Bytes picMaster, Bytes picSlave, Bytes ioapic, PitState pit) {

    /** How it travels; there is one per machine. */
    static final StateCodec<VmState> CODEC = new VmStateCodec();

    static final int CHIP_SIZE = 512;

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if a controller has another size
     */
    VmState {
        if (picMaster.length() != CHIP_SIZE
                || picSlave.length() != CHIP_SIZE
                || ioapic.length() != CHIP_SIZE) {
            throw new IllegalArgumentException("an interrupt controller has 512 bytes");
        }
    }

    /**
     * Reads the state of a machine whose vCPUs are paused; before theirs is read, see {@link
     * io.jvmm.vcpu.VcpuState#capture}.
     */
    static VmState capture(KvmVm vm) {
        // The timer before the controllers: a tick between the two is then saved in these.
        PitState pit = vm.pit();
        // The slave before the master that it interrupts, for the same reason.
        Bytes picSlave = Bytes.copyOf(vm.irqchip(KVM_IRQCHIP_PIC_SLAVE));
        Bytes picMaster = Bytes.copyOf(vm.irqchip(KVM_IRQCHIP_PIC_MASTER));
        Bytes ioapic = Bytes.copyOf(vm.irqchip(KVM_IRQCHIP_IOAPIC));
        return new VmState(clockOf(vm), picMaster, picSlave, ioapic, pit);
    }

    /** The same machine with its timer stopped. */
    VmState withoutTimer() {
        return withTimer(HeldClocks.stopped(pit));
    }

    /** The same machine at another moment of its clock. */
    VmState withClock(ClockData moment) {
        return new VmState(moment, picMaster, picSlave, ioapic, pit);
    }

    /** The same machine with another timer. */
    VmState withTimer(PitState timer) {
        return new VmState(clock, picMaster, picSlave, ioapic, timer);
    }

    /** The kernel tells the realtime only while the guest's clock runs by the TSC. */
    static ClockData clockOf(KvmVm vm) {
        ClockData clock = vm.clock();
        return clock.hasRealtime()
                ? clock
                : new ClockData(clock.nanoseconds(), clock.flags(), now(), clock.hostTsc());
    }

    private static long now() {
        return ChronoUnit.NANOS.between(Instant.EPOCH, Instant.now());
    }

    /**
     * Sets the clock: before the vCPUs' state, since their kvmclock pages are filled from it.
     *
     * <p>A host whose realtime is behind that of saving does not set the clock back.
     */
    void applyClock(KvmVm vm, PausedTime pausedTime) {
        switch (pausedTime) {
            case HIDDEN -> vm.setClock(ClockData.at(clock.nanoseconds()));
            case COUNTED -> {
                if (clock.hasRealtime()) {
                    // The kernel adds the difference at the very moment of setting.
                    vm.setClock(
                            new ClockData(
                                    clock.nanoseconds(), KVM_CLOCK_REALTIME, clock.realtime(), 0));
                } else {
                    long passed = Math.max(0, now() - clock.realtime());
                    vm.setClock(ClockData.at(clock.nanoseconds() + passed));
                }
            }
        }
    }

    /**
     * Sets controllers and timer: after the vCPUs' state, since the IOAPIC delivers what is pending
     * as soon as it is set, into local APICs that must be there and must not be overwritten.
     */
    void applyControllers(KvmVm vm) {
        vm.setIrqchip(KVM_IRQCHIP_PIC_MASTER, picMaster.toArray());
        vm.setIrqchip(KVM_IRQCHIP_PIC_SLAVE, picSlave.toArray());
        vm.setIrqchip(KVM_IRQCHIP_IOAPIC, ioapic.toArray());
        // The timer last: it begins to tick. Load times are of another host's clock.
        long loaded = System.nanoTime();
        vm.setPit(
                new PitState(
                        pit.timer().loadedAt(loaded),
                        pit.refresh().loadedAt(loaded),
                        pit.speaker().loadedAt(loaded),
                        pit.flags()));
    }
}

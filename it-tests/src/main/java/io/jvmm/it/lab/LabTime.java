package io.jvmm.it.lab;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.KernelException;

/**
 * What the lab's kernel has to be told about time.
 *
 * <p>The emulator's time stamp counter is the host's, and right; its timers come late on a busy
 * host. A kernel that measures the one by the other gets a counter that runs several times too
 * fast, and one that watches the one by the other gives the counter up. So it is told the counter's
 * rate, and to trust it. Only this host's KVM knows the rate; without KVM the kernel has to
 * measure.
 */
final class LabTime {

    /** Without it, a kernel whose first timer interrupt comes too late panics. */
    private static final String PATIENCE = "no_timer_check";

    private LabTime() {}

    /** Words for the kernel's command line. */
    static String parameters() {
        int khz = counterKhz();
        return khz > 0 ? "%s tsc=reliable tsc_early_khz=%d".formatted(PATIENCE, khz) : PATIENCE;
    }

    private static int counterKhz() {
        try (Kvm kvm = Kvm.open();
                KvmVm vm = kvm.createVm();
                KvmVcpu vcpu = vm.createVcpu(0)) {
            return vcpu.tscKhz();
        } catch (KernelException e) {
            return 0;
        }
    }
}

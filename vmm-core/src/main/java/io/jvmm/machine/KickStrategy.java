// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.Kvm;

import java.util.Locale;

/** How vCPU threads are called out of the guest. */
public enum KickStrategy {
    /** The best way that the host has. */
    AUTO,
    /** By a flag that the kernel looks at when it enters the guest; Linux 4.11 and newer. */
    IMMEDIATE_EXIT,
    /** By a signal that is open only inside the guest; everywhere, and slower at each entry. */
    SIGNAL_MASK;

    /** The name as it is typed: {@code immediate-exit}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    io.jvmm.vcpu.KickStrategy on(Kvm kvm) {
        io.jvmm.vcpu.KickStrategy strategy =
                switch (this) {
                    case AUTO -> io.jvmm.vcpu.KickStrategy.of(kvm);
                    case IMMEDIATE_EXIT -> io.jvmm.vcpu.KickStrategy.IMMEDIATE_EXIT;
                    case SIGNAL_MASK -> io.jvmm.vcpu.KickStrategy.SIGNAL_MASK;
                };
        if (!strategy.isSupported(kvm)) {
            throw new MachineException(
                    "this host's kernel cannot kick vCPUs by %s: use Linux 4.11 or newer, or %s"
                            .formatted(label(), SIGNAL_MASK.label()));
        }
        return strategy;
    }
}

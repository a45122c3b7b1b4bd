// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.linux.Kick;

/**
 * How a vCPU's thread is got out of {@code KVM_RUN} so that no kick is lost, whenever it comes.
 *
 * <p>A signal alone loses one that arrives just before the entry: its handler has run, and the
 * thread goes into the guest. Both strategies close that gap; {@code ./vmm bench kicks} compares
 * them.
 */
public enum KickStrategy {
    /**
     * A flag in the shared page, then the signal. The flag turns back a thread that is about to
     * enter, the signal breaks one that is inside. Needs {@code KVM_CAP_IMMEDIATE_EXIT}, Linux
     * 4.11.
     */
    IMMEDIATE_EXIT {
        @Override
        public VcpuKick on(KvmVcpu vcpu, Kick signal) {
            return new VcpuKick.ByFlag(vcpu, signal);
        }
    },

    /**
     * The signal is blocked in the thread and open only inside {@code KVM_RUN}, which swaps the
     * masks atomically ({@code KVM_SET_SIGNAL_MASK}): one that came before waits, and turns the
     * entry back. For every kernel, at the price of two mask changes under the signal lock per
     * entry and a system call to take the signal back.
     */
    SIGNAL_MASK {
        @Override
        public VcpuKick on(KvmVcpu vcpu, Kick signal) {
            return new VcpuKick.ByMask(vcpu, signal);
        }
    };

    /** The better strategy of those that this host has. */
    public static KickStrategy of(Kvm kvm) {
        return kvm.checkExtension(KvmConstants.KVM_CAP_IMMEDIATE_EXIT) > 0
                ? IMMEDIATE_EXIT
                : SIGNAL_MASK;
    }

    /** Whether this host has it. */
    public boolean isSupported(Kvm kvm) {
        return this == SIGNAL_MASK || of(kvm) == this;
    }

    /** The kicks of one vCPU, by this strategy. */
    public abstract VcpuKick on(KvmVcpu vcpu, Kick signal);
}

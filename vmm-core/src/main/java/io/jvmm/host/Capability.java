// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import io.jvmm.ffi.kvm.KvmConstants;

/** The capabilities of KVM that decide what a monitor can do on a host. */
public enum Capability {
    NR_VCPUS(KvmConstants.KVM_CAP_NR_VCPUS),
    MAX_VCPUS(KvmConstants.KVM_CAP_MAX_VCPUS),
    MAX_VCPU_ID(KvmConstants.KVM_CAP_MAX_VCPU_ID),
    NR_MEMSLOTS(KvmConstants.KVM_CAP_NR_MEMSLOTS),
    IMMEDIATE_EXIT(KvmConstants.KVM_CAP_IMMEDIATE_EXIT),
    IRQFD(KvmConstants.KVM_CAP_IRQFD),
    IOEVENTFD(KvmConstants.KVM_CAP_IOEVENTFD),
    SIGNAL_MSI(KvmConstants.KVM_CAP_SIGNAL_MSI),
    READONLY_MEM(KvmConstants.KVM_CAP_READONLY_MEM),
    TSC_DEADLINE_TIMER(KvmConstants.KVM_CAP_TSC_DEADLINE_TIMER),
    TSC_CONTROL(KvmConstants.KVM_CAP_TSC_CONTROL),
    XSAVE2(KvmConstants.KVM_CAP_XSAVE2),
    SREGS2(KvmConstants.KVM_CAP_SREGS2),
    MEMORY_FAULT_INFO(KvmConstants.KVM_CAP_MEMORY_FAULT_INFO),
    EXIT_ON_EMULATION_FAILURE(KvmConstants.KVM_CAP_EXIT_ON_EMULATION_FAILURE),
    ASYNC_PF_INT(KvmConstants.KVM_CAP_ASYNC_PF_INT),
    MANUAL_DIRTY_LOG_PROTECT2(KvmConstants.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2),
    DIRTY_LOG_RING(KvmConstants.KVM_CAP_DIRTY_LOG_RING),
    GUEST_MEMFD(KvmConstants.KVM_CAP_GUEST_MEMFD),
    MEMORY_ATTRIBUTES(KvmConstants.KVM_CAP_MEMORY_ATTRIBUTES),
    PRE_FAULT_MEMORY(KvmConstants.KVM_CAP_PRE_FAULT_MEMORY);

    private final int number;

    Capability(int number) {
        this.number = number;
    }

    /** The number of {@code KVM_CAP_*}. */
    int number() {
        return number;
    }
}

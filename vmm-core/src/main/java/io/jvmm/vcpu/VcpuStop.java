// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

/** Why a vCPU stopped to run guest code. Rare, so it may be an object; an ordinary exit is none. */
public sealed interface VcpuStop {

    /** Somebody asked the vCPU's thread to look at its mailbox. */
    record Kicked() implements VcpuStop {
        static final Kicked INSTANCE = new Kicked();
    }

    /** The guest took a fault while it took a fault while it took a fault: the processor resets. */
    record TripleFault() implements VcpuStop {}

    /** The guest told KVM that it shuts down, resets or crashed: {@code KVM_SYSTEM_EVENT_*}. */
    record SystemEvent(int type) implements VcpuStop {}

    /**
     * The vCPU could not reach a page of its memory, and KVM does not tell which. It can go on once
     * its missing pages are brought in another way.
     *
     * @param result of {@code KVM_RUN}: {@code -EFAULT} or {@code -EHWPOISON}
     */
    record UnknownFault(int result) implements VcpuStop {}

    /**
     * The vCPU cannot go on.
     *
     * @param reason one line: what happened and what it means
     * @param details registers and instruction bytes, for the log
     */
    record Failed(String reason, String details) implements VcpuStop {}
}

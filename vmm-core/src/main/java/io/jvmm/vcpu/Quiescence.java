// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

/** In what way a vCPU executes nothing. */
public enum Quiescence {
    /** It is out of {@code KVM_RUN}, and its last input or output is complete. */
    OUT,

    /**
     * It is inside {@code KVM_RUN} and waits for a page of guest memory where no signal gets it
     * out: in the kernel's own access to guest memory. It executes nothing until the page comes;
     * then it completes the one instruction, comes out by itself, since the kick is still pending,
     * and tells its {@link VcpuThread.Listener#paused listener}. Its registers cannot be read
     * before.
     */
    IN_FAULT
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import org.jspecify.annotations.Nullable;

/** A vCPU did not do what was asked of it. */
public final class VcpuException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final int vcpu;

    VcpuException(int vcpu, String problem, @Nullable Throwable cause) {
        super("vCPU %d %s".formatted(vcpu, problem), cause);
        this.vcpu = vcpu;
    }

    /** The index of the vCPU within its machine. */
    public int vcpu() {
        return vcpu;
    }
}

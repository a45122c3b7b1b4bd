// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

/** A vCPU has finished while something was asked of it: its machine ends. */
final class VcpusGoneException extends RuntimeException {

    private static final long serialVersionUID = 1;

    VcpusGoneException(Throwable cause) {
        super("the vCPUs have finished", cause);
    }
}

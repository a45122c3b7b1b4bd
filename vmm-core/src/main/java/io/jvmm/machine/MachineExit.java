// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import org.jspecify.annotations.Nullable;

/** Why a machine ended. */
public sealed interface MachineExit {

    /** The guest switched the machine off. */
    record PowerOff() implements MachineExit {}

    /**
     * The guest asked for a reset.
     *
     * @param by the device it asked, by name
     */
    record Reset(String by) implements MachineExit {}

    /** The guest's kernel panicked and said so through the pvpanic device. */
    record GuestPanic() implements MachineExit {}

    /** A vCPU met a triple fault, which resets a real processor. */
    record TripleFault(int vcpu) implements MachineExit {}

    /** Somebody called {@link Machine#stop} or {@link Machine#close}. */
    record Stopped() implements MachineExit {}

    /**
     * The machine cannot go on.
     *
     * @param reason one line: what happened and what it means
     * @param details registers or another aid for the log; may be empty
     * @param cause the fault of the monitor, where it was one
     */
    record Failed(String reason, String details, @Nullable Throwable cause)
            implements MachineExit {}
}

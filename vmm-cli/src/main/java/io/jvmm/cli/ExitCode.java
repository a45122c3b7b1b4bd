// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.machine.MachineExit;

/** What the command's exit code says; {@code docs/exit-codes.md} is the same table for users. */
final class ExitCode {

    /** The guest powered off, or the user stopped it by the escape key. */
    static final int OK = 0;

    /** The monitor failed, or the host did while the guest ran. */
    static final int FAILED = 1;

    /** The command line is wrong. */
    static final int USAGE = 2;

    /** The kernel or the initial RAM disk cannot be booted. */
    static final int BAD_IMAGE = 3;

    /** The host cannot run the machine: no {@code /dev/kvm}, no rights, too little memory. */
    static final int HOST = 4;

    /** As 0, but not all of the console's output could be written. */
    static final int OUTPUT_LOST = 5;

    /** The guest asked for a reset. */
    static final int RESET = 32;

    /** The guest met a triple fault. */
    static final int TRIPLE_FAULT = 33;

    /** The guest's kernel panicked. */
    static final int GUEST_PANIC = 34;

    /** Added to the number of the signal that stopped the command, as shells do. */
    static final int SIGNAL = 128;

    private ExitCode() {}

    static int of(MachineExit exit) {
        return switch (exit) {
            case MachineExit.PowerOff _, MachineExit.Stopped _ -> OK;
            case MachineExit.Reset _ -> RESET;
            case MachineExit.GuestPanic _ -> GUEST_PANIC;
            case MachineExit.TripleFault _ -> TRIPLE_FAULT;
            case MachineExit.Failed _ -> FAILED;
        };
    }
}

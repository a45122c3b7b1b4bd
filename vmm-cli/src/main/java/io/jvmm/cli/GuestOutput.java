// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.ffi.linux.Fd;
import io.jvmm.machine.ConsoleTarget;

/**
 * The guest's console on standard output, and nothing else.
 *
 * <p>The Java runtime writes a thread dump (after SIGQUIT) and warnings on descriptor 1. So the
 * guest gets a duplicate of it, and the descriptor itself is made a second standard error.
 */
final class GuestOutput {

    private static boolean isOurs;

    private GuestOutput() {}

    /** The process is the command's own: nothing else in it uses standard output from here on. */
    static void processIsOurs() {
        isOurs = true;
    }

    /**
     * Takes standard output over for the guest, for the rest of the process if that is the
     * command's own. If it was closed, the guest's bytes are dropped.
     */
    static ConsoleTarget take() {
        if (!StandardStream.OUT.isOpen()) {
            return new ConsoleTarget.None();
        }
        if (!isOurs) {
            return new ConsoleTarget.ToDescriptor(StandardStream.OUT.descriptor());
        }
        Fd out = Fd.borrow("standard output", StandardStream.OUT.descriptor()).duplicate();
        if (StandardStream.ERR.isOpen()) {
            Fd.borrow("standard error", StandardStream.ERR.descriptor())
                    .redirect(StandardStream.OUT.descriptor());
        } else {
            try (Fd none = Fd.open("/dev/null", Fd.O_WRONLY)) {
                none.redirect(StandardStream.OUT.descriptor());
            }
        }
        return new ConsoleTarget.ToDescriptor(out.number());
    }
}

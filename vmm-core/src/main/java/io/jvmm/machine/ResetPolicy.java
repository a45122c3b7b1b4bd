// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

/** What follows when a guest asks for a reset. */
public enum ResetPolicy {
    /** The machine ends, with {@link MachineExit.Reset}. */
    END,
    /**
     * The machine boots again, as by {@link Machine#reset}. A guest that asks again and again waits
     * longer and longer in between, up to a second. A triple fault still ends the machine: it is
     * far more often a crash than a wish.
     */
    REBOOT
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

/**
 * What a guest sees of the time in which it did not run: of a pause, or of the time between saving
 * and restoring. Its battery-backed clock counts all time in either case.
 */
public enum PausedTime {
    /**
     * Nothing: its clocks go on where they stood. kvmclock, the ACPI timer and the PIT do so
     * everywhere, the time stamp counter where the host lets it be moved (Linux 5.16 and newer; not
     * on hosts that give their guests their own counter).
     */
    HIDDEN,
    /** All of it, as after a suspend; the guest's watchdogs are told that it was paused. */
    COUNTED
}

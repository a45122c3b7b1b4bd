// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

/**
 * Where a machine is in its life. It goes from RUNNING to PAUSED and back as often as somebody
 * wants; otherwise it only moves forward, and any state can be followed by ENDED and CLOSED.
 */
public enum MachineState {
    /** Memory, devices and vCPUs are there, the kernel is loaded, nothing ran yet. */
    CREATED,
    /** The guest runs. */
    RUNNING,
    /** The guest stands still: between a pause and what follows it, or restored and not resumed. */
    PAUSED,
    /** The guest has ended, its console can still be read. */
    ENDED,
    /** Everything is given back. */
    CLOSED
}

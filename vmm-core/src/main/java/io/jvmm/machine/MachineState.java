package io.jvmm.machine;

/** Where a machine is in its life; it only moves forward. */
public enum MachineState {
    /** Memory, devices and vCPUs are there, the kernel is loaded, nothing ran yet. */
    CREATED,
    /** The guest runs. */
    RUNNING,
    /** The guest has ended, its console can still be read. */
    ENDED,
    /** Everything is given back. */
    CLOSED
}

package io.jvmm.machine;

/**
 * Hears what happens to a machine. Called on the machine's own threads, which must not be made to
 * wait; what it throws is logged and changes nothing.
 */
public interface MachineListener {

    /** The machine came into another state. */
    default void stateChanged(MachineState state) {}

    /** The guest has ended. */
    default void exited(MachineExit exit) {}
}

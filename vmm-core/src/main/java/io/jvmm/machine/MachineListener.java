package io.jvmm.machine;

/**
 * Hears what happens to a machine: of its start on the thread that starts it, of its end on a
 * thread for that purpose, of its closing on the thread that closes it. It may close the machine,
 * not wait for its end; what it throws is logged and changes nothing.
 */
public interface MachineListener {

    /** The machine came into another state. */
    default void stateChanged(MachineState state) {}

    /** The guest has ended. */
    default void exited(MachineExit exit) {}
}

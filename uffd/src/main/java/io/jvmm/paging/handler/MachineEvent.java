// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

/** What happens to a {@link HandlerServer}. */
public sealed interface MachineEvent {

    /** The machine's process, or 0 if it is in a namespace that is not seen from here. */
    int pid();

    /**
     * A machine has handed its faults over.
     *
     * @param bytes of its memory
     */
    record Accepted(int pid, long bytes) implements MachineEvent {}

    /**
     * A machine has ended, or has gone to another handler.
     *
     * @param bytes that were put in place
     */
    record Ended(int pid, long bytes) implements MachineEvent {}

    /**
     * The file does not give a page. The machine waits, and the file is read again. Told at most
     * once a second for each machine.
     *
     * @param message why
     */
    record Unreadable(int pid, String message) implements MachineEvent {}

    /**
     * A machine is not served, or not any longer. It sees its socket's end.
     *
     * @param message why
     */
    record Refused(int pid, String message) implements MachineEvent {}
}

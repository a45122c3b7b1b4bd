// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.paging.PagingEvent;

/**
 * Hears what happens to a machine, one event after the other, in the order in which it happened:
 * mostly on the thread that has brought it about, of the guest's end on a thread for that purpose.
 * It may call the machine, but not wait for its end; what follows from a call is told after the
 * callback. What it throws is logged and changes nothing.
 */
public interface MachineListener {

    /** The machine came into another state. */
    default void stateChanged(MachineState state) {}

    /**
     * The machine was reset and boots again; its state is what it was.
     *
     * @param by the device that the guest asked, by name, or {@code host}
     */
    default void wasReset(String by) {}

    /** Something happened to pages of guest memory that are not there yet. */
    default void paged(PagingEvent event) {}

    /** The guest has ended. */
    default void exited(MachineExit exit) {}
}

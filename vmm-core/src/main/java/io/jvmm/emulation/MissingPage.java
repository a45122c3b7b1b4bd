// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.memory.GuestMemory;

/**
 * A page that an instruction needs is not there yet. The instruction has had no effect, and is done
 * from its start when the page has come. Travels from where it is found to {@link Emulator} or
 * {@link Completion}, which turns it into a result; never leaves the room.
 */
final class MissingPage extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final long gpa;

    MissingPage(long gpa) {
        super("missing page", null, false, false);
        this.gpa = gpa;
    }

    /**
     * Before an access to memory: nothing here waits for a page by itself.
     *
     * @throws MissingPage if a page of the range is not there
     */
    static void require(GuestMemory memory, long gpa, int size) {
        if (!memory.isPresent(gpa, size)) {
            throw new MissingPage(gpa);
        }
    }

    /** Guest-physical address in the page. */
    long gpa() {
        return gpa;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import java.lang.foreign.MemorySegment;

/**
 * Fills the memory of a machine that is being restored, before anything else is restored and before
 * a {@link MachineConfig.Builder#pager pager} takes over what it leaves out. It finds memory full
 * of zeros.
 */
@FunctionalInterface
public interface MemoryLoader {

    /** Writes the guest's memory; what it throws ends the restoring. */
    void load(GuestMemory memory);

    /** Nothing: memory is zero, or a pager supplies all of it. */
    static MemoryLoader none() {
        return memory -> {};
    }

    /**
     * The memory of another machine, which stands still. Pages that are zero there are not touched
     * here.
     *
     * @throws IllegalStateException the machine runs, or is closed
     * @throws MachineException pages of its memory may be missing; then its pager has what is to be
     *     copied
     */
    static MemoryLoader copyOf(Machine machine) {
        return target -> {
            GuestMemory source = machine.stillMemory();
            for (MemoryRegion region : source.regions()) {
                copyPages(source, target, region);
            }
        };
    }

    private static void copyPages(GuestMemory source, GuestMemory target, MemoryRegion region) {
        long page = 4096;
        MemorySegment zeros = MemorySegment.ofArray(new byte[(int) page]);
        for (long gpa = region.gpa(); gpa < region.end(); gpa += page) {
            MemorySegment content = source.readable(gpa, page);
            if (content.mismatch(zeros) >= 0) {
                target.copyIn(gpa, content);
            }
        }
    }
}

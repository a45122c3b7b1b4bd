// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import java.lang.foreign.MemorySegment;

/** The host memory behind a guest's, for tests of what happens to code that goes past the gate. */
public final class RawMemory {

    private RawMemory() {}

    /** The first region's host memory. */
    public static MemorySegment of(GuestMemory memory) {
        return memory.regions().getFirst().host();
    }
}

package io.jvmm.ffi.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What system calls need in memory: where they leave {@code errno}, and room for arguments. Calls
 * that are given none take their thread's, and have to look for it; who makes the same call for
 * each page of a memory keeps one beside it.
 *
 * <p>For one thread at a time, or two would read each other's {@code errno}. Lives as long as
 * something refers to it.
 */
public final class CallMemory {

    final MemorySegment state;
    final MemorySegment scratch;

    public CallMemory() {
        Arena arena = Arena.ofAuto();
        state = arena.allocate(Linux.CALL_STATE);
        scratch = arena.allocate(Linux.SCRATCH_BYTES, Long.BYTES);
    }
}

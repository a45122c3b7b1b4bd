// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.jvmm.ffi.linux.Fd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * An interrupt line of the controllers in the kernel. Setting a level allocates nothing, since
 * devices do it on the way of an exit. Safe for use by many threads; valid while its machine is
 * open.
 */
public final class KvmIrqLine {

    private static final long GSI = 0;
    private static final long LEVEL = 4;

    private final Fd vm;
    private final MemorySegment high;
    private final MemorySegment low;

    KvmIrqLine(Fd vm, int gsi) {
        this.vm = vm;
        Arena arena = Arena.ofAuto();
        this.high = level(arena, gsi, 1);
        this.low = level(arena, gsi, 0);
    }

    private static MemorySegment level(Arena arena, int gsi, int level) {
        MemorySegment irqLevel = arena.allocate(Long.BYTES, Integer.BYTES);
        irqLevel.set(JAVA_INT, GSI, gsi);
        irqLevel.set(JAVA_INT, LEVEL, level);
        return irqLevel;
    }

    /** Sets the line. */
    public void set(boolean active) {
        vm.ioctl("KVM_IRQ_LINE", KvmRequests.KVM_IRQ_LINE, active ? high : low);
    }
}

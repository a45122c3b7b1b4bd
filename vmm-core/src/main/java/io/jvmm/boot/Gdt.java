// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;

/**
 * The descriptor table at entry: flat segments with the selectors that the Linux boot protocol asks
 * for. The descriptors' accessed bits are set, so that loading them writes nothing.
 */
public final class Gdt {

    /** Selector of the code segment: execute and read, 64-bit or 32-bit as the entry needs. */
    public static final int CODE_SELECTOR = 0x10;

    /** Selector of the data segment: read and write, base 0, 4 GiB. */
    public static final int DATA_SELECTOR = 0x18;

    /** Selector of the task state segment: busy, base 0, 104 bytes; no task switch uses it. */
    public static final int TASK_SELECTOR = 0x20;

    /** Size of the table in bytes, less one. */
    public static final int LIMIT = 0x2F;

    private static final long CODE_64 = 0x00AF_9B00_0000_FFFFL;
    private static final long CODE_32 = 0x00CF_9B00_0000_FFFFL;
    private static final long DATA = 0x00CF_9300_0000_FFFFL;

    /** Base 0, limit 0x67, present, busy 32- or 64-bit TSS; twice as long in 64-bit mode. */
    private static final long TASK = 0x0000_8B00_0000_0067L;

    private Gdt() {}

    static void write(GuestMemory memory, boolean wide) {
        memory.writeU64(GuestLayout.GDT + CODE_SELECTOR, wide ? CODE_64 : CODE_32);
        memory.writeU64(GuestLayout.GDT + DATA_SELECTOR, DATA);
        memory.writeU64(GuestLayout.GDT + TASK_SELECTOR, TASK);
    }
}

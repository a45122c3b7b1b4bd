// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.util.Locale;

/** Through which door a kernel is entered. */
public enum BootEntry {
    /** The fastest that the image offers: {@link #ELF64} wherever its payload can be unpacked. */
    AUTO,

    /**
     * 64-bit mode at the entry point of the kernel's ELF file, by the Linux 64-bit boot protocol. A
     * bzImage's payload is unpacked on the host; the kernel runs where it was linked, without
     * KASLR.
     */
    ELF64,

    /** 64-bit mode at the entry of a bzImage, which then unpacks itself (and applies KASLR). */
    BZIMAGE64,

    /** 32-bit mode at the entry of a bzImage; the way into kernels before boot protocol 2.12. */
    BZIMAGE32,

    /** 32-bit mode at the address in the kernel's Xen note, by the PVH boot protocol. */
    PVH;

    /** Name as in options and messages, in lower case. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}

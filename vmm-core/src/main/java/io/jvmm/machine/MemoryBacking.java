// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

/** What guest memory is made of. */
public enum MemoryBacking {
    /** Private anonymous memory, with transparent huge pages advised. */
    ANONYMOUS,
    /** A memory file of fixed size, which another mapping or another process can share. */
    MEMFD
}

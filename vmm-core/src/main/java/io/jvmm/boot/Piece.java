// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.lang.foreign.MemorySegment;

/**
 * Bytes of a file and where they go.
 *
 * @param offset where they begin in the file
 * @param target as large as they are
 */
record Piece(long offset, MemorySegment target) {

    long end() {
        return offset + target.byteSize();
    }
}

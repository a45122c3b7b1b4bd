// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.lang.foreign.MemorySegment;

/**
 * A part of another file.
 *
 * @param name what to call it in messages
 * @param whole the file, which is not closed with its part
 * @param start where the part begins
 * @param size its size in bytes; it lies within the file
 */
record SliceSource(String name, ByteSource whole, long start, long size) implements ByteSource {

    @Override
    public void readWithin(long offset, MemorySegment target) {
        whole.read(start + offset, target);
    }

    @Override
    public void close() {}
}

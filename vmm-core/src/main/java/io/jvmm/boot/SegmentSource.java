// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.lang.foreign.MemorySegment;

/**
 * A file that is in memory already.
 *
 * @param name what to call it in messages
 * @param content its bytes; not closed with the source
 */
record SegmentSource(String name, MemorySegment content) implements ByteSource {

    @Override
    public long size() {
        return content.byteSize();
    }

    @Override
    public void readWithin(long offset, MemorySegment target) {
        MemorySegment.copy(content, offset, target, 0, target.byteSize());
    }

    @Override
    public void close() {}
}

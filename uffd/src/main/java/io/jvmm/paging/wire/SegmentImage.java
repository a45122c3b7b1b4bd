// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** An image in memory, all of it present. */
public final class SegmentImage implements PageImage {

    private final PageLayout layout;
    private final List<MemorySegment> ranges;

    /**
     * @param ranges one segment for each range of the layout, of the same size; kept open by the
     *     caller for as long as this object is in use
     */
    public SegmentImage(PageLayout layout, List<MemorySegment> ranges) {
        this.layout = layout;
        this.ranges = List.copyOf(ranges);
        if (ranges.size() != layout.ranges().size()) {
            throw new IllegalArgumentException("not one segment for each range");
        }
        for (int i = 0; i < ranges.size(); i++) {
            if (ranges.get(i).byteSize() != layout.ranges().get(i).length()) {
                throw new IllegalArgumentException("range " + i + " and its segment differ");
            }
        }
    }

    @Override
    public PageLayout layout() {
        return layout;
    }

    @Override
    public void read(long gpa, MemorySegment to) {
        for (int i = 0; i < ranges.size(); i++) {
            PageLayout.Range range = layout.ranges().get(i);
            if (gpa >= range.gpa() && gpa < range.end()) {
                MemorySegment.copy(ranges.get(i), gpa - range.gpa(), to, 0, to.byteSize());
                return;
            }
        }
        throw new IllegalArgumentException("no pages at 0x" + Long.toHexString(gpa));
    }

    @Override
    public void close() {}
}

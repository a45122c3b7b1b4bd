// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What each side says first on each connection: the memory it means, what it can decode, and how
 * long it bears silence.
 *
 * @param encodings {@link Encoding#bit} of each that the sender accepts; unknown bits are ignored
 * @param silenceMillis the sender gives up after this long without a whole frame
 */
record LayoutMessage(PageLayout layout, int encodings, int silenceMillis) {

    private static final int FIXED_BYTES = 16;
    private static final int RANGE_BYTES = 16;
    static final int MAX_BYTES = FIXED_BYTES + Wire.MAX_RANGES * RANGE_BYTES;

    /** A new buffer, ready to be read. */
    ByteBuffer encode() {
        ByteBuffer to =
                ByteBuffer.allocate(FIXED_BYTES + layout.ranges().size() * RANGE_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN);
        to.putInt(PageLayout.PAGE_BYTES).putInt(encodings).putInt(silenceMillis);
        to.putInt(layout.ranges().size());
        for (PageLayout.Range range : layout.ranges()) {
            to.putLong(range.gpa()).putLong(range.length());
        }
        return to.flip();
    }

    /**
     * @throws WireException {@code MALFORMED}, or {@code LAYOUT} for another page size
     */
    static LayoutMessage decode(ByteBuffer from) {
        from.order(ByteOrder.LITTLE_ENDIAN);
        if (from.remaining() < FIXED_BYTES) {
            throw new WireException(Refusal.MALFORMED, "a layout is too short");
        }
        int pageBytes = from.getInt();
        if (pageBytes != PageLayout.PAGE_BYTES) {
            throw new WireException(
                    Refusal.LAYOUT,
                    "pages of %d bytes; this side's have %d"
                            .formatted(Integer.toUnsignedLong(pageBytes), PageLayout.PAGE_BYTES));
        }
        int encodings = from.getInt();
        int silence = from.getInt();
        int count = from.getInt();
        if (silence < Wire.MIN_SILENCE_MILLIS || silence > Wire.MAX_SILENCE_MILLIS) {
            throw new WireException(
                    Refusal.MALFORMED, "a limit of silence of %d ms".formatted(silence));
        }
        if (count < 1 || count > Wire.MAX_RANGES || from.remaining() != count * RANGE_BYTES) {
            throw new WireException(
                    Refusal.MALFORMED,
                    "a layout of %d ranges in %d bytes".formatted(count, from.remaining()));
        }
        List<PageLayout.Range> ranges = new ArrayList<>(count);
        try {
            for (int i = 0; i < count; i++) {
                ranges.add(new PageLayout.Range(from.getLong(), from.getLong()));
            }
            return new LayoutMessage(new PageLayout(ranges), encodings, silence);
        } catch (IllegalArgumentException e) {
            throw new WireException(Refusal.MALFORMED, "a layout: " + e.getMessage());
        }
    }

    /**
     * @throws WireException {@code LAYOUT} if the peer means other memory
     */
    void requireSame(PageLayout ours) {
        if (!layout.equals(ours)) {
            throw new WireException(
                    Refusal.LAYOUT,
                    "the peer's memory is %s, ours %s".formatted(brief(layout), brief(ours)));
        }
    }

    private static String brief(PageLayout layout) {
        String text = layout.toString();
        return text.length() <= 120 ? text : text.substring(0, 120) + "…";
    }

    boolean accepts(Encoding encoding) {
        return (encodings & encoding.bit()) != 0;
    }
}

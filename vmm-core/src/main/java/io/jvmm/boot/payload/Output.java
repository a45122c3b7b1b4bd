// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

/**
 * Where a decoder puts what it unpacks: an array that slides over the content. It holds what was
 * not taken yet, and as much of what came before as the format may refer to.
 *
 * <p>Decoders write into {@link #array()} directly, at indices that {@link #reserve} allowed. The
 * array is a little longer than what may be written, so that copies may run over by a few bytes.
 */
final class Output {

    /** Bytes behind the last valid index that a copy in wide steps may scribble over. */
    static final int SLACK = 32;

    private static final int INITIAL = 1 << 20;

    /** Up to here the array grows step by step; a larger one is allocated once. */
    private static final int STEPS_MAX = 16 << 20;

    /** Room to go on before the content is moved to the beginning, at most. */
    private static final int ROOM_MAX = 16 << 20;

    /** Decoders reserve room for a block, also for the last one, which may be shorter. */
    private static final int BLOCK = 128 << 10;

    private static final long ARRAY_MAX = Integer.MAX_VALUE - 64;

    private final long expected;
    private byte[] array = new byte[0];
    private int frameStart;
    private int taken;
    private int size;
    private long window;

    /**
     * An empty output.
     *
     * @param expected size of the whole content in bytes, or 0 if unknown; only a hint to allocate
     *     the right amount at once
     */
    Output(long expected) {
        this.expected = expected;
    }

    /** A frame begins, which refers to nothing before it, and back by {@code bytes} at most. */
    void beginFrame(long bytes) {
        window = bytes;
        frameStart = size;
    }

    /** How far back the present frame may refer, in bytes. */
    long window() {
        return window;
    }

    byte[] array() {
        return array;
    }

    /** Index behind the last byte of the content. */
    int size() {
        return size;
    }

    /** Index of the first byte that the present frame may refer to. */
    int frameStart() {
        return frameStart;
    }

    /** Declares {@code count} more bytes of {@link #array()} as written. */
    void advance(int count) {
        size += count;
    }

    /** Makes room for {@code count} more bytes; {@link #array()} and all indices may change. */
    void reserve(int count) {
        if (count <= array.length - SLACK - size) {
            return;
        }
        int kept = (int) Math.min(size - frameStart, window);
        int from = Math.min(taken, size - kept);
        int held = size - from;
        long needed = (long) held + count + SLACK;
        byte[] target = needed <= array.length && held <= array.length / 2 ? array : grown(needed);
        System.arraycopy(array, from, target, 0, held);
        array = target;
        frameStart = Math.max(0, frameStart - from);
        taken -= from;
        size = held;
    }

    private byte[] grown(long needed) {
        long history = expected > 0 ? Math.min(window, expected) : window;
        long room = Math.clamp(history / 2, INITIAL, ROOM_MAX);
        long whole = expected > 0 ? Math.min(history + room, expected + BLOCK) : history + room;
        long full = Math.max(needed, whole + SLACK);
        long length = expected > 0 || (full > STEPS_MAX && needed > STEPS_MAX) ? full : 0;
        if (length == 0) {
            length = Math.max(needed, Math.clamp(4L * array.length, INITIAL, STEPS_MAX));
        }
        if (array.length >= length) {
            return array;
        }
        return new byte[(int) Math.min(ARRAY_MAX, Math.min(length, Math.max(full, needed)))];
    }

    /** How many bytes were written and not taken. */
    int untaken() {
        return size - taken;
    }

    /** Takes the next byte, which is there. */
    int take() {
        return Byte.toUnsignedInt(array[taken++]);
    }

    /** Takes up to {@code count} bytes and returns how many. */
    int take(byte[] target, int offset, int count) {
        int length = Math.min(count, untaken());
        System.arraycopy(array, taken, target, offset, length);
        taken += length;
        return length;
    }
}

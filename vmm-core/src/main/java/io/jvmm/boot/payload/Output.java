package io.jvmm.boot.payload;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The bounded array that a decoder fills. It never holds more than its limit, however much the
 * input unfolds to.
 *
 * <p>Decoders write into {@link #array()} directly, at indices that {@link #reserve} allowed. The
 * array is a little longer than what may be written, so that copies may run over by a few bytes.
 */
final class Output {

    /** Bytes behind the last valid index that a copy in wide steps may scribble over. */
    static final int SLACK = 32;

    private static final int INITIAL = 1 << 20;

    private final int limit;
    private byte[] array;
    private int size;

    /**
     * An empty output.
     *
     * @param expected the likely size in bytes, allocated at once, or 0 if unknown
     * @param limit the most bytes to take, at least {@code expected}
     */
    Output(int expected, int limit) {
        this.limit = limit;
        this.array = new byte[(expected > 0 ? expected : Math.min(limit, INITIAL)) + SLACK];
    }

    byte[] array() {
        return array;
    }

    int size() {
        return size;
    }

    /** Declares {@code count} more bytes of {@link #array()} as written. */
    void advance(int count) {
        size += count;
    }

    /**
     * Makes room for {@code count} more bytes; {@link #array()} may be another one afterwards.
     *
     * @throws PayloadException if that exceeds the limit
     */
    void reserve(int count) throws PayloadException {
        if (count > limit - size) {
            throw tooLarge();
        }
        int needed = size + count + SLACK;
        if (needed > array.length) {
            int doubled = (int) Math.min(2L * array.length, (long) limit + SLACK);
            array = Arrays.copyOf(array, Math.max(needed, doubled));
        }
    }

    /** How many more bytes the limit allows. */
    int remaining() {
        return limit - size;
    }

    /** Takes all that {@code in} gives. */
    void drain(InputStream in) throws IOException {
        while (true) {
            int room = array.length - SLACK - size;
            if (room == 0) {
                // Full: only an input that goes on needs more room, or breaks the limit.
                int next = in.read();
                if (next < 0) {
                    return;
                }
                reserve(1);
                array[size++] = (byte) next;
                continue;
            }
            int count = in.read(array, size, room);
            if (count < 0) {
                return;
            }
            size += count;
        }
    }

    MemorySegment content() {
        return MemorySegment.ofArray(array).asSlice(0, size);
    }

    /** What to throw when a decoder finds that a block of {@code blockMax} bytes overflows. */
    PayloadException overflow(int blockMax) {
        return remaining() < blockMax
                ? tooLarge()
                : new PayloadException("a block unpacks to more than its format allows");
    }

    private PayloadException tooLarge() {
        return PayloadException.beyond(limit);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.Deflater;

/**
 * Sends a piece of memory as {@code DATA} frames: runs of zero pages as such, the rest raw or
 * compressed. For one thread; the buffers live as long as the object.
 */
final class PageEncoder {

    private static final int PAGE = PageLayout.PAGE_BYTES;
    // A shorter run in the middle of data costs more as a frame than as bytes.
    private static final int MIN_ZERO_RUN = 4 * PAGE;

    private final MemorySegment piece;
    private final ByteBuffer bytes;
    private final boolean compresses;
    private final Deflater deflater = new Deflater(Deflater.BEST_SPEED);
    private final ByteBuffer compressed;

    PageEncoder(boolean compresses) {
        piece = Arena.ofAuto().allocate(Wire.MAX_PAYLOAD, PAGE);
        bytes = piece.asByteBuffer();
        this.compresses = compresses;
        compressed = ByteBuffer.allocateDirect(compresses ? Wire.MAX_PAYLOAD : 0);
    }

    /** Where to put the piece, from its start. */
    MemorySegment piece(int length) {
        return piece.asSlice(0, length);
    }

    /** Sends what was put there. */
    void send(FrameChannel channel, long id, long gpa, int length) {
        int at = 0;
        while (at < length) {
            int zeros = zeroRun(at, length);
            if (zeros >= MIN_ZERO_RUN || (zeros > 0 && (at == 0 || at + zeros == length))) {
                channel.send(FrameType.DATA, Encoding.ZERO.code(), id, gpa + at, zeros);
                at += zeros;
            } else {
                int end = dataEnd(at + Math.max(zeros, PAGE), length);
                data(channel, id, gpa + at, at, end - at);
                at = end;
            }
        }
    }

    /** Bytes of zero pages from here. */
    private int zeroRun(int at, int length) {
        int end = at;
        while (end < length && isZero(end)) {
            end += PAGE;
        }
        return end - at;
    }

    /** Where a run of zeros begins that is worth a frame. */
    private int dataEnd(int from, int length) {
        int at = from;
        while (at < length) {
            int zeros = zeroRun(at, length);
            if (zeros >= MIN_ZERO_RUN || (zeros > 0 && at + zeros == length)) {
                return at;
            }
            at += Math.max(zeros, PAGE);
        }
        return length;
    }

    private boolean isZero(int page) {
        // Most pages that are not zero show it in their first words.
        for (long at = page; at < page + PAGE; at += 4 * Long.BYTES) {
            if ((piece.get(JAVA_LONG, at)
                            | piece.get(JAVA_LONG, at + Long.BYTES)
                            | piece.get(JAVA_LONG, at + 2 * Long.BYTES)
                            | piece.get(JAVA_LONG, at + 3 * Long.BYTES))
                    != 0) {
                return false;
            }
        }
        return true;
    }

    private void data(FrameChannel channel, long id, long gpa, int offset, int length) {
        bytes.limit(offset + length).position(offset);
        if (compresses) {
            deflater.reset();
            deflater.setInput(bytes);
            deflater.finish();
            // Only what gets smaller by a quarter is worth the receiver's time.
            compressed.clear().limit(length / 4 * 3);
            deflater.deflate(compressed);
            if (deflater.finished()) {
                channel.send(
                        FrameType.DATA,
                        Encoding.DEFLATE.code(),
                        id,
                        gpa,
                        length,
                        compressed.flip());
                return;
            }
            bytes.limit(offset + length).position(offset);
        }
        channel.send(FrameType.DATA, Encoding.RAW.code(), id, gpa, length, bytes);
    }

    /** Gives the compressor's memory back. */
    void close() {
        deflater.end();
    }
}

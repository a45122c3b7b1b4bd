// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;

/**
 * The content of packed data, unpacked as it is read. Whatever is wrong with the data is a {@link
 * PayloadException}. For one thread.
 */
public final class Unpacked extends InputStream {

    private static final int INITIAL = 1 << 20;

    private final Compression format;
    private final PackedInput in;
    private final long expected;
    private final boolean all;
    private final byte[] one = new byte[1];
    private @Nullable InputStream decoder;
    private boolean atEnd;

    Unpacked(Compression format, PackedInput in, long expected, boolean all) {
        this.format = format;
        this.in = in;
        this.expected = expected;
        this.all = all;
    }

    @Override
    public int read() throws PayloadException {
        return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] target, int offset, int count) throws PayloadException {
        try {
            while (!atEnd) {
                InputStream stream = decoder;
                if (stream == null) {
                    stream = format.decoder(in, expected);
                    decoder = stream;
                }
                int done = stream.read(target, offset, count);
                if (done >= 0) {
                    return done;
                }
                endDecoder();
                atEnd = !all || !another();
            }
            return -1;
        } catch (IOException
                | IndexOutOfBoundsException
                | IllegalArgumentException
                | IllegalStateException
                | NegativeArraySizeException
                | OutOfMemoryError e) {
            throw Compression.failure(e);
        }
    }

    /** Whether another stream follows, to which {@link #in} is brought. */
    private boolean another() throws IOException {
        if (format == Compression.ZSTD) {
            ZstdDecoder.skipFrames(in);
        }
        if (!in.skipZeros()) {
            return false;
        }
        if (!Compression.detectFramed(in.ahead(64)).equals(Optional.of(format))) {
            throw new PayloadException("what follows a frame is not another one");
        }
        return true;
    }

    /** Reads up to {@code count} bytes, fewer only at the end. */
    @Override
    public int readNBytes(byte[] target, int offset, int count) throws PayloadException {
        int done = 0;
        while (done < count) {
            int step = read(target, offset + done, count - done);
            if (step < 0) {
                break;
            }
            done += step;
        }
        return done;
    }

    /** All content, in an array of the expected size or as it grows. */
    MemorySegment all(int expectedSize, int limit) throws PayloadException {
        try {
            byte[] array = new byte[Math.min(limit, expectedSize > 0 ? expectedSize : INITIAL)];
            int size = 0;
            while (true) {
                int count = size < array.length ? read(array, size, array.length - size) : read();
                if (count < 0) {
                    return MemorySegment.ofArray(array).asSlice(0, size);
                }
                if (size < array.length) {
                    size += count;
                } else if (size == limit) {
                    throw PayloadException.beyond(limit);
                } else {
                    array = Arrays.copyOf(array, (int) Math.min(limit, 2L * array.length));
                    array[size++] = (byte) count;
                }
            }
        } catch (OutOfMemoryError e) {
            throw Compression.failure(e);
        }
    }

    private void endDecoder() throws IOException {
        InputStream stream = decoder;
        decoder = null;
        if (stream instanceof GzipDecoder) {
            stream.close(); // the others hold nothing but heap, and would close the input
        }
    }

    @Override
    public void close() {
        try {
            endDecoder();
        } catch (IOException e) {
            throw new AssertionError("closing an inflater does no I/O", e);
        }
        atEnd = true;
    }
}

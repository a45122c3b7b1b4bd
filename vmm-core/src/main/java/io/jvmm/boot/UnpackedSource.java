// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;
import io.jvmm.boot.payload.PayloadException;
import io.jvmm.boot.payload.Unpacked;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The content of a compressed file, of which nothing is kept but the beginning: reading unpacks up
 * to there, and reading further back unpacks from the beginning again. {@link #readAll} brings any
 * number of pieces in one go. For one thread.
 */
final class UnpackedSource implements ByteSource {

    /** What a file of unknown size may unpack to. */
    private static final long CONTENT_MAX = 4L << 30;

    private static final int CHUNK = 1 << 16;

    private final String name;

    /** How to begin a message about the packed file. */
    private final String subject;

    private final ByteSource packed;
    private final long packedOffset;
    private final long packedSize;
    private final Compression compression;
    private final long statedSize;
    private final byte[] head;
    private final byte[] chunk = new byte[CHUNK];

    private @Nullable Unpacked content;
    private long position;

    /**
     * The content of {@code packed[packedOffset, packedOffset+packedSize)}.
     *
     * @param name what to call the content in messages
     * @param subject how to begin a message about the packed file
     * @param statedSize the size of the content, or -1 if it is not known
     * @throws BootException if its beginning cannot be unpacked
     */
    UnpackedSource(
            String name,
            String subject,
            ByteSource packed,
            long packedOffset,
            long packedSize,
            Compression compression,
            long statedSize) {
        this.name = name;
        this.subject = subject;
        this.packed = packed;
        this.packedOffset = packedOffset;
        this.packedSize = packedSize;
        this.compression = compression;
        this.statedSize = statedSize;
        byte[] beginning = new byte[FileKind.HEAD];
        head = Arrays.copyOf(beginning, unpack(beginning, beginning.length));
    }

    @Override
    public String name() {
        return name;
    }

    /** The content's size, or the most that it may have if it is not known. */
    @Override
    public long size() {
        return statedSize < 0 ? CONTENT_MAX : statedSize;
    }

    @Override
    public boolean isSequential() {
        return true;
    }

    @Override
    public byte[] head(int length) {
        return Arrays.copyOf(head, Math.min(length, head.length));
    }

    @Override
    public void readWithin(long offset, MemorySegment target) {
        readAll(List.of(new Piece(offset, target)));
    }

    @Override
    public void readAll(List<Piece> pieces) {
        List<Piece> sorted =
                pieces.stream()
                        .filter(piece -> piece.target().byteSize() > 0)
                        .sorted(Comparator.comparingLong(Piece::offset))
                        .toList();
        if (sorted.isEmpty()) {
            return;
        }
        sorted.forEach(piece -> check(piece.offset(), piece.target().byteSize()));
        copy(sorted, MemorySegment.ofArray(head), 0, head.length);
        long end = sorted.stream().mapToLong(Piece::end).max().orElseThrow();
        if (end <= head.length) {
            return;
        }
        if (sorted.stream().anyMatch(this::isBehind)) {
            rewind();
        }
        MemorySegment bytes = MemorySegment.ofArray(chunk);
        while (position < end) {
            long start = position;
            int count = unpack(chunk, CHUNK);
            if (count == 0) {
                throw new BootException(
                        "%s is truncated or corrupt: it unpacks to %s, and says it has 0x%x bytes"
                                .formatted(subject, Sizes.describe(start), end));
            }
            copy(sorted, bytes, start, count);
        }
    }

    /** Whether bytes of the piece have gone by that are not in {@link #head}. */
    private boolean isBehind(Piece piece) {
        return piece.end() > head.length && Math.max(piece.offset(), head.length) < position;
    }

    /** Copies what the pieces want of the {@code count} bytes at offset {@code start}. */
    private static void copy(List<Piece> sorted, MemorySegment bytes, long start, int count) {
        for (Piece piece : sorted) {
            if (piece.offset() >= start + count) {
                return;
            }
            long from = Math.max(start, piece.offset());
            long to = Math.min(start + count, piece.end());
            if (from < to) {
                MemorySegment.copy(
                        bytes, from - start, piece.target(), from - piece.offset(), to - from);
            }
        }
    }

    /** Unpacks to the end, so that its checksums are compared. */
    @Override
    public void finish() {
        while (unpack(chunk, CHUNK) > 0) {}
        if (statedSize >= 0 && position != statedSize) {
            throw new BootException(
                    subject
                            + " is corrupt: it unpacks to %d bytes and not the %d it says"
                                    .formatted(position, statedSize));
        }
    }

    private void rewind() {
        close();
        position = 0;
    }

    private int unpack(byte[] target, int count) {
        try {
            Unpacked stream = content;
            if (stream == null) {
                stream =
                        compression.unpack(
                                packed.stream(packedOffset, packedSize), Math.max(0, statedSize));
                content = stream;
            }
            int done = stream.readNBytes(target, 0, count);
            position += done;
            if (position > size()) {
                throw PayloadException.beyond(size());
            }
            return done;
        } catch (PayloadException e) {
            throw new BootException(
                    subject
                            + " cannot be unpacked from "
                            + compression.label()
                            + ": "
                            + e.getMessage(),
                    e);
        }
    }

    /** Gives the decoder's memory back; the packed file is its owner's. */
    @Override
    public void close() {
        Unpacked stream = content;
        content = null;
        if (stream != null) {
            stream.close();
        }
    }
}

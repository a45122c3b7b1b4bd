// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.source;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * Pages out of a {@link PackedImage}. Synchronous: the calling thread reads and unpacks, whole
 * chunks always; requests of less than a chunk throw the rest of it away, so the smallest unit of a
 * {@link PagingConfig} should be one.
 *
 * <p>The pages of a chunk that cannot be read are answered as {@link PageFailure#AWAY}: it may be
 * read another time. Those of a chunk that is not what was packed are lost.
 */
public final class PackedPageSource implements PageSource {

    private static final int PAGE = PageRequest.PAGE_BYTES;

    // Of a table that fits into an array.
    private static final int MOST_CHUNKS = 1 << 26;

    private final Fd file;
    private final long gpa;
    private final long bytes;
    private final int chunkBytes;
    private final long[] offsets;
    private final int[] stored;
    private final int[] checks;
    private final ThreadLocal<Scratch> scratch;

    /** What a thread needs to unpack a chunk. */
    private static final class Scratch {
        final MemorySegment read;
        final byte[] packed;
        final byte[] content;
        final CRC32C crc = new CRC32C();

        Scratch(int chunkBytes) {
            read = Arena.ofAuto().allocate(chunkBytes);
            packed = new byte[chunkBytes];
            content = new byte[chunkBytes];
        }
    }

    /**
     * Opens an image.
     *
     * @param file a packed image; closed by its owner, after this source
     * @param gpa guest-physical address of its first byte, a multiple of 4 KiB
     * @throws IOException if it is none, or damaged
     */
    public PackedPageSource(Fd file, long gpa) throws IOException {
        if (gpa < 0 || gpa % PAGE != 0) {
            throw new IllegalArgumentException("image at 0x" + Long.toHexString(gpa));
        }
        this.file = file;
        this.gpa = gpa;
        long size = file.sizeBytes();
        ByteBuffer head = read(file, size, PackedImage.HEADER_BYTES);
        if (head.getLong() != PackedImage.MAGIC) {
            throw new IOException(file.name() + " is not a packed image");
        }
        int version = head.getInt();
        if (version != PackedImage.VERSION) {
            throw new IOException(
                    file.name() + " has version " + version + ", not " + PackedImage.VERSION);
        }
        chunkBytes = head.getInt();
        bytes = head.getLong();
        int check = head.getInt();
        if (!PackedImage.isChunk(chunkBytes)
                || bytes <= 0
                || bytes % PAGE != 0
                || bytes / chunkBytes > size / PackedImage.ENTRY_BYTES
                || bytes / chunkBytes > MOST_CHUNKS) {
            throw damaged();
        }
        int unpacked = chunkBytes;
        scratch = ThreadLocal.withInitial(() -> new Scratch(unpacked));
        int chunks = PackedImage.chunks(bytes, chunkBytes);
        head = read(file, size, PackedImage.HEADER_BYTES + chunks * PackedImage.ENTRY_BYTES);
        if (PackedImage.check(head) != check) {
            throw damaged();
        }
        head.position(PackedImage.HEADER_BYTES);
        offsets = new long[chunks];
        stored = new int[chunks];
        checks = new int[chunks];
        for (int chunk = 0; chunk < chunks; chunk++) {
            offsets[chunk] = head.getLong();
            stored[chunk] = head.getInt();
            checks[chunk] = head.getInt();
            if (stored[chunk] < 0
                    || stored[chunk] > lengthOf(chunk)
                    || offsets[chunk] < 0
                    || offsets[chunk] > size - stored[chunk]) {
                throw damaged();
            }
        }
    }

    private IOException damaged() {
        return new IOException(file.name() + " is damaged");
    }

    private static ByteBuffer read(Fd file, long size, int length) throws IOException {
        if (length > size) {
            throw new IOException(file.name() + " is too short for a packed image");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment head = arena.allocate(length);
            if (!read(file, head, length, 0)) {
                throw new IOException(file.name() + " cannot be read");
            }
            return ByteBuffer.wrap(head.toArray(ValueLayout.JAVA_BYTE))
                    .order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    private static boolean read(Fd file, MemorySegment to, int length, long offset) {
        for (int done = 0; done < length; ) {
            long result = file.tryRead(to, done, length - done, offset + done);
            if (result > 0) {
                done += (int) result;
            } else if (!Errno.EINTR.is(result)) {
                return false;
            }
        }
        return true;
    }

    private int lengthOf(int chunk) {
        return (int) Math.min(chunkBytes, bytes - (long) chunk * chunkBytes);
    }

    @Override
    public boolean isSynchronous() {
        return true;
    }

    @Override
    public int extent(long first, int pages) {
        return Extents.within(gpa, bytes, first, pages);
    }

    @Override
    public void fetch(PageRequest request, int first, int count) {
        // The request's own fields must not be read after its last page was answered.
        long start = request.gpa();
        MemorySegment memory = request.memory();
        long offset = request.offset();
        for (int at = first, end = first + count; at < end; ) {
            long page = start + (long) at * PAGE;
            int run = extent(page, end - at);
            if (run < 0) {
                request.failed(at, -run, PageFailure.LOST);
                at -= run;
                continue;
            }
            int chunk = (int) ((page - gpa) / chunkBytes);
            int from = (int) ((page - gpa) % chunkBytes);
            int pages = Math.min(run, (lengthOf(chunk) - from) / PAGE);
            if (stored[chunk] == 0) {
                request.zero(at, pages);
            } else if (!read(file, scratch.get().read, stored[chunk], offsets[chunk])) {
                request.failed(at, pages, PageFailure.AWAY);
            } else if (unpack(chunk)) {
                MemorySegment.copy(
                        scratch.get().content,
                        from,
                        memory,
                        ValueLayout.JAVA_BYTE,
                        offset + (long) at * PAGE,
                        pages * PAGE);
                request.filled(at, pages);
            } else {
                request.failed(at, pages, PageFailure.LOST);
            }
            at += pages;
        }
    }

    /** Unpacks the chunk that was read into the thread's scratch; false if it is damaged. */
    private boolean unpack(int chunk) {
        Scratch own = scratch.get();
        int size = stored[chunk];
        int length = lengthOf(chunk);
        byte[] target = size == length ? own.content : own.packed;
        MemorySegment.copy(own.read, ValueLayout.JAVA_BYTE, 0, target, 0, size);
        if (size != length && !Lz4Block.unpack(own.packed, size, own.content, length)) {
            return false;
        }
        own.crc.reset();
        own.crc.update(own.content, 0, length);
        return (int) own.crc.getValue() == checks[chunk];
    }

    @Override
    public void close() {}
}

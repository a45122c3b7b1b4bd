// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** An image in a file: the pages of all ranges, one behind the other, without the gaps. */
public final class FileImage implements PageImage {

    private final Path file;
    private final FileChannel channel;
    private final PageLayout layout;

    private FileImage(Path file, FileChannel channel, PageLayout layout) {
        this.file = file;
        this.channel = channel;
        this.layout = layout;
    }

    /**
     * @throws IOException if the file cannot be read or is not of the layout's size
     */
    public static FileImage open(Path file, PageLayout layout) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        long expected = layout.pages() * PageLayout.PAGE_BYTES;
        try {
            if (channel.size() != expected) {
                throw new IOException(
                        "%s has %d bytes, its layout %d".formatted(file, channel.size(), expected));
            }
            return new FileImage(file, channel, layout);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public PageLayout layout() {
        return layout;
    }

    @Override
    public void read(long gpa, MemorySegment to) throws IOException {
        long page = layout.page(gpa, to.byteSize());
        if (page < 0) {
            throw new IllegalArgumentException("no pages at 0x" + Long.toHexString(gpa));
        }
        ByteBuffer buffer = to.asByteBuffer();
        long offset = page * PageLayout.PAGE_BYTES;
        while (buffer.hasRemaining()) {
            int read = channel.read(buffer, offset + buffer.position());
            if (read < 0) {
                throw new EOFException(file + " was shortened");
            }
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // Nothing was written; there is nothing to lose.
        }
    }
}

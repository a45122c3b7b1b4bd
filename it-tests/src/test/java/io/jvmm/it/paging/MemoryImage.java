// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import io.jvmm.guest.PayloadPages;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The memory that {@link io.jvmm.guest.Payload#VERIFY} wants, as a file. */
public final class MemoryImage {

    /** Below is what the payload is loaded to; a hole in the file. */
    public static final long CHECKED_FROM = 32L << 20;

    private MemoryImage() {}

    /** Whether a page of memory, from {@link #CHECKED_FROM} on, is as the file has it. */
    static boolean isRight(MemorySegment memory, long at) {
        ByteBuffer wanted = ByteBuffer.allocateDirect(PayloadPages.PAGE_SIZE);
        PayloadPages.fillWhole(wanted, at);
        return memory.asSlice(at, PayloadPages.PAGE_SIZE)
                        .mismatch(MemorySegment.ofBuffer(wanted.clear()))
                == -1;
    }

    /** Writes a file of that many bytes; more than {@link #CHECKED_FROM}, at most 2 GiB. */
    public static Path write(Path file, long bytes) throws IOException {
        ByteBuffer piece = ByteBuffer.allocateDirect(1 << 20);
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long gpa = CHECKED_FROM; gpa < bytes; gpa += piece.capacity()) {
                for (int at = 0; at < piece.capacity(); at += PayloadPages.PAGE_SIZE) {
                    PayloadPages.fillWhole(
                            piece.position(at).slice().limit(PayloadPages.PAGE_SIZE), gpa + at);
                }
                piece.clear();
                long done = gpa;
                while (piece.hasRemaining()) {
                    done += channel.write(piece, done);
                }
                piece.clear();
            }
        }
        return file;
    }
}

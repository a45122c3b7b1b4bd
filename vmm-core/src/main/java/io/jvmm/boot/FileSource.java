// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/** A regular file. Safe for use by several threads. */
final class FileSource implements ByteSource {

    /**
     * Bytes per system call. The JDK reads into the heap through a native buffer of the same size,
     * which it keeps; a call per MiB costs nothing beside the copy.
     */
    private static final long CHUNK = 1 << 20;

    private final String name;
    private final FileChannel channel;
    private final long size;

    private FileSource(String name, FileChannel channel, long size) {
        this.name = name;
        this.channel = channel;
        this.size = size;
    }

    /**
     * Opens a file.
     *
     * @param role what it is given for, to begin messages with: "Kernel" or "Initrd"
     * @throws BootException if it is not a regular file with something in it, or cannot be read
     */
    static FileSource open(String role, Path path) {
        String subject = role + " " + path;
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            if (attributes.isDirectory()) {
                throw new BootException(subject + " is a directory");
            }
            if (!attributes.isRegularFile()) {
                // Opening a pipe would wait for its writer, and a device has no size.
                throw new BootException(subject + " is a pipe or a device, not a file");
            }
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            try {
                long size = channel.size();
                if (size == 0) {
                    throw new BootException(subject + " is empty");
                }
                return new FileSource(path.toString(), channel, size);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (NoSuchFileException e) {
            throw new BootException(subject + " does not exist", e);
        } catch (AccessDeniedException e) {
            throw new BootException(subject + " may not be read: permission denied", e);
        } catch (IOException e) {
            throw new BootException(subject + " cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void readWithin(long offset, MemorySegment target) {
        try {
            long done = 0;
            while (done < target.byteSize()) {
                long step = Math.min(CHUNK, target.byteSize() - done);
                ByteBuffer buffer = target.asSlice(done, step).asByteBuffer();
                int count = channel.read(buffer, offset + done);
                if (count <= 0) {
                    throw new BootException("File " + name + " shrank while it was read");
                }
                done += count;
            }
        } catch (IOException e) {
            throw new BootException("File " + name + " cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new BootException("File " + name + " cannot be closed: " + e.getMessage(), e);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;

/**
 * An initial RAM disk: an initramfs (cpio archives, each plain or compressed) or the image of a
 * file system.
 *
 * <p>Opening checks that Linux can unpack it, whatever its size. Plain archives cost nothing worth
 * mentioning; compressed ones are unpacked once, which takes seconds for 100 MiB, longest from xz.
 * The check ends at 1 GiB of content; {@link BootPlan#description} says so then. {@link BootLoader}
 * reads the file, straight into guest memory. Close it when it is loaded. For one thread at a time.
 */
public final class Initrd implements AutoCloseable {

    /** Highest address that Linux on x86 takes for it, if the kernel does not say. */
    static final long DEFAULT_MAX = 0x7FFF_FFFFL;

    private final ByteSource source;

    private final Optional<String> unchecked;

    private Initrd(ByteSource source, Optional<String> unchecked) {
        this.source = source;
        this.unchecked = unchecked;
    }

    /**
     * Opens a file.
     *
     * @throws BootException if it cannot be read, or Linux could make nothing of it
     */
    public static Initrd open(Path path) {
        FileSource source = FileSource.open("Initrd", path);
        try {
            return new Initrd(source, InitrdCheck.check(source));
        } catch (RuntimeException e) {
            source.close();
            throw e;
        }
    }

    /**
     * Takes an initial RAM disk that is in memory already.
     *
     * @param name what to call it in messages
     * @param content its bytes; they stay the caller's and must live until it is loaded
     * @throws BootException if it is empty, or Linux could make nothing of it
     */
    public static Initrd of(String name, MemorySegment content) {
        if (content.byteSize() == 0) {
            throw new BootException("Initrd " + name + " is empty");
        }
        SegmentSource source = new SegmentSource(name, content);
        return new Initrd(source, InitrdCheck.check(source));
    }

    /** A remark for the log on what of it was not checked; empty if all of it was. */
    Optional<String> unchecked() {
        return unchecked;
    }

    /** Size in bytes. */
    public long size() {
        return source.size();
    }

    /**
     * Puts it into guest memory as high as it goes, out of the kernel's way.
     *
     * @param floor lowest address that is free
     * @param ceiling first address that is not
     * @return its guest-physical address, a multiple of 4 KiB
     * @throws BootException if there is no room
     */
    long load(GuestMemory memory, long floor, long ceiling) {
        long address = (ceiling - source.size()) & -GuestLayout.PAGE_SIZE;
        if (address < floor) {
            throw new BootException(
                    "Initrd %s has %s, but the guest's memory has only %s left behind the kernel;"
                                    .formatted(
                                            source.name(),
                                            Sizes.describe(source.size()),
                                            Sizes.describe(Math.max(0, ceiling - floor)))
                            + " give it more");
        }
        source.read(0, memory.writable(address, source.size()));
        return address;
    }

    @Override
    public void close() {
        source.close();
    }
}

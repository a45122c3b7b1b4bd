// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Mapped memory, for as long as this object is open.
 *
 * <p>The segment may be used from any thread. After {@link #close()} every access to it throws
 * {@link IllegalStateException} instead of reaching whatever is mapped there by then. What still
 * holds the address (a KVM memory slot, a registered userfaultfd range) must be let go of first.
 *
 * <p>Mappings of 2 MiB and more start at a multiple of 2 MiB, so that huge pages can back them.
 * Memory is not reserved: pages are taken when they are first touched.
 *
 * <p>An access behind the end of a mapped file is a bus error, which Java code does not always
 * survive: map only files that nobody shortens, such as a {@link Memfd}.
 */
public final class Mapping implements AutoCloseable {

    /** The alignment of large mappings: one huge page of x86-64. */
    public static final long HUGE_PAGE_BYTES = 2L << 20;

    private static final int PROT_NONE = 0;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_FIXED = 0x10;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int NO_FD = -1;

    private final Arena arena;
    private final MemorySegment segment;
    private int calls;

    private Mapping(long address, long sizeBytes, int protection) {
        arena = Arena.ofShared();
        // SAFETY: [address, address + sizeBytes) was mapped by the caller for this object alone; it
        // is unmapped by the arena's end and at no other place.
        MemorySegment mapped =
                MemorySegment.ofAddress(address).reinterpret(sizeBytes, arena, UNMAP);
        // A write to a page that may not be written would end the whole virtual machine.
        segment = (protection & PROT_WRITE) != 0 ? mapped : mapped.asReadOnly();
    }

    private static final Consumer<MemorySegment> UNMAP =
            new Consumer<>() {
                @Override
                public void accept(MemorySegment mapped) {
                    unmap(mapped.address(), mapped.byteSize());
                }
            };

    /** Private memory of zeros. */
    public static Mapping anonymous(long sizeBytes) {
        return map(
                "mmap of anonymous memory",
                sizeBytes,
                PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                NO_FD,
                0);
    }

    /** A file's range, written through to the file. */
    public static Mapping shared(Fd file, long offset, long sizeBytes) {
        return map(
                "mmap " + file.name(),
                sizeBytes,
                PROT_READ | PROT_WRITE,
                MAP_SHARED,
                file.number(),
                offset);
    }

    /** A file's range, to be read only. Writing through the segment throws. */
    public static Mapping readOnly(Fd file, long offset, long sizeBytes) {
        return map("mmap " + file.name(), sizeBytes, PROT_READ, MAP_SHARED, file.number(), offset);
    }

    /** A file's range; what is written stays private to this mapping. */
    public static Mapping copyOnWrite(Fd file, long offset, long sizeBytes) {
        return map(
                "mmap " + file.name(),
                sizeBytes,
                PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_NORESERVE,
                file.number(),
                offset);
    }

    private static Mapping map(
            String operation, long sizeBytes, int protection, int flags, int fd, long offset) {
        if (sizeBytes <= 0) {
            throw new IllegalArgumentException("a mapping needs a size above 0, not " + sizeBytes);
        }
        if (sizeBytes < HUGE_PAGE_BYTES) {
            long address = mmap(operation, 0, sizeBytes, protection, flags, fd, offset);
            return new Mapping(address, sizeBytes, protection);
        }
        // The kernel aligns to huge pages by itself only in some versions and only for some files:
        // take a larger range of addresses, put the mapping at the right place, give back the rest.
        long reservedBytes = Math.addExact(sizeBytes, HUGE_PAGE_BYTES);
        long reserved =
                mmap(
                        operation,
                        0,
                        reservedBytes,
                        PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                        NO_FD,
                        0);
        long address = (reserved + HUGE_PAGE_BYTES - 1) & -HUGE_PAGE_BYTES;
        try {
            mmap(operation, address, sizeBytes, protection, flags | MAP_FIXED, fd, offset);
        } catch (KernelException e) {
            unmap(reserved, reservedBytes);
            throw e;
        }
        unmap(reserved, address - reserved);
        long end = pageAligned(address + sizeBytes);
        unmap(end, reserved + reservedBytes - end);
        return new Mapping(address, sizeBytes, protection);
    }

    private static long mmap(
            String operation,
            long address,
            long sizeBytes,
            int protection,
            int flags,
            int fd,
            long offset) {
        return KernelException.check(
                operation, Linux.call(Nr.MMAP, address, sizeBytes, protection, flags, fd, offset));
    }

    private static void unmap(long address, long sizeBytes) {
        if (sizeBytes > 0) {
            KernelException.check("munmap", Linux.call(Nr.MUNMAP, address, sizeBytes, 0));
        }
    }

    private static long pageAligned(long address) {
        return (address + 4095) & -4096;
    }

    /** The memory. Its bounds and its end are checked on every access. */
    public MemorySegment segment() {
        return segment;
    }

    public long address() {
        return segment.address();
    }

    public long sizeBytes() {
        return segment.byteSize();
    }

    /** Advises on the whole mapping. */
    public void advise(Advice advice) {
        advise(advice, 0, sizeBytes());
    }

    /**
     * Advises on a range.
     *
     * @param offset within the mapping, a multiple of the page size
     * @throws IndexOutOfBoundsException if the range is not within the mapping
     */
    public void advise(Advice advice, long offset, long sizeBytes) {
        KernelException.check("MADV_" + advice, tryAdvise(advice, offset, sizeBytes));
    }

    /** As {@link #advise(Advice, long, long)}, but returns {@code 0} or {@code -errno}. */
    public int tryAdvise(Advice advice, long offset, long sizeBytes) {
        Objects.checkFromIndexSize(offset, sizeBytes, sizeBytes());
        enter();
        try {
            return (int) Linux.call(Nr.MADVISE, address() + offset, sizeBytes, advice.number());
        } finally {
            leave();
        }
    }

    /**
     * Advises on memory whose owner keeps it mapped meanwhile; pages of the whole range.
     *
     * @return {@code 0} or {@code -errno}
     */
    public static int tryAdviseAt(long address, long sizeBytes, Advice advice) {
        return (int) Linux.call(Nr.MADVISE, address, sizeBytes, advice.number());
    }

    // Advice on addresses that have been given back could hit whatever is mapped there by now.
    private synchronized void enter() {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException("the mapping is closed");
        }
        calls++;
    }

    private synchronized void leave() {
        calls--;
    }

    /**
     * Unmaps. A second call does nothing.
     *
     * @throws IllegalStateException if a system call is using the memory just now
     */
    @Override
    public synchronized void close() {
        if (calls > 0) {
            throw new IllegalStateException("the mapping is in use by a system call");
        }
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.paging.PageGate;
import io.jvmm.paging.PagingException;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;

/**
 * Guest memory: sorted, non-overlapping regions, and the one gate through which devices, loaders,
 * debuggers and migration reach them.
 *
 * <p><b>The gate.</b> Nothing else in the monitor holds or derives a segment of guest memory. A
 * Java thread that touches a missing page waits in the kernel in a state in which the JVM cannot
 * reach a safepoint, and every other thread of the process soon waits for that safepoint. So every
 * access comes through this class, which has the range made present before it touches it or hands
 * it out.
 *
 * <p><b>Intents.</b> {@link #readable} hands out a range for reading, {@link #writable} one for
 * writing. While {@linkplain #trackWrites writes are tracked}, all that is written here is marked
 * in {@link DirtyPages}.
 *
 * <p><b>Ranges.</b> Addresses and lengths may be anything at all, including values straight from
 * the guest: the answer to a bad one is a {@link GuestMemoryException}, before anything is read or
 * written. Values and copies may cross from a region into one that begins where it ends; a segment
 * that is handed out lies in one region ({@link #contiguous} tells how far that goes).
 *
 * <p>While pages are missing ({@link #gate}), an access has them brought and waits for them, up to
 * a deadline. When all are present it costs one branch. Use a segment soon: nothing keeps its pages
 * present for ever.
 *
 * <p><b>Threads.</b> Safe for all threads. vCPUs write the same bytes at any time: accessors are
 * single plain accesses of little-endian values and may be torn when unaligned; code that shares a
 * structure with a running guest orders its accesses itself, on a segment.
 *
 * <p>The accessors allocate nothing.
 */
public final class GuestMemory {

    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle LONG =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    private final RegionTable table;
    private final MemorySegment[] hosts;

    private volatile @Nullable DirtyPages dirty;
    private volatile @Nullable PageGate gate;
    private volatile Duration deadline = Duration.ZERO;

    /**
     * Guest memory of the given regions, in any order.
     *
     * @throws IllegalArgumentException if there is no region or two overlap
     */
    public GuestMemory(List<MemoryRegion> regions) {
        table = new RegionTable(regions);
        hosts = table.regions().stream().map(MemoryRegion::host).toArray(MemorySegment[]::new);
    }

    /**
     * From now on pages may be missing: an access has its pages brought first.
     *
     * @param pages knows what is missing; null if nothing is any more
     * @param limit how long an access waits for a page before it fails
     */
    public void gate(@Nullable PageGate pages, Duration limit) {
        deadline = limit;
        gate = pages;
    }

    /** The regions in ascending order of address. */
    public List<MemoryRegion> regions() {
        return table.regions();
    }

    /** Sum of the sizes of all regions, in bytes. */
    public long sizeBytes() {
        return table.sizeBytes();
    }

    /** Whether all of [gpa, gpa+length) is memory; an empty range may also end it. */
    public boolean contains(long gpa, long length) {
        return table.contains(gpa, length);
    }

    /**
     * Whether a range of memory can be touched at this moment without a wait for missing pages. A
     * vCPU's thread asks first, and has the page brought as it would for a fault.
     */
    public boolean isPresent(long gpa, long length) {
        PageGate pages = gate;
        return pages == null || pages.allPresent() || pages.isPresent(gpa, length);
    }

    /**
     * How many bytes from {@code gpa} on lie in one region, at most {@code length}.
     *
     * @throws GuestMemoryException if not all of [gpa, gpa+length) is memory
     */
    public long contiguous(long gpa, long length) {
        if (table.find(gpa, length) >= 0) {
            return length;
        }
        require(gpa, length);
        return table.left(gpa);
    }

    /**
     * The bytes [gpa, gpa+length) for reading, present. Stores to the segment throw.
     *
     * @throws GuestMemoryException if the range is not within one region, or a page of it does not
     *     come
     */
    public MemorySegment readable(long gpa, long length) {
        int i = locateOne(gpa, length);
        return hosts[i].asSlice(table.offset(i, gpa), length).asReadOnly();
    }

    /**
     * The bytes [gpa, gpa+length) for writing, present, and marked as written. A writer whose last
     * store comes later than the next {@linkplain DirtyPages#collect collection} may come says
     * {@link #written} after that store; a virtqueue does so for its devices.
     *
     * @throws GuestMemoryException as for {@link #readable}
     */
    public MemorySegment writable(long gpa, long length) {
        int i = locateOne(gpa, length);
        mark(i, table.offset(i, gpa), length);
        return hosts[i].asSlice(table.offset(i, gpa), length);
    }

    /**
     * Marks bytes that were stored through a {@link #writable} segment, by Java code or by a system
     * call. Free while writes are not tracked.
     *
     * @throws GuestMemoryException if the range is not within one region
     */
    public void written(long gpa, long length) {
        if (dirty != null) {
            int i = table.find(gpa, length);
            if (i < 0) {
                throw new GuestMemoryException(gpa, length, "not within one region of memory");
            }
            mark(i, table.offset(i, gpa), length);
        }
    }

    /**
     * Begins to mark the pages that are written through this class.
     *
     * @throws IllegalStateException writes are tracked already
     */
    public synchronized DirtyPages trackWrites() {
        if (dirty != null) {
            throw new IllegalStateException("writes to guest memory are tracked already");
        }
        DirtyPages pages = new DirtyPages(regions());
        dirty = pages;
        return pages;
    }

    /** Ends the tracking; does nothing if there is none. */
    public synchronized void stopTrackingWrites() {
        dirty = null;
    }

    /** The byte at {@code gpa}, zero-extended. */
    public int readU8(long gpa) {
        int i = locateOne(gpa, 1);
        return Byte.toUnsignedInt(hosts[i].get(JAVA_BYTE, table.offset(i, gpa)));
    }

    /** The 16-bit value at {@code gpa}, zero-extended. */
    public int readU16(long gpa) {
        int i = locate(gpa, 2);
        return i < 0
                ? (int) readAcross(gpa, 2)
                : Short.toUnsignedInt(hosts[i].get(U16, table.offset(i, gpa)));
    }

    /** The 32-bit value at {@code gpa}, zero-extended. */
    public long readU32(long gpa) {
        int i = locate(gpa, 4);
        return i < 0
                ? readAcross(gpa, 4)
                : Integer.toUnsignedLong(hosts[i].get(U32, table.offset(i, gpa)));
    }

    /** The 64-bit value at {@code gpa}. */
    public long readU64(long gpa) {
        int i = locate(gpa, 8);
        return i < 0 ? readAcross(gpa, 8) : hosts[i].get(U64, table.offset(i, gpa));
    }

    private long readAcross(long gpa, int bytes) {
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) {
            value = (value << Byte.SIZE) | readU8(gpa + i);
        }
        return value;
    }

    /** Stores the low 8 bits of {@code value}. */
    public void writeU8(long gpa, int value) {
        int i = locateOne(gpa, 1);
        hosts[i].set(JAVA_BYTE, table.offset(i, gpa), (byte) value);
        mark(i, table.offset(i, gpa), 1);
    }

    /** Stores the low 16 bits of {@code value}. */
    public void writeU16(long gpa, int value) {
        int i = locate(gpa, 2);
        if (i < 0) {
            writeAcross(gpa, 2, value);
            return;
        }
        hosts[i].set(U16, table.offset(i, gpa), (short) value);
        mark(i, table.offset(i, gpa), 2);
    }

    /** Stores the low 32 bits of {@code value}. */
    public void writeU32(long gpa, long value) {
        int i = locate(gpa, 4);
        if (i < 0) {
            writeAcross(gpa, 4, value);
            return;
        }
        hosts[i].set(U32, table.offset(i, gpa), (int) value);
        mark(i, table.offset(i, gpa), 4);
    }

    /** Stores {@code value}. */
    public void writeU64(long gpa, long value) {
        int i = locate(gpa, 8);
        if (i < 0) {
            writeAcross(gpa, 8, value);
            return;
        }
        hosts[i].set(U64, table.offset(i, gpa), value);
        mark(i, table.offset(i, gpa), 8);
    }

    private void writeAcross(long gpa, int bytes, long value) {
        for (int i = 0; i < bytes; i++) {
            writeU8(gpa + i, (int) (value >>> (i * Byte.SIZE)));
        }
    }

    /**
     * Compares and exchanges the 32-bit value at {@code gpa}, a multiple of 4, atomically also for
     * vCPUs.
     *
     * @return whether {@code replacement} is there now
     */
    public boolean compareAndSetU32(long gpa, int expected, int replacement) {
        int i = locateOne(gpa, Integer.BYTES);
        boolean set = INT.compareAndSet(hosts[i], table.offset(i, gpa), expected, replacement);
        mark(i, table.offset(i, gpa), Integer.BYTES);
        return set;
    }

    /**
     * Compares and exchanges the 64-bit value at {@code gpa}, a multiple of 8, atomically also for
     * vCPUs.
     *
     * @return what was there; equal to {@code expected} if {@code replacement} is there now
     */
    public long compareAndExchangeU64(long gpa, long expected, long replacement) {
        int i = locateOne(gpa, Long.BYTES);
        long was =
                (long)
                        LONG.compareAndExchange(
                                hosts[i], table.offset(i, gpa), expected, replacement);
        mark(i, table.offset(i, gpa), Long.BYTES);
        return was;
    }

    /** Copies all of {@code source} into the guest at {@code gpa}. */
    public void copyIn(long gpa, byte[] source) {
        copyIn(gpa, source, 0, source.length);
    }

    /** Copies {@code source[offset, offset+length)} into the guest at {@code gpa}. */
    public void copyIn(long gpa, byte[] source, int offset, int length) {
        copyIn(gpa, MemorySegment.ofArray(source), offset, length);
    }

    /** Copies all of {@code source} into the guest at {@code gpa}. */
    public void copyIn(long gpa, MemorySegment source) {
        copyIn(gpa, source, 0, source.byteSize());
    }

    private void copyIn(long gpa, MemorySegment source, long offset, long length) {
        long done = 0;
        do {
            long part = contiguous(gpa + done, length - done);
            int i = locateOne(gpa + done, part);
            long at = table.offset(i, gpa + done);
            MemorySegment.copy(source, offset + done, hosts[i], at, part);
            mark(i, at, part);
            done += part;
        } while (done < length);
    }

    /** Fills all of {@code target} from the guest's bytes at {@code gpa}. */
    public void copyOut(long gpa, byte[] target) {
        copyOut(gpa, MemorySegment.ofArray(target));
    }

    /** Fills all of {@code target} from the guest's bytes at {@code gpa}. */
    public void copyOut(long gpa, MemorySegment target) {
        long length = target.byteSize();
        long done = 0;
        do {
            long part = contiguous(gpa + done, length - done);
            int i = locateOne(gpa + done, part);
            MemorySegment.copy(hosts[i], table.offset(i, gpa + done), target, done, part);
            done += part;
        } while (done < length);
    }

    private void mark(int region, long offset, long length) {
        DirtyPages pages = dirty;
        if (pages != null) {
            pages.mark(region, offset, length);
        }
    }

    /** Index of the region that holds the range, which is present when this returns. */
    private int locateOne(long gpa, long length) {
        int i = locate(gpa, length);
        if (i < 0) {
            throw new GuestMemoryException(gpa, length, "not within one region of memory");
        }
        return i;
    }

    /** As {@link #locateOne}; -1 if the range is memory but lies in several regions. */
    private int locate(long gpa, long length) {
        int i = table.find(gpa, length);
        if (i < 0) {
            require(gpa, length);
            return -1;
        }
        PageGate pages = gate;
        if (pages != null && !pages.allPresent()) {
            bring(pages, gpa, length);
        }
        return i;
    }

    private void require(long gpa, long length) {
        if (!table.contains(gpa, length)) {
            throw new GuestMemoryException(gpa, length, "not memory");
        }
    }

    private void bring(PageGate pages, long gpa, long length) {
        try {
            pages.populate(gpa, length, deadline);
        } catch (PagingException e) {
            throw new GuestMemoryException(gpa, length, e);
        }
    }
}

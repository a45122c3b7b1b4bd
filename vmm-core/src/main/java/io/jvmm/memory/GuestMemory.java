package io.jvmm.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.paging.PageGate;
import io.jvmm.paging.PagingException;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;

/**
 * Guest memory: sorted, non-overlapping regions, and the one gate through which devices, loaders
 * and debuggers reach them.
 *
 * <p><b>The gate.</b> Nothing else in the monitor may hold or derive a segment of guest memory. A
 * Java thread that touches a page which is not there yet waits in the kernel in a state in which
 * the JVM cannot reach a safepoint, and with it waits everybody; hence every access comes through
 * {@link #slice} or the accessors here, all of which find their region in one private method. That
 * is the place where a range is made present before it is handed out.
 *
 * <p>A range must lie in one region. Addresses and lengths may be anything at all, including values
 * straight from the guest: the answer to a bad one is a {@link GuestMemoryException}.
 *
 * <p>While pages are missing ({@link #gate}), an access has them brought and waits for them, up to
 * a deadline. When all are there it costs one branch. A slice must be used soon: nothing keeps its
 * pages there for ever.
 *
 * <p><b>Threads.</b> Safe for all threads. vCPUs write the same bytes at any time: accessors are
 * single plain accesses of little-endian values and may be torn when unaligned; code that shares a
 * structure with a running guest orders its accesses itself, on a {@link #slice}.
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

    private final List<MemoryRegion> regions;
    private final long sizeBytes;

    /** The regions once more, as arrays: a lookup is a short scan without indirection. */
    private final long[] starts;

    private final long[] sizes;
    private final MemorySegment[] hosts;

    private volatile @Nullable PageGate gate;
    private volatile Duration deadline = Duration.ZERO;

    /**
     * Guest memory of the given regions, in any order.
     *
     * @throws IllegalArgumentException if there is no region or two overlap
     */
    public GuestMemory(List<MemoryRegion> regions) {
        if (regions.isEmpty()) {
            throw new IllegalArgumentException("Guest memory needs at least one region");
        }
        this.regions =
                regions.stream().sorted(Comparator.comparingLong(MemoryRegion::gpa)).toList();
        int count = regions.size();
        starts = new long[count];
        sizes = new long[count];
        hosts = new MemorySegment[count];
        long total = 0;
        long end = 0;
        for (int i = 0; i < count; i++) {
            MemoryRegion region = this.regions.get(i);
            if (region.gpa() < end) {
                throw new IllegalArgumentException(
                        "Memory region at 0x%x overlaps the one before it, which ends at 0x%x"
                                .formatted(region.gpa(), end));
            }
            end = region.end();
            total += region.size();
            starts[i] = region.gpa();
            sizes[i] = region.size();
            hosts[i] = region.host();
        }
        sizeBytes = total;
    }

    /**
     * From now on pages may be missing: whoever wants to touch some has them brought first.
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
        return regions;
    }

    /** Sum of the sizes of all regions, in bytes. */
    public long sizeBytes() {
        return sizeBytes;
    }

    /** Whether all of [gpa, gpa+length) lies in one region; an empty range may also end it. */
    public boolean contains(long gpa, long length) {
        return find(gpa, length) >= 0;
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
     * The bytes [gpa, gpa+length), present and ready to touch.
     *
     * @throws GuestMemoryException if the range is not within one region
     */
    public MemorySegment slice(long gpa, long length) {
        int i = locate(gpa, length);
        return hosts[i].asSlice(gpa - starts[i], length);
    }

    /** The byte at {@code gpa}, zero-extended. */
    public int readU8(long gpa) {
        int i = locate(gpa, 1);
        return Byte.toUnsignedInt(hosts[i].get(JAVA_BYTE, gpa - starts[i]));
    }

    /** The 16-bit value at {@code gpa}, zero-extended. */
    public int readU16(long gpa) {
        int i = locate(gpa, 2);
        return Short.toUnsignedInt(hosts[i].get(U16, gpa - starts[i]));
    }

    /** The 32-bit value at {@code gpa}, zero-extended. */
    public long readU32(long gpa) {
        int i = locate(gpa, 4);
        return Integer.toUnsignedLong(hosts[i].get(U32, gpa - starts[i]));
    }

    /** The 64-bit value at {@code gpa}. */
    public long readU64(long gpa) {
        int i = locate(gpa, 8);
        return hosts[i].get(U64, gpa - starts[i]);
    }

    /** Stores the low 8 bits of {@code value}. */
    public void writeU8(long gpa, int value) {
        int i = locate(gpa, 1);
        hosts[i].set(JAVA_BYTE, gpa - starts[i], (byte) value);
    }

    /** Stores the low 16 bits of {@code value}. */
    public void writeU16(long gpa, int value) {
        int i = locate(gpa, 2);
        hosts[i].set(U16, gpa - starts[i], (short) value);
    }

    /** Stores the low 32 bits of {@code value}. */
    public void writeU32(long gpa, long value) {
        int i = locate(gpa, 4);
        hosts[i].set(U32, gpa - starts[i], (int) value);
    }

    /** Stores {@code value}. */
    public void writeU64(long gpa, long value) {
        int i = locate(gpa, 8);
        hosts[i].set(U64, gpa - starts[i], value);
    }

    /** Copies all of {@code source} into the guest at {@code gpa}. */
    public void copyIn(long gpa, byte[] source) {
        copyIn(gpa, source, 0, source.length);
    }

    /** Copies {@code source[offset, offset+length)} into the guest at {@code gpa}. */
    public void copyIn(long gpa, byte[] source, int offset, int length) {
        int i = locate(gpa, length);
        MemorySegment.copy(source, offset, hosts[i], JAVA_BYTE, gpa - starts[i], length);
    }

    /** Copies all of {@code source} into the guest at {@code gpa}. */
    public void copyIn(long gpa, MemorySegment source) {
        int i = locate(gpa, source.byteSize());
        MemorySegment.copy(source, 0, hosts[i], gpa - starts[i], source.byteSize());
    }

    /** Fills all of {@code target} from the guest's bytes at {@code gpa}. */
    public void copyOut(long gpa, byte[] target) {
        int i = locate(gpa, target.length);
        MemorySegment.copy(hosts[i], JAVA_BYTE, gpa - starts[i], target, 0, target.length);
    }

    /** Fills all of {@code target} from the guest's bytes at {@code gpa}. */
    public void copyOut(long gpa, MemorySegment target) {
        int i = locate(gpa, target.byteSize());
        MemorySegment.copy(hosts[i], gpa - starts[i], target, 0, target.byteSize());
    }

    /** Index of the region that holds the range, which is present when this returns. */
    private int locate(long gpa, long length) {
        int i = find(gpa, length);
        if (i < 0) {
            throw new GuestMemoryException(gpa, length, "not within one region of memory");
        }
        PageGate pages = gate;
        if (pages != null && !pages.allPresent()) {
            bring(pages, gpa, length);
        }
        return i;
    }

    private void bring(PageGate pages, long gpa, long length) {
        try {
            pages.populate(gpa, length, deadline);
        } catch (PagingException e) {
            throw new GuestMemoryException(gpa, length, e);
        }
    }

    private int find(long gpa, long length) {
        for (int i = 0; i < starts.length; i++) {
            long offset = gpa - starts[i];
            // GUEST: no sum that could overflow; a negative offset or length fails here.
            if (offset >= 0 && length >= 0 && offset <= sizes[i] && length <= sizes[i] - offset) {
                return i;
            }
        }
        return -1;
    }
}

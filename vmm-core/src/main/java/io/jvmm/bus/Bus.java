// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An address space with devices in it: I/O ports or memory-mapped I/O.
 *
 * <p>The table of devices is immutable and replaced whole, so {@link #read} and {@link #write} take
 * no lock and allocate nothing; they may be called by any number of threads while devices come and
 * go. An access that found its device before {@link #detach} may still be under way when that
 * returns.
 *
 * <p>Nobody answers an access that
 *
 * <ul>
 *   <li>starts where no device is,
 *   <li>starts in a device and ends beyond it, or
 *   <li>is not 1, 2, 4 or 8 bytes wide (KVM hands over such fragments when a guest's access crosses
 *       a page).
 * </ul>
 *
 * It reads as all ones, vanishes when written, and is counted. The second rule is the one of a
 * chipset that decodes whole cycles: a 32-bit write to the PCI address port 0xCF8 must not reach
 * the reset port, which lies at 0xCF9 and obeys byte writes only.
 */
public final class Bus {

    private record Entry(long base, long last, IoDevice device, String name) {
        @Override
        public String toString() {
            return "%s [0x%x, 0x%x]".formatted(name, base, last);
        }
    }

    private static final Entry[] EMPTY = {};

    private final AtomicLong unclaimedReads = new AtomicLong();
    private final AtomicLong unclaimedWrites = new AtomicLong();

    /** Sorted by base, without overlap; never changed in place. Replaced under {@code this}. */
    private volatile Entry[] table = EMPTY;

    /** Creates a bus without devices. */
    public Bus() {}

    /**
     * Plugs a device in. The same device may be attached at several places.
     *
     * @param base first address
     * @param length in bytes
     * @param device answers {@code [base, base + length)} with offsets from {@code base}
     * @param name for messages
     * @throws IllegalArgumentException if the range is empty, negative, runs over the end of the
     *     address space, or overlaps that of another device
     */
    public synchronized void attach(long base, long length, IoDevice device, String name) {
        Objects.requireNonNull(device, "device");
        Objects.requireNonNull(name, "name");
        if (length <= 0 || base < 0 || base > Long.MAX_VALUE - (length - 1)) {
            throw new IllegalArgumentException(
                    "%s: no such range: base 0x%x, length 0x%x".formatted(name, base, length));
        }
        Entry added = new Entry(base, base + length - 1, device, name);
        Entry[] old = table;
        int index = 0;
        while (index < old.length && old[index].last < base) {
            index++;
        }
        if (index < old.length && old[index].base <= added.last) {
            throw new IllegalArgumentException(added + " overlaps " + old[index]);
        }
        Entry[] grown = Arrays.copyOf(old, old.length + 1);
        grown[index] = added;
        System.arraycopy(old, index, grown, index + 1, old.length - index);
        table = grown;
    }

    /**
     * Unplugs the device that was attached at an address.
     *
     * @param base the address that was given to {@link #attach}
     * @throws IllegalArgumentException if no device starts there
     */
    public synchronized void detach(long base) {
        Entry[] old = table;
        int index = 0;
        while (index < old.length && old[index].base != base) {
            index++;
        }
        if (index == old.length) {
            throw new IllegalArgumentException("no device starts at 0x%x".formatted(base));
        }
        Entry[] shrunk = Arrays.copyOf(old, old.length - 1);
        System.arraycopy(old, index + 1, shrunk, index, shrunk.length - index);
        table = shrunk;
    }

    /**
     * Reads.
     *
     * @param address of the first byte
     * @param size in bytes, 1 to 8
     * @return the value, zero-extended; all ones if nobody answers
     */
    public long read(long address, int size) {
        Entry entry = find(address, size);
        if (entry == null) {
            unclaimedReads.getAndIncrement();
            return IoDevice.allOnes(size);
        }
        return entry.device.read(address - entry.base, size) & IoDevice.allOnes(size);
    }

    /**
     * Writes.
     *
     * @param address of the first byte
     * @param size in bytes, 1 to 8
     * @param value of which the low {@code size} bytes count
     */
    public void write(long address, int size, long value) {
        Entry entry = find(address, size);
        if (entry == null) {
            unclaimedWrites.getAndIncrement();
            return;
        }
        entry.device.write(address - entry.base, size, value & IoDevice.allOnes(size));
    }

    /** {@return how many reads nobody answered} */
    public long unclaimedReads() {
        return unclaimedReads.get();
    }

    /** {@return how many writes nobody answered} */
    public long unclaimedWrites() {
        return unclaimedWrites.get();
    }

    private @Nullable Entry find(long address, int size) {
        if (size != 1 && size != 2 && size != 4 && size != 8) {
            return null;
        }
        Entry[] entries = table;
        int low = 0;
        int high = entries.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            Entry entry = entries[middle];
            if (address < entry.base) {
                high = middle - 1;
            } else if (address > entry.last) {
                low = middle + 1;
            } else {
                return size - 1 <= entry.last - address ? entry : null;
            }
        }
        return null;
    }
}

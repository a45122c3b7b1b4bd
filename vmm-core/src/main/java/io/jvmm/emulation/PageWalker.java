// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.memory.GuestMemory;

/**
 * Translates linear addresses by the guest's page tables, as the processor would: every paging
 * mode, page size and permission, accessed and dirty bits set atomically (SDM volume 3, chapter 4).
 *
 * <p>Always reads the tables, so it is a processor with an empty TLB. Not done: protection keys for
 * supervisor pages and shadow stacks, which no KVM of such a host offers; with either turned on the
 * walk is refused.
 */
final class PageWalker {

    /** What an access is, as bits. */
    static final int READ = 0;

    static final int WRITE = 1;

    /** With the rights of ring 3. */
    static final int USER = 2;

    static final int FETCH = 4;

    static final int ERROR_PRESENT = 1;
    static final int ERROR_WRITE = 1 << 1;
    static final int ERROR_USER = 1 << 2;
    static final int ERROR_RESERVED = 1 << 3;
    static final int ERROR_FETCH = 1 << 4;
    static final int ERROR_KEY = 1 << 5;

    private static final long PRESENT = 1;
    private static final long WRITABLE = 1 << 1;
    private static final long FOR_USER = 1 << 2;
    private static final long ACCESSED = 1 << 5;
    private static final long DIRTY = 1 << 6;
    private static final long LARGE = 1 << 7;
    private static final long NO_EXECUTE = 1L << 63;

    /** Where the attribute table's bit is in a large page's entry; it is never reserved. */
    private static final long LARGE_PAT = 1L << 12;

    private static final long ADDRESS = 0x000F_FFFF_FFFF_F000L;

    /** Times that a table may change under the walk before it is given up. */
    private static final int MOST_RETRIES = 64;

    private final GuestMemory memory;
    private final int physicalBits;

    /**
     * @param physicalBits the width of the guest's physical addresses, as its CPUID says (leaf
     *     0x8000_0008), 32 to 52
     */
    PageWalker(GuestMemory memory, int physicalBits) {
        this.memory = memory;
        this.physicalBits = physicalBits;
    }

    /** The walk of one translation: what it has gathered on its way down. */
    private static final class Walk {
        final Registers cpu;
        final long linear;
        final int access;
        boolean writable = true;
        boolean user = true;
        boolean executable = true;

        Walk(Registers cpu, long linear, int access) {
            this.cpu = cpu;
            this.linear = linear;
            this.access = access;
        }

        boolean is(int bit) {
            return (access & bit) != 0;
        }

        GuestFault fault(int bits) {
            int code = bits;
            if (is(WRITE)) {
                code |= ERROR_WRITE;
            }
            if (is(USER)) {
                code |= ERROR_USER;
            }
            boolean noExecute = cpu.efer(ControlBits.EFER_NXE) && cpu.cr4(ControlBits.CR4_PAE);
            if (is(FETCH) && (noExecute || cpu.cr4(ControlBits.CR4_SMEP))) {
                code |= ERROR_FETCH;
            }
            return GuestFault.page(code, linear);
        }
    }

    /**
     * The guest-physical address of a linear one. What follows it up to the end of its 4 KiB page
     * is behind it too.
     *
     * @param access {@link #READ}, or a sum of the other bits
     * @param keys the protection keys of user pages (PKRU); asked only if they are turned on
     * @throws GuestFault the page fault that the access raises
     * @throws Refusal the tables are not in memory
     * @throws MissingPage a table is in a page that is not there yet
     */
    long translate(Registers cpu, long linear, int access, ProtectionKeys keys) {
        if (!cpu.cr0(ControlBits.CR0_PG)) {
            return linear & 0xFFFF_FFFFL;
        }
        if (cpu.cr4(ControlBits.CR4_PKS) || cpu.cr4(ControlBits.CR4_CET)) {
            throw new Refusal("the guest uses supervisor protection keys or shadow stacks");
        }
        for (int i = 0; i < MOST_RETRIES; i++) {
            Walk walk = new Walk(cpu, linear, access);
            long gpa = cpu.cr4(ControlBits.CR4_PAE) ? wide(walk, keys) : narrow(walk);
            if (gpa >= 0) {
                return gpa;
            }
        }
        throw new Refusal("the guest changes its page tables all the time");
    }

    /** Tables of 512 entries of 8 bytes: PAE, 4 levels, 5 levels. */
    private long wide(Walk walk, ProtectionKeys keys) {
        boolean lma = walk.cpu.efer(ControlBits.EFER_LMA);
        int levels = lma ? (walk.cpu.cr4(ControlBits.CR4_LA57) ? 5 : 4) : 3;
        long table =
                lma ? walk.cpu.system().cr3() & ADDRESS : walk.cpu.system().cr3() & 0xFFFF_FFE0L;
        long[] at = new long[levels];
        long[] entries = new long[levels];
        for (int level = levels; ; level--) {
            int shift = 12 + 9 * (level - 1);
            long index = (walk.linear >>> shift) & 0x1FF;
            if (level == 3 && !lma) {
                index &= 3;
            }
            int depth = levels - level;
            at[depth] = table + index * Long.BYTES;
            long entry = read(at[depth], Long.BYTES);
            entries[depth] = entry;
            if ((entry & PRESENT) == 0) {
                throw walk.fault(0);
            }
            boolean leaf =
                    level == 1 || ((entry & LARGE) != 0 && level <= 3 && (lma || level == 2));
            if ((entry & reserved(walk.cpu, level, leaf, lma)) != 0) {
                throw walk.fault(ERROR_PRESENT | ERROR_RESERVED);
            }
            if (level != 3 || lma) {
                walk.writable &= (entry & WRITABLE) != 0;
                walk.user &= (entry & FOR_USER) != 0;
                walk.executable &= (entry & NO_EXECUTE) == 0;
            }
            if (leaf) {
                check(walk);
                checkKey(walk, entry, lma, keys);
                boolean kept = mark(walk, at, entries, depth, Long.BYTES, lma ? 0 : 1);
                long offset = walk.linear & ((1L << shift) - 1);
                return kept ? (entry & ADDRESS & -(1L << shift)) | offset : -1;
            }
            table = entry & ADDRESS;
        }
    }

    private long reserved(Registers cpu, int level, boolean leaf, boolean lma) {
        long bits = ADDRESS & -(1L << physicalBits);
        if (!cpu.efer(ControlBits.EFER_NXE)) {
            bits |= NO_EXECUTE;
        }
        if (!lma) {
            // The upper bits, which long mode leaves to software, are reserved here.
            bits |= 0x7FF0_0000_0000_0000L;
            if (level == 3) {
                return bits | NO_EXECUTE | 0x1E6;
            }
        }
        if (leaf && level > 1) {
            bits |= ((1L << (12 + 9 * (level - 1))) - 1) & ADDRESS & ~LARGE_PAT;
        }
        if (level > 3) {
            bits |= LARGE;
        }
        return bits;
    }

    /** Two levels of 1024 entries of 4 bytes. */
    private long narrow(Walk walk) {
        long[] at = new long[2];
        long[] entries = new long[2];
        at[0] = (walk.cpu.system().cr3() & 0xFFFF_F000L) + ((walk.linear >>> 22) & 0x3FF) * 4;
        long directory = read(at[0], Integer.BYTES);
        entries[0] = directory;
        if ((directory & PRESENT) == 0) {
            throw walk.fault(0);
        }
        walk.writable = (directory & WRITABLE) != 0;
        walk.user = (directory & FOR_USER) != 0;
        if ((directory & LARGE) != 0 && walk.cpu.cr4(ControlBits.CR4_PSE)) {
            if ((directory & (1 << 21)) != 0) {
                throw walk.fault(ERROR_PRESENT | ERROR_RESERVED);
            }
            check(walk);
            // Bits 13 to 20 are bits 32 to 39 of the address (PSE-36).
            long base = (directory & 0xFFC0_0000L) | ((directory >>> 13 & 0xFF) << 32);
            return mark(walk, at, entries, 0, Integer.BYTES, 0)
                    ? base | (walk.linear & 0x3F_FFFF)
                    : -1;
        }
        at[1] = (directory & 0xFFFF_F000L) + ((walk.linear >>> 12) & 0x3FF) * 4;
        long entry = read(at[1], Integer.BYTES);
        entries[1] = entry;
        if ((entry & PRESENT) == 0) {
            throw walk.fault(0);
        }
        walk.writable &= (entry & WRITABLE) != 0;
        walk.user &= (entry & FOR_USER) != 0;
        check(walk);
        return mark(walk, at, entries, 1, Integer.BYTES, 0)
                ? (entry & 0xFFFF_F000L) | (walk.linear & 0xFFF)
                : -1;
    }

    /** Access rights (SDM volume 3, 4.6.1). */
    private static void check(Walk walk) {
        Registers cpu = walk.cpu;
        boolean allowed;
        if (walk.is(USER)) {
            allowed =
                    walk.user
                            && (!walk.is(WRITE) || walk.writable)
                            && (!walk.is(FETCH) || walk.executable);
        } else if (walk.is(FETCH)) {
            allowed = walk.executable && !(walk.user && cpu.cr4(ControlBits.CR4_SMEP));
        } else {
            boolean barred = walk.user && cpu.cr4(ControlBits.CR4_SMAP) && !cpu.flag(Flags.AC);
            allowed = !barred && (!walk.is(WRITE) || walk.writable || !cpu.cr0(ControlBits.CR0_WP));
        }
        if (!allowed) {
            throw walk.fault(ERROR_PRESENT);
        }
    }

    /** Protection keys of user pages (SDM volume 3, 4.6.2). */
    private static void checkKey(Walk walk, long entry, boolean lma, ProtectionKeys keys) {
        if (!lma || !walk.user || walk.is(FETCH) || !walk.cpu.cr4(ControlBits.CR4_PKE)) {
            return;
        }
        int rights = keys.pkru() >>> (2 * (int) (entry >>> 59 & 0xF));
        boolean denied = (rights & 1) != 0;
        boolean readOnly = (rights & 2) != 0 && (walk.is(USER) || walk.cpu.cr0(ControlBits.CR0_WP));
        if (denied || (walk.is(WRITE) && readOnly)) {
            throw walk.fault(ERROR_PRESENT | ERROR_KEY);
        }
    }

    /**
     * Sets accessed bits on the way and the dirty bit at its end.
     *
     * @param first the first depth whose entries have such a bit
     * @return false if an entry is no longer what was read, so that the walk must begin anew
     */
    private boolean mark(Walk walk, long[] at, long[] entries, int leaf, int size, int first) {
        for (int i = first; i <= leaf; i++) {
            long wanted = entries[i] | ACCESSED | (i == leaf && walk.is(WRITE) ? DIRTY : 0);
            if (wanted != entries[i] && !replace(at[i], entries[i], wanted, size)) {
                return false;
            }
        }
        return true;
    }

    private long read(long gpa, int size) {
        if (!memory.contains(gpa, size)) {
            throw new Refusal("a page table at 0x%x is not in memory".formatted(gpa));
        }
        MissingPage.require(memory, gpa, size);
        return size == Long.BYTES ? memory.readU64(gpa) : memory.readU32(gpa);
    }

    private boolean replace(long gpa, long old, long wanted, int size) {
        return size == Long.BYTES
                ? memory.compareAndExchangeU64(gpa, old, wanted) == old
                : memory.compareAndSetU32(gpa, (int) old, (int) wanted);
    }

    /** Where the protection keys of user pages come from. */
    interface ProtectionKeys {
        /** The register PKRU. */
        int pkru();
    }
}

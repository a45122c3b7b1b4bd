// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.GuestMemoryMap;
import io.jvmm.memory.MemoryRegion;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageGate;
import io.jvmm.paging.PagingConfig;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The host memory behind a guest's: a mapping for each region, and a memory slot of KVM for each
 * mapping. Close it after the virtual machine, which reaches it through its slots.
 */
final class GuestRam implements AutoCloseable {

    private static final long PAGE = 4096;

    private final List<Mapping> mappings = new ArrayList<>();
    private final List<PagingConfig.Alias> aliases = new ArrayList<>();
    private final Owned owned = new Owned();
    private final MemoryBacking backing;
    private final boolean lazy;
    private final @Nullable GuardedRam guard;
    private final GuestMemoryMap map;
    private final GuestMemory memory;
    private boolean kept;

    private GuestRam(long bytes, MemoryBacking backing, boolean lazy) {
        this.backing = backing;
        this.lazy = lazy;
        boolean guarded = lazy && backing == MemoryBacking.MEMFD && GuardedRam.isOn();
        this.guard = guarded ? owned.own(new GuardedRam(), GuardedRam::close) : null;
        this.map = GuestMemoryMap.plan(bytes);
        List<MemoryRegion> regions = new ArrayList<>();
        try {
            for (GuestMemoryMap.Range range : map.ranges()) {
                regions.add(new MemoryRegion(range.gpa(), map(range)));
            }
        } catch (KernelException e) {
            close();
            throw new MachineException(
                    "no host memory for a guest of %d MiB (%s): make it smaller, or allow more with"
                                    .formatted(bytes >> 20, e.getMessage())
                            + " vm.overcommit_memory or the limit of the container",
                    e);
        }
        this.memory = new GuestMemory(regions);
        gate(null, Duration.ZERO);
    }

    /**
     * @param lazy whether most of it is to come later, page by page
     */
    static GuestRam allocate(long bytes, MemoryBacking backing, boolean lazy) {
        return new GuestRam(bytes, backing, lazy);
    }

    /** Maps a range; returns it as Java code sees it. */
    private MemorySegment map(GuestMemoryMap.Range range) {
        return switch (backing) {
            case ANONYMOUS -> own(Mapping.anonymous(range.size())).segment();
            case MEMFD -> {
                Memfd file = owned.own(Memfd.create("jvmm-guest", range.size()), Memfd::close);
                if (lazy) {
                    Mapping alias = owned.own(file.mapShared(), Mapping::close);
                    aliases.add(new PagingConfig.Alias(range.gpa(), alias.segment(), file.fd(), 0));
                }
                MemorySegment own = own(file.mapShared()).segment();
                yield guard == null ? own : guard.view(range.gpa(), file.fd(), range.size());
            }
        };
    }

    private Mapping own(Mapping mapping) {
        owned.own(mapping, Mapping::close);
        mappings.add(mapping);
        // What the loader writes must not make the rest of 2 MiB present, as zeros.
        // A kernel without transparent huge pages says EINVAL; then there is nothing to gain.
        mapping.tryAdvise(lazy ? Advice.NOHUGEPAGE : Advice.HUGEPAGE, 0, mapping.sizeBytes());
        return mapping;
    }

    /**
     * From now on Java code has missing pages brought.
     *
     * @param pages who brings them; null if none is missing
     * @param limit as for {@link GuestMemory#gate}
     */
    void gate(@Nullable PageGate pages, Duration limit) {
        if (guard != null) {
            guard.behind(pages);
        }
        memory.gate(guard == null ? pages : guard, limit);
    }

    /** Everything that is to be there from the start is. */
    void allowHugePages() {
        for (Mapping mapping : mappings) {
            mapping.tryAdvise(Advice.HUGEPAGE, 0, mapping.sizeBytes());
        }
    }

    /** Second mappings of lazy memory that is a memfd. */
    List<PagingConfig.Alias> aliases() {
        return List.copyOf(aliases);
    }

    /** The guest-physical address of a host-virtual one, or -1. Allocates nothing. */
    long gpaOf(long hva) {
        for (int i = 0; i < mappings.size(); i++) {
            long offset = hva - mappings.get(i).address();
            if (offset >= 0 && offset < mappings.get(i).sizeBytes()) {
                return map.ranges().get(i).gpa() + offset;
            }
        }
        return -1;
    }

    /** Has the kernel make a page of memory writable; whether it could. Allocates nothing. */
    boolean makeWritable(long gpa) {
        for (int i = 0; i < mappings.size(); i++) {
            long offset = gpa - map.ranges().get(i).gpa();
            if (offset >= 0 && offset < mappings.get(i).sizeBytes()) {
                return mappings.get(i).tryAdvise(Advice.POPULATE_WRITE, offset & -PAGE, PAGE) == 0;
            }
        }
        return false;
    }

    /** The guest's view. */
    GuestMemory memory() {
        return memory;
    }

    /** The guest's memory as a pager sees it. */
    List<GuestRange> ranges() {
        List<GuestRange> ranges = new ArrayList<>();
        for (int i = 0; i < mappings.size(); i++) {
            Mapping mapping = mappings.get(i);
            ranges.add(
                    new GuestRange(
                            map.ranges().get(i).gpa(), mapping.address(), mapping.sizeBytes()));
        }
        return ranges;
    }

    /**
     * The memory stays mapped until the process ends, {@link #close} or not: somebody who was not
     * to be stopped may write to it.
     */
    void keep() {
        kept = true;
    }

    /**
     * Drops every page: all is zero again, as after power-on, and costs nothing.
     *
     * @throws MachineException if the memory is {@linkplain #keep kept}
     */
    void clear() {
        if (kept) {
            throw new MachineException(
                    "the page source has not answered all requests, and may write to the memory"
                            + " of this machine; make another machine");
        }
        for (Mapping mapping : mappings) {
            mapping.advise(
                    switch (backing) {
                        case ANONYMOUS -> Advice.DONTNEED;
                        case MEMFD -> Advice.REMOVE;
                    });
        }
    }

    /** Gives every region its slot, and returns how many there are. */
    int mapInto(KvmVm vm) {
        List<GuestMemoryMap.Range> ranges = map.ranges();
        for (int slot = 0; slot < ranges.size(); slot++) {
            Mapping mapping = mappings.get(slot);
            vm.setUserMemoryRegion(
                    slot, 0, ranges.get(slot).gpa(), mapping.address(), mapping.sizeBytes());
        }
        return ranges.size();
    }

    @Override
    public void close() {
        if (!kept) {
            owned.close();
        }
    }
}

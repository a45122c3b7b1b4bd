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
import io.jvmm.paging.PagingConfig;

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
    private final GuestMemoryMap map;
    private final GuestMemory memory;

    private GuestRam(long bytes, MemoryBacking backing, boolean lazy) {
        this.backing = backing;
        this.lazy = lazy;
        this.map = GuestMemoryMap.plan(bytes);
        List<MemoryRegion> regions = new ArrayList<>();
        try {
            for (GuestMemoryMap.Range range : map.ranges()) {
                Mapping mapping = mapping(range);
                mappings.add(mapping);
                regions.add(new MemoryRegion(range.gpa(), mapping.segment()));
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
    }

    /**
     * @param lazy whether most of it is to come later, page by page
     */
    static GuestRam allocate(long bytes, MemoryBacking backing, boolean lazy) {
        return new GuestRam(bytes, backing, lazy);
    }

    private Mapping mapping(GuestMemoryMap.Range range) {
        long size = range.size();
        Mapping mapping =
                switch (backing) {
                    case ANONYMOUS -> Mapping.anonymous(size);
                    case MEMFD -> {
                        Memfd file = owned.own(Memfd.create("jvmm-guest", size), Memfd::close);
                        if (lazy) {
                            Mapping alias = owned.own(file.mapShared(), Mapping::close);
                            aliases.add(
                                    new PagingConfig.Alias(
                                            range.gpa(), alias.segment(), file.fd(), 0));
                        }
                        yield file.mapShared();
                    }
                };
        owned.own(mapping, Mapping::close);
        // What the loader writes must not make the rest of 2 MiB present, as zeros.
        // A kernel without transparent huge pages says EINVAL; then there is nothing to gain.
        mapping.tryAdvise(lazy ? Advice.NOHUGEPAGE : Advice.HUGEPAGE, 0, size);
        return mapping;
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

    /** Drops every page: all is zero again, as after power-on, and costs nothing. */
    void clear() {
        for (Mapping mapping : mappings) {
            mapping.advise(
                    switch (backing) {
                        case ANONYMOUS -> Advice.DONTNEED;
                        case MEMFD -> Advice.REMOVE;
                    });
        }
    }

    /** Gives every region its slot. */
    void mapInto(KvmVm vm) {
        List<GuestMemoryMap.Range> ranges = map.ranges();
        for (int slot = 0; slot < ranges.size(); slot++) {
            Mapping mapping = mappings.get(slot);
            vm.setUserMemoryRegion(
                    slot, 0, ranges.get(slot).gpa(), mapping.address(), mapping.sizeBytes());
        }
    }

    @Override
    public void close() {
        owned.close();
    }
}

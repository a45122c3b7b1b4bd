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

import java.util.ArrayList;
import java.util.List;

/**
 * The host memory behind a guest's: a mapping for each region, and a memory slot of KVM for each
 * mapping. Close it after the virtual machine, which reaches it through its slots.
 */
final class GuestRam implements AutoCloseable {

    private final List<Mapping> mappings = new ArrayList<>();
    private final Owned owned = new Owned();
    private final MemoryBacking backing;
    private final GuestMemoryMap map;
    private final GuestMemory memory;

    private GuestRam(long bytes, MemoryBacking backing) {
        this.backing = backing;
        this.map = GuestMemoryMap.plan(bytes);
        List<MemoryRegion> regions = new ArrayList<>();
        try {
            for (GuestMemoryMap.Range range : map.ranges()) {
                Mapping mapping = mapping(range.size(), backing);
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

    static GuestRam allocate(long bytes, MemoryBacking backing) {
        return new GuestRam(bytes, backing);
    }

    private Mapping mapping(long size, MemoryBacking backing) {
        Mapping mapping =
                switch (backing) {
                    case ANONYMOUS -> Mapping.anonymous(size);
                    case MEMFD -> {
                        Memfd file = owned.own(Memfd.create("jvmm-guest", size), Memfd::close);
                        yield file.mapShared();
                    }
                };
        owned.own(mapping, Mapping::close);
        // A kernel without transparent huge pages says EINVAL; then there is nothing to gain.
        mapping.tryAdvise(Advice.HUGEPAGE, 0, size);
        return mapping;
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

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.paging.FaultMode;
import io.jvmm.paging.PageGate;
import io.jvmm.paging.Pager;
import io.jvmm.paging.PagingListener;
import io.jvmm.paging.PagingStatistics;
import io.jvmm.paging.SelfService;
import io.jvmm.paging.StallHistogram;
import io.jvmm.paging.WorkingSet;
import io.jvmm.paging.service.FaultService;
import io.jvmm.vcpu.PageWaits;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Who supplies a machine's missing memory, if somebody does and for as long: with the memory of
 * before, a reset gives him up. Thread-safe.
 */
final class Paging implements PageWaits, AutoCloseable {

    /** For a gate whose pager says nothing about how long its pages may take. */
    private static final Duration GATE = Duration.ofSeconds(10);

    private @Nullable PagingPlan plan;
    private Duration gateLimit = GATE;
    private @Nullable GuestRam ram;
    private volatile @Nullable Pager pager;

    Paging(MachineConfig config) {
        this.plan = config.paging().orElse(null);
        this.pager = config.pager().orElse(null);
    }

    /** What is planned and not yet carried out. */
    Optional<PagingPlan> plan() {
        return Optional.ofNullable(plan);
    }

    /** Carries the plan out; the memory is still to be {@linkplain #attach attached}. */
    void begin(GuestRam ram, FaultMode mode, PagingListener listener) {
        PagingPlan present = plan;
        if (present != null) {
            gateLimit = present.config().deadline();
            pager =
                    new FaultService(
                            present.source(),
                            present.config().withAliases(ram.aliases()),
                            mode,
                            listener);
            plan = null;
        }
    }

    /** Whether Java code cannot touch memory: some may be missing, and its pager has no gate. */
    boolean isOutOfReach() {
        Pager present = pager;
        return present != null && !(present instanceof PageGate);
    }

    /** All of guest memory that is not there now is missing from here on. */
    void attach(GuestRam ram) {
        Pager present = pager;
        if (present != null) {
            this.ram = ram;
            ram.allowHugePages();
            present.attach(ram.ranges());
            if (present instanceof PageGate gate) {
                ram.gate(gate, gateLimit);
            }
        }
    }

    @Override
    public boolean isWaiting(int threadId) {
        Pager present = pager;
        return present != null && present.isWaiting(threadId);
    }

    /** Brings pages to vCPUs that ask for them themselves; null if nobody does. */
    @Nullable SelfService selfService() {
        return pager instanceof SelfService own ? own : null;
    }

    /** Whether vCPUs have to ask for missing pages themselves. */
    boolean isSelfService() {
        SelfService own = selfService();
        return own != null && own.mode().isSelfService();
    }

    /** Brings pages to Java code; empty if all memory is there, or out of reach. */
    Optional<PageGate> gate() {
        return pager instanceof PageGate gate ? Optional.of(gate) : Optional.empty();
    }

    /** What was brought so far; empty without a service of this machine's own. */
    Optional<PagingStatistics> statistics() {
        return pager instanceof FaultService service
                ? Optional.of(service.statistics())
                : Optional.empty();
    }

    /**
     * The first pages that were wanted, in order; empty without a service of this machine's own.
     */
    Optional<WorkingSet> workingSet() {
        return pager instanceof FaultService service
                ? Optional.of(service.workingSet())
                : Optional.empty();
    }

    /** The stalls of some threads, in their order; empty without a service. */
    List<StallHistogram> stallsOf(List<Integer> threads) {
        Optional<PagingStatistics> statistics = statistics();
        if (statistics.isEmpty()) {
            return List.of();
        }
        return threads.stream()
                .map(thread -> stallsOf(thread, statistics.get().stallsByThread()))
                .toList();
    }

    private static StallHistogram stallsOf(int thread, List<StallHistogram> all) {
        return all.stream()
                .filter(stalls -> stalls.threadId() == thread)
                .findFirst()
                .orElseGet(() -> new StallHistogram(thread, List.of(), 0, 0));
    }

    /** Lets everybody go who waits; nobody may need memory any more. */
    void letGo() {
        Pager present = pager;
        if (present != null) {
            present.letGo();
        }
    }

    private void keepHeldMemory(Pager closed) {
        GuestRam attached = ram;
        if (closed instanceof FaultService service && service.isMemoryHeld() && attached != null) {
            attached.keep();
        }
    }

    /** Gives the pager back, after the last vCPU and its virtual machine. */
    @Override
    public void close() {
        PagingPlan unused = plan;
        if (unused != null) {
            unused.source().close();
            plan = null;
        }
        Pager present = pager;
        if (present != null) {
            pager = null;
            present.close();
            keepHeldMemory(present);
        }
    }
}

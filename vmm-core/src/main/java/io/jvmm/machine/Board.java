// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.boot.EntryState;
import io.jvmm.emulation.Completion;
import io.jvmm.emulation.NativeCompareExchange;
import io.jvmm.emulation.SystemCalls;
import io.jvmm.emulation.WideCompareExchange;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;
import io.jvmm.state.Saved;
import io.jvmm.state.SavedComponents;
import io.jvmm.vcpu.DebugArbiter;
import io.jvmm.vcpu.ExitLoop;
import io.jvmm.vcpu.KickStrategy;
import io.jvmm.vcpu.PageWaits;
import io.jvmm.vcpu.Quiescence;
import io.jvmm.vcpu.VcpuException;
import io.jvmm.vcpu.VcpuOptions;
import io.jvmm.vcpu.VcpuPause;
import io.jvmm.vcpu.VcpuSetup;
import io.jvmm.vcpu.VcpuThread;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * What a reset replaces: the virtual machine in the kernel, with its interrupt controllers and its
 * timer, and the vCPUs with their threads. Memory and devices are given, and stay.
 *
 * <p>Operations ({@link #pause}, {@link #wake}, {@link #save}, …) are for one thread at a time;
 * {@link #run}, {@link #halt} and {@link #finish} may be called at any moment.
 */
final class Board implements AutoCloseable {

    /** After this, memory is let go whether or not the pager knows of anybody who waits. */
    private static final Duration CERTAINLY_STUCK = Duration.ofSeconds(2);

    /** What a board is made for, and what is given to it. */
    record Parts(
            MachineConfig config,
            Kvm kvm,
            Kick kick,
            KickStrategy kicks,
            GuestRam ram,
            Platform platform,
            PageWaits pageWaits,
            GuestPages pages,
            VcpuThread.Listener listener) {}

    private final Parts parts;
    private final Owned owned = new Owned();
    private final KvmVm vm;
    private final List<KvmVcpu> vcpus = new ArrayList<>();
    private final List<VcpuThread> threads = new ArrayList<>();
    private final AtomicLong pageFaultHandler = new AtomicLong();
    private List<VcpuPause> pauses = List.of();
    private boolean halted; // guarded by this

    /** A board after power-on; devices are wired to it. */
    Board(Parts parts) {
        this.parts = parts;
        try {
            vm = owned.own(parts.kvm().createVm(), KvmVm::close);
            vm.setTssAddress(GuestLayout.KVM_TSS);
            vm.setIdentityMapAddress(GuestLayout.KVM_IDENTITY_MAP);
            InterruptControllers.create(vm);
            int _ = parts.ram().mapInto(vm);
            parts.platform().connect(vm);
            createVcpus();
        } catch (RuntimeException | Error e) {
            finishAll();
            join(Deadline.in(CERTAINLY_STUCK));
            close();
            throw e;
        }
    }

    private void createVcpus() {
        int count = parts.config().cpus();
        boolean selfService = parts.pages().canFallBack();
        if (selfService && vm.checkExtension(KvmConstants.KVM_CAP_EXIT_ON_EMULATION_FAILURE) > 0) {
            // An instruction that is not there yet is no invalid one.
            vm.enableCapability(KvmConstants.KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1);
        }
        VcpuSetup setup = new VcpuSetup(parts.kvm(), count, !selfService);
        boolean completes =
                parts.config().hostQuirks().completeInstructions() && Completion.enable(vm);
        for (int index = 0; index < count; index++) {
            KvmVcpu vcpu = owned.own(vm.createVcpu(index), KvmVcpu::close);
            setup.prepare(vcpu, index);
            vcpus.add(vcpu);
            DebugArbiter debug = new DebugArbiter(vcpu::setGuestDebug);
            ExitLoop loop =
                    new ExitLoop(
                            vcpu,
                            parts.platform().ports(),
                            parts.platform().mmio(),
                            completes ? completion(vcpu, count, debug) : null,
                            parts.pages(),
                            debug,
                            parts.platform().output());
            threads.add(thread(index, vcpu, loop));
        }
    }

    private Completion completion(KvmVcpu vcpu, int count, DebugArbiter debug) {
        WideCompareExchange wide =
                count == 1
                        ? WideCompareExchange.SINGLE_VCPU
                        : owned.own(
                                new NativeCompareExchange(parts.kvm(), parts.ram()::mapInto),
                                NativeCompareExchange::close);
        GuestMemory memory = parts.ram().memory();
        SystemCalls systemCalls =
                parts.config().hostQuirks().deliverSystemCalls()
                        ? new SystemCalls(vcpu, memory, pageFaultHandler, debug.emulation())
                        : null;
        return new Completion(vcpu, memory, wide, systemCalls);
    }

    private VcpuThread thread(int index, KvmVcpu vcpu, ExitLoop loop) {
        MachineConfig config = parts.config();
        VcpuOptions options =
                new VcpuOptions(config.name(), parts.kicks(), config.placementOf(index));
        try {
            return new VcpuThread(index, vcpu, loop, parts.kick(), options, parts.listener());
        } catch (VcpuException e) {
            throw new MachineException(
                    "machine %s: %s".formatted(config.name(), e.getMessage()), e);
        }
    }

    /** Puts the first vCPU at the guest's entry. */
    void enter(EntryState entry, Deadline deadline) {
        onVcpu(
                0,
                deadline,
                vcpu -> {
                    VcpuSetup.enter(vcpu, entry);
                    return true;
                });
    }

    /** Lets the vCPUs run; does nothing after {@link #halt}. */
    synchronized void run() {
        if (!halted) {
            for (VcpuThread thread : threads) {
                // A thread that cannot resume has died, and then the machine has heard of it.
                CompletableFuture<Void> _ = thread.resume();
            }
        }
    }

    /**
     * Stops the vCPUs for good, without waiting: the guest has asked for a reset and must not go on
     * behind it. May be called by a vCPU in the middle of an exit.
     */
    synchronized void halt() {
        halted = true;
        for (VcpuThread thread : threads) {
            VcpuPause _ = thread.pause();
        }
    }

    /**
     * Has all vCPUs stand still.
     *
     * @throws DeadlineException one runs on; then all do
     * @throws VcpusGoneException one has finished
     */
    Standstill pause(Deadline deadline) {
        List<VcpuPause> asked = ask();
        List<Standstill.Rest> rests = new ArrayList<>();
        try {
            for (int index = 0; index < asked.size(); index++) {
                rests.add(
                        switch (await(asked, index, deadline)) {
                            case OUT -> Standstill.Rest.OUT;
                            case IN_FAULT -> Standstill.Rest.IN_FAULT;
                        });
            }
            pauses = List.copyOf(asked);
            return new Standstill(rests);
        } catch (VcpuException e) {
            if (hasFinished()) {
                throw new VcpusGoneException(e);
            }
            run();
            throw new DeadlineException(
                    "machine %s: %s".formatted(parts.config().name(), e.getMessage()));
        } catch (Error e) {
            run();
            throw e;
        }
    }

    /**
     * Asks and kicks all vCPUs: the one way in which they are got out of the guest, whatever is to
     * follow. Each is then {@linkplain #await waited for}.
     */
    private List<VcpuPause> ask() {
        return new ArrayList<>(threads.stream().map(VcpuThread::pause).toList());
    }

    /**
     * Waits until a vCPU is out, or known to wait for a page. An interrupt withdraws the request:
     * it is asked again, and the interrupt kept.
     *
     * @throws VcpuException it is neither in time, or has ended
     */
    private Quiescence await(List<VcpuPause> asked, int index, Deadline deadline) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return asked.get(index).await(parts.pageWaits(), deadline.left());
                } catch (InterruptedException e) {
                    interrupted = true;
                    asked.set(index, threads.get(index).pause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private boolean hasFinished() {
        return threads.stream().anyMatch(thread -> thread.state() == VcpuThread.State.FINISHED);
    }

    /**
     * Prepares vCPUs that stand still for going on, with their clocks.
     *
     * @param clocks as they were when the vCPUs came to a stand
     */
    void wake(HeldClocks clocks, PausedTime pausedTime, Deadline deadline) {
        if (pausedTime == PausedTime.HIDDEN && awaitOut(Deadline.in(Duration.ZERO))) {
            clocks.rewind(this, deadline);
        }
        for (int index = 0; index < threads.size(); index++) {
            // One that still waits for a page is not there to be told.
            if (isOut(index, Deadline.in(Duration.ZERO))) {
                Object _ = onVcpu(index, deadline, KvmVcpu::kvmclockCtrl);
            }
        }
        clocks.startTimer(vm);
    }

    /** Waits until no vCPU is in a fault any more, which the pager's pages bring about. */
    boolean awaitOut(Deadline deadline) {
        for (int index = 0; index < threads.size(); index++) {
            if (!isOut(index, deadline)) {
                return false;
            }
        }
        return true;
    }

    /** One that never ran has not been paused either. */
    private boolean isOut(int index, Deadline deadline) {
        return pauses.isEmpty() || deadline.await(pauses.get(index).out());
    }

    /** How often each vCPU has left the guest. */
    List<ExitStatistics> exitStatistics() {
        return threads.stream().map(thread -> ExitStatistics.of(thread.counters())).toList();
    }

    /** The kernel's numbers of the vCPUs' threads. */
    List<Integer> threadIds() {
        return threads.stream().map(VcpuThread::threadId).toList();
    }

    KvmVm vm() {
        return vm;
    }

    int cpus() {
        return threads.size();
    }

    /**
     * Does something to a vCPU that is out of the guest, on its thread.
     *
     * @throws VcpusGoneException it has finished
     * @throws DeadlineException it did not come to it in time
     */
    <T> T onVcpu(int index, Deadline deadline, Function<KvmVcpu, T> action) {
        CompletableFuture<T> answer = threads.get(index).whilePaused(action);
        if (!deadline.await(answer)) {
            throw new DeadlineException(
                    "vCPU %d of machine %s did not answer in time"
                            .formatted(index, parts.config().name()));
        }
        try {
            return answer.join();
        } catch (CompletionException e) {
            Throwable cause = e.getCause();
            if (threads.get(index).state() == VcpuThread.State.FINISHED) {
                throw new VcpusGoneException(e);
            }
            if (cause instanceof RuntimeException failure) {
                throw failure;
            }
            throw e;
        }
    }

    /** The state of vCPUs and interrupt controllers, all of which stand still outside the guest. */
    List<Saved> save(HeldClocks clocks, Deadline deadline) {
        return new BoardStates(this, deadline).save(parts.kvm(), clocks);
    }

    /**
     * Takes over the state of another board; memory is in place. Its timer stands still.
     *
     * @return its clocks, to be set going
     */
    HeldClocks restore(SavedComponents saved, PausedTime pausedTime, Deadline deadline) {
        return new BoardStates(this, deadline).restore(saved, vcpus, parts.pages(), pausedTime);
    }

    /** Tells every vCPU to finish. Allocates nothing. */
    @SuppressWarnings("ForLoopReplaceableByForEach") // which makes an iterator
    void finishAll() {
        for (int index = 0; index < threads.size(); index++) {
            threads.get(index).finishSoon();
        }
    }

    /**
     * Ends the vCPUs' threads. Memory that is not there is let go of if one of them waits for it,
     * and in any case after a while.
     *
     * @return whether all have ended in time
     */
    boolean finish(Deadline deadline, Runnable letGo) {
        synchronized (this) {
            halted = true;
        }
        boolean out = areOut(deadline.atMost(CERTAINLY_STUCK));
        finishAll();
        if (!out) {
            letGo.run();
        }
        return join(deadline);
    }

    /** Takes out those vCPUs that have not ended; whether none is left inside. */
    private boolean areOut(Deadline deadline) {
        List<VcpuPause> asked = ask();
        boolean out = true;
        for (int index = 0; index < asked.size(); index++) {
            try {
                out &= await(asked, index, deadline) == Quiescence.OUT;
            } catch (VcpuException e) {
                out &= threads.get(index).state() == VcpuThread.State.FINISHED;
            }
        }
        return out;
    }

    private boolean join(Deadline deadline) {
        for (VcpuThread thread : threads) {
            if (!deadline.await(thread::join)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Gives vCPUs and virtual machine back; their threads have ended. A second call does nothing.
     */
    @Override
    public void close() {
        parts.platform().disconnect();
        owned.close();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.host.FaultModes;
import io.jvmm.memory.GuestMemory;
import io.jvmm.paging.FaultMode;
import io.jvmm.vcpu.VcpuThread;

import java.time.Duration;
import java.util.Optional;

/**
 * What a machine is made of, apart from the state it is in: memory, devices, and the {@link Board}
 * with its vCPUs, each made in its order and given back in the reverse one.
 *
 * <p>One thread at a time changes it, that of the machine's operation under way; {@link #finish}
 * and what only reads may be called at any moment.
 */
final class Hardware {

    private final MachineConfig config;
    private final Owned owned = new Owned();
    private final GuestRam ram;
    private final Paging paging;
    private final GuestPages pages;
    private final Platform platform;
    private final Board.Parts parts;
    private volatile Board board;

    Hardware(
            MachineConfig config,
            Platform.Requests requests,
            VcpuThread.Listener listener,
            PagingReactions.Owner pagingOwner) {
        this.config = config;
        this.paging = owned.own(new Paging(config), Paging::close);
        try {
            Kick kick = owned.own(installKick(config.kickSignal()), Kick::close);
            Kvm kvm = owned.own(Kvm.open(), Kvm::close);
            checkHost(kvm);
            ram =
                    owned.own(
                            GuestRam.allocate(
                                    config.memoryBytes(),
                                    config.memoryBacking(),
                                    paging.plan().isPresent()),
                            GuestRam::close);
            beginPaging(kvm, pagingOwner);
            pages = new GuestPages(config.name(), ram, paging);
            platform = owned.own(new Platform(config, ram.memory(), requests), Platform::close);
            parts =
                    new Board.Parts(
                            config,
                            kvm,
                            kick,
                            config.kickStrategy().on(kvm),
                            ram,
                            platform,
                            paging,
                            pages,
                            listener);
            board = new Board(parts);
        } catch (RuntimeException | Error e) {
            try {
                owned.close();
            } catch (RuntimeException more) {
                e.addSuppressed(more);
            }
            throw e;
        }
    }

    private void beginPaging(Kvm kvm, PagingReactions.Owner owner) {
        if (paging.plan().isPresent()) {
            FaultMode mode = faultMode(kvm, paging.plan().get());
            paging.begin(ram, mode, new PagingReactions(config.name(), owner, paging::gate));
        }
    }

    private FaultMode faultMode(Kvm kvm, PagingPlan plan) {
        Optional<FaultMode> forced = plan.mode();
        if (forced.isEmpty()) {
            return FaultModes.best(kvm);
        }
        Optional<String> refusal = FaultModes.refusal(kvm, forced.get());
        if (refusal.isPresent()) {
            throw new MachineException(
                    "machine %s cannot have the fault mode %s on this host: %s"
                            .formatted(config.name(), forced.get().label(), refusal.get()));
        }
        return forced.get();
    }

    private static Kick installKick(int signal) {
        try {
            return Kick.install(signal);
        } catch (IllegalStateException e) {
            throw new MachineException(
                    "this process handles signal %d itself, by which vCPU threads are kicked:"
                                    .formatted(signal)
                            + " choose another one with MachineConfig's kickSignal",
                    e);
        }
    }

    private void checkHost(Kvm kvm) {
        int most = kvm.checkExtension(KvmConstants.KVM_CAP_MAX_VCPUS);
        if (config.cpus() > most) {
            throw new MachineException(
                    "this host runs machines of at most %d vCPUs, not %d"
                            .formatted(most, config.cpus()));
        }
    }

    Board board() {
        return board;
    }

    Platform platform() {
        return platform;
    }

    GuestMemory memory() {
        return ram.memory();
    }

    /** Who brings missing pages. */
    Paging paging() {
        return paging;
    }

    /** What of memory was not loaded is the pager's from here on. */
    void memoryIsLoaded() {
        paging.attach(ram);
    }

    /** Has all vCPUs come out, and wait in the kernel for missing pages from then on. */
    void fallBack(String why, Deadline deadline) {
        Standstill _ = board.pause(deadline);
        if (!board.awaitOut(deadline)) {
            throw new DeadlineException(
                    "a vCPU of machine %s is in the middle of an instruction whose page does not come"
                            .formatted(config.name()));
        }
        pages.fallBack(why);
    }

    /** Has vCPUs and devices stand still; when it fails, they go on. */
    Standstill pause(Deadline deadline) {
        // First the devices: nothing that is typed reaches a guest that is about to stand.
        platform.pause();
        try {
            return board.pause(deadline);
        } catch (VcpusGoneException e) {
            throw e;
        } catch (RuntimeException | Error e) {
            platform.resume(PausedTime.COUNTED);
            throw e;
        }
    }

    /** Takes a {@link #pause} back whose clocks were not stopped. */
    void goOn() {
        platform.resume(PausedTime.COUNTED);
        board.run();
    }

    /** Sets clocks and devices going; vCPUs can run then. */
    void wake(HeldClocks clocks, Deadline deadline) {
        board.wake(clocks, config.pausedTime(), deadline);
        platform.resume(config.pausedTime());
    }

    /** Ends the vCPUs' threads; returns whether that was done in time. */
    boolean finish(Deadline deadline) {
        return board.finish(deadline, paging::letGo);
    }

    /**
     * Ends the vCPUs and gives back what they ran in.
     *
     * @throws DeadlineException one did not end in time
     */
    void removeBoard(Deadline deadline) {
        requireFinished(deadline);
        giveBoardBack();
    }

    private void requireFinished(Deadline deadline) {
        if (!finish(deadline)) {
            throw new DeadlineException(
                    "a vCPU thread of machine %s did not end in time".formatted(config.name()));
        }
    }

    private void giveBoardBack() {
        // In reverse; whatever fails, the rest is given back.
        try (Owned rest = new Owned()) {
            rest.own(paging, Paging::close);
            rest.own(board, Board::close);
            // Workers of the kernel can wait for pages too, and closing the machine waits for them.
            rest.own(paging, Paging::letGo);
        }
    }

    /** Puts everything into the state after power-on, behind a board that was removed. */
    void renew() {
        ram.gate(null, Duration.ZERO);
        ram.clear();
        platform.reset();
        board = new Board(parts);
    }

    /**
     * Gives everything back, also when some of it fails.
     *
     * @throws DeadlineException a vCPU did not end in time; nothing is given back then
     */
    void close(Deadline deadline) {
        requireFinished(deadline);
        try {
            giveBoardBack();
        } finally {
            try {
                platform.close(deadline);
            } finally {
                owned.close();
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static io.jvmm.machine.MachineState.CREATED;
import static io.jvmm.machine.MachineState.ENDED;
import static io.jvmm.machine.MachineState.PAUSED;
import static io.jvmm.machine.MachineState.RUNNING;

import io.jvmm.memory.GuestMemory;
import io.jvmm.paging.PagingStatistics;
import io.jvmm.paging.StallHistogram;
import io.jvmm.paging.WorkingSet;
import io.jvmm.state.Saved;
import io.jvmm.state.SavedComponents;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * A virtual machine.
 *
 * <p>{@link #create} makes it with its kernel loaded, {@link #start} lets it run, {@link #await}
 * waits for its end, {@link #close} gives everything back. In between it can be {@linkplain #pause
 * paused}, {@linkplain #resume resumed}, {@linkplain #reset reset} and {@linkplain #save saved};
 * {@link #restore} makes a machine that goes on where a saved one stood. {@link MachineState} has
 * the states; what the machine's state does not allow is refused with an {@link
 * IllegalStateException}.
 *
 * <p>All methods may be called from any thread; from a {@link MachineListener}'s callbacks too,
 * except {@link #await}. Nothing waits longer than the time that its caller gives or its
 * description names, not even for a vCPU that waits for memory which never comes. Many machines
 * live side by side in one process; none of them ever ends it, prints, or leaves a handler behind.
 */
public final class Machine implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Machine.class);

    /**
     * For what takes milliseconds unless the host hangs: a call gives up after this time where its
     * caller gives none.
     */
    static final Duration AMPLE = Duration.ofSeconds(30);

    /** For what ends when the host lets it. */
    static final Duration FOR_EVER = Duration.ofDays(365_000);

    private final MachineConfig config;
    private final MachineEvents events;
    private final Booting booting;
    private final Life life;
    private final Hardware hardware;
    private final MachinePaging paging;
    private final RebootPace pace = new RebootPace();
    private final AtomicReference<@Nullable String> wantedReset = new AtomicReference<>();
    private final CountDownLatch vcpusEnded = new CountDownLatch(1);
    private final AtomicBoolean closing = new AtomicBoolean();
    private final CompletableFuture<MachineExit> exit = new CompletableFuture<>();
    private final EndThread endThread;
    private volatile @Nullable HeldClocks clocks; // while paused
    private volatile long runsSince;
    private HeldClocks.Stop clockStop = HeldClocks::stop;

    private Machine(MachineConfig config, Booting booting, MachineState first) {
        this.config = config;
        this.booting = booting;
        this.events = new MachineEvents(config.name());
        this.life = new Life(config.name(), first, events, () -> wantedReset.get() != null);
        this.paging = new MachinePaging(this, events);
        GuestActions guest = new GuestActions(this, paging);
        this.hardware = new Hardware(config, guest, guest, paging);
        // Last: from here on something would have to end it.
        this.endThread = new EndThread(config.name(), this::endVcpus);
    }

    /**
     * Makes a machine and loads its kernel; nothing runs yet.
     *
     * @throws io.jvmm.boot.BootException the kernel or the initial RAM disk cannot be booted
     * @throws io.jvmm.ffi.linux.KernelException the host refuses something; the message has the
     *     remedy
     * @throws MachineException the host cannot run such a machine
     */
    public static Machine create(MachineConfig config) {
        Booting booting = new Booting(config);
        open(booting, config);
        Machine machine;
        try {
            machine = new Machine(config, booting, CREATED);
        } catch (RuntimeException | Error e) {
            booting.close();
            throw e;
        }
        return machine.set(() -> booting.boot(machine.hardware));
    }

    /**
     * Makes a machine that goes on where a saved one stood; it is {@link MachineState#PAUSED}. The
     * configuration says what is new about it, such as its name, its console and its pager; its
     * kernel is for a later reset.
     *
     * @param memory fills the guest's memory
     * @throws io.jvmm.state.StateException the saved state is damaged, or of a machine of another
     *     shape, or this host cannot hold it
     * @throws io.jvmm.ffi.linux.KernelException the host refuses something
     * @throws MachineException the host cannot run such a machine
     */
    public static Machine restore(MachineConfig config, SavedMachine saved, MemoryLoader memory) {
        Machine machine = new Machine(config, new Booting(config), PAUSED);
        return machine.set(() -> machine.restore(saved, memory));
    }

    /** Before anything on the host is touched: a wrong file name must have no effect. */
    private static void open(Booting booting, MachineConfig config) {
        try {
            booting.open();
        } catch (RuntimeException | Error e) {
            booting.close();
            // The pager is this machine's to close, whatever becomes of it.
            new Paging(config).close();
            throw e;
        }
    }

    /** Brings the machine into its first state, or gives it back. */
    private Machine set(Runnable up) {
        try {
            up.run();
            return this;
        } catch (RuntimeException | Error e) {
            try {
                close();
            } catch (RuntimeException more) {
                e.addSuppressed(more);
            }
            throw e;
        }
    }

    private void restore(SavedMachine saved, MemoryLoader memory) {
        SavedComponents components = saved.components();
        components.take(MachineShape.CODEC, 0).require(config);
        memory.load(hardware.memory());
        hardware.memoryIsLoaded();
        // From here on: the loader takes what time it needs.
        Deadline deadline = Deadline.in(AMPLE);
        HeldClocks held = hardware.board().restore(components, config.pausedTime(), deadline);
        clocks = held;
        hardware.platform().restore(components, held.passed(hardware.board(), config.pausedTime()));
        hardware.platform().pause();
        components.finish();
    }

    Hardware hardware() {
        return hardware;
    }

    /** What the machine was made from. */
    public MachineConfig config() {
        return config;
    }

    /** Where the machine is in its life. */
    public MachineState state() {
        return life.state();
    }

    /** Adds somebody who hears what happens. */
    public void addListener(MachineListener listener) {
        events.add(listener);
    }

    /**
     * Lets the guest run for the first time.
     *
     * @throws IllegalStateException it ran already, or is closed
     */
    public void start() {
        operate(
                "start",
                Deadline.in(AMPLE),
                () -> {
                    life.enter(RUNNING);
                    runsSince = System.nanoTime();
                    hardware.board().run();
                    return null;
                },
                CREATED);
    }

    /**
     * Has the guest stand still. Its devices do, too: what is typed on the console waits; what the
     * guest has written reaches its reader.
     *
     * @param atMost how long the vCPUs may take, which is microseconds, or milliseconds where they
     *     wait for missing pages
     * @return in what way each vCPU stands still
     * @throws IllegalStateException the guest does not run
     * @throws DeadlineException a vCPU runs on; then all do
     */
    public Standstill pause(Duration atMost) {
        Deadline deadline = Deadline.in(atMost);
        return operate("pause", deadline, () -> pauseNow(deadline), RUNNING);
    }

    Standstill pauseNow(Deadline deadline) {
        Standstill standstill = hardware.pause(deadline);
        try {
            clocks = clockStop.stop(hardware.board(), standstill, Deadline.in(AMPLE));
        } catch (RuntimeException | Error e) {
            // Devices and vCPUs stand still, and nobody would set them going again.
            takeBackPause(e);
            throw e;
        }
        life.enter(PAUSED);
        return standstill;
    }

    private void takeBackPause(Throwable why) {
        try {
            hardware.goOn();
        } catch (RuntimeException | Error e) {
            why.addSuppressed(e);
            end(
                    new MachineExit.Failed(
                            "a pause failed and cannot be taken back: " + why.getMessage(),
                            "",
                            why));
        }
    }

    /** Has the clocks of this machine stopped in another way, so that a test can make it fail. */
    void clockStop(HeldClocks.Stop stop) {
        clockStop = stop;
    }

    /**
     * Lets a paused guest go on. What it sees of the pause, {@link MachineConfig#pausedTime} says;
     * a pause in which a vCPU waited for a page to its end is always counted.
     *
     * @throws IllegalStateException the guest is not paused
     */
    public void resume() {
        Deadline deadline = Deadline.in(AMPLE);
        operate(
                "resume",
                deadline,
                () -> {
                    resumeNow(deadline);
                    return null;
                },
                PAUSED);
    }

    void resumeNow(Deadline deadline) {
        hardware.wake(heldClocks(), deadline);
        clocks = null;
        life.enter(RUNNING);
        runsSince = System.nanoTime();
        hardware.board().run();
    }

    HeldClocks heldClocks() {
        HeldClocks held = clocks;
        if (held == null) {
            throw new AssertionError("a paused machine without clocks");
        }
        return held;
    }

    /**
     * Saves a paused machine, but for its memory, which {@link #memory} or the pager has. The
     * machine is not changed; it can go on, or be closed.
     *
     * @param atMost how long to wait for the pages that vCPUs wait for
     * @throws IllegalStateException the guest is not paused
     * @throws DeadlineException a vCPU still waits for a page, so that its registers cannot be read
     * @throws io.jvmm.state.StateException a device cannot be saved; the message has its reason
     */
    public SavedMachine save(Duration atMost) {
        Deadline deadline = Deadline.in(atMost);
        return operate("be saved", deadline, () -> saveNow(deadline), PAUSED);
    }

    private SavedMachine saveNow(Deadline deadline) {
        if (!hardware.board().awaitOut(deadline)) {
            throw new DeadlineException(
                    "machine %s cannot be saved yet: a vCPU waits for a page of memory, and its registers cannot be read before that comes"
                            .formatted(config.name()));
        }
        Deadline ample = Deadline.in(AMPLE);
        HeldClocks held = heldClocks();
        if (config.pausedTime() == PausedTime.HIDDEN) {
            held.rewind(hardware.board(), ample);
        }
        List<Saved> components = new ArrayList<>();
        components.add(Saved.of(MachineShape.CODEC, 0, MachineShape.of(config)));
        components.addAll(hardware.board().save(held, ample));
        components.addAll(hardware.platform().save());
        return new SavedMachine(components);
    }

    /**
     * Guest memory, for whoever saves or inspects it. A running guest writes it at any time. Pages
     * that are missing are brought when they are touched. After {@link #close} every access throws
     * an {@link IllegalStateException}.
     *
     * @throws MachineException pages of it may be missing, and the pager of this machine brings
     *     none to code of this process, which would wait in a way that stops the whole virtual
     *     machine of Java
     */
    public GuestMemory memory() {
        if (hardware.paging().isOutOfReach()) {
            throw new MachineException(
                    "pages of the memory of machine %s may be missing: take them from where its pager has them"
                            .formatted(config.name()));
        }
        return hardware.memory();
    }

    /**
     * What was done about missing pages. Empty for a machine without {@link
     * MachineConfig.Builder#paging}, and after a reset.
     */
    public Optional<PagingStatistics> pagingStatistics() {
        return hardware.paging().statistics();
    }

    /**
     * The pages that this machine was the first to want, in order, to be brought ahead in another
     * run ({@link io.jvmm.paging.PagingConfig#withWorkingSet}). Grows while the machine runs; empty
     * where {@link #pagingStatistics} is. May be called from any thread.
     */
    public Optional<WorkingSet> workingSet() {
        return hardware.paging().workingSet();
    }

    /**
     * How long each vCPU has waited for its missing pages, in the order of the vCPUs; empty where
     * {@link #pagingStatistics} is.
     */
    public List<StallHistogram> stallsOfVcpus() {
        return hardware.paging().stallsOf(vcpuThreads());
    }

    /** The kernel's numbers of the vCPUs' threads, in the order of the vCPUs. */
    public List<Integer> vcpuThreads() {
        return hardware.board().threadIds();
    }

    /** Memory that nobody writes. */
    GuestMemory stillMemory() {
        return operate("have its memory copied", Deadline.in(AMPLE), this::memory, CREATED, PAUSED);
    }

    /**
     * Resets the machine, as its reset button would: memory is zero, vCPUs and devices are as after
     * power-on, and the kernel is loaded again. A running guest runs then, a paused one stands at
     * its entry. Its pager, if it had one, is closed: nobody needs the memory of before.
     *
     * @throws IllegalStateException the machine neither runs nor is paused
     * @throws RuntimeException as {@link #create}; the machine has ended then
     */
    public void reset() {
        operate(
                "be reset",
                Deadline.in(AMPLE),
                () -> {
                    resetNow("host");
                    return null;
                },
                RUNNING,
                PAUSED);
    }

    private void resetNow(String by) {
        try {
            boolean runs = life.state() == RUNNING;
            hardware.removeBoard(Deadline.in(AMPLE));
            // Now that no vCPU of before is left which could ask for another one.
            wantedReset.set(null);
            hardware.renew();
            booting.boot(hardware);
            LOG.info("{} was reset ({})", config.name(), by);
            events.note(listener -> listener.wasReset(by));
            runsSince = System.nanoTime();
            if (runs) {
                hardware.board().run();
            } else {
                clocks = HeldClocks.stop(hardware.board(), Deadline.in(AMPLE));
            }
        } catch (RuntimeException | Error e) {
            end(new MachineExit.Failed("the reset failed: " + e.getMessage(), "", e));
            throw e;
        }
    }

    /** The guest wants a reset: it must not go on until it has it. On its vCPU's thread. */
    void wantReset(String by) {
        if (wantedReset.compareAndSet(null, by)) {
            hardware.board().halt();
            Thread.ofPlatform()
                    .name(config.name() + "-reset")
                    .daemon(true)
                    .start(this::resetWhenIdle);
        }
    }

    /** Other operations wait meanwhile, each as long as its caller lets it. */
    private void resetWhenIdle() {
        Duration ran = Duration.ofNanos(System.nanoTime() - runsSince);
        if (life.awaitEnd(Deadline.in(pace.after(ran)))) {
            return;
        }
        try {
            life.first(this::resetIfWanted);
        } catch (RuntimeException | Error e) {
            LOG.debug("{} was not reset, and has ended", config.name(), e);
        }
    }

    private void resetIfWanted() {
        String by = wantedReset.get();
        // Somebody else's reset may have come first.
        if (by != null) {
            resetNow(by);
        }
    }

    /** Waits for the end to begin; returns whether it has. */
    boolean awaitEnding(Duration atMost) {
        return life.awaitEnd(Deadline.in(atMost));
    }

    <T> T operate(String verb, Deadline deadline, Supplier<T> action, MachineState... allowed) {
        return life.during(verb, deadline, action, allowed);
    }

    /**
     * Waits for the guest's end.
     *
     * @throws IllegalStateException called from a callback, behind which the end would be told
     */
    public MachineExit await() throws InterruptedException {
        refuseToAwaitItself();
        try {
            return exit.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Waits for the guest's end, for some time.
     *
     * @return empty when the time is over and the guest is not
     * @throws IllegalStateException as {@link #await()}
     */
    public Optional<MachineExit> await(Duration atMost) throws InterruptedException {
        refuseToAwaitItself();
        try {
            return Optional.of(exit.get(atMost.toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    private void refuseToAwaitItself() {
        if (events.isTelling() && !exit.isDone()) {
            throw new IllegalStateException(
                    "a listener of machine %s cannot wait for the end, which is told after it returns"
                            .formatted(config.name()));
        }
    }

    /**
     * The guest's end, for those who would rather not wait. What is made to follow it may close the
     * machine. Cancelling or completing the future changes nothing.
     */
    public CompletableFuture<MachineExit> exit() {
        return exit.copy();
    }

    /**
     * Ends the guest where it is, as pulling the plug would. Returns at once; {@link #await} tells
     * when it has happened. A guest that has ended already is not changed.
     */
    public void stop() {
        end(new MachineExit.Stopped());
    }

    /**
     * Presses the power button: a guest that listens to ACPI shuts itself down.
     *
     * @return whether the guest listens to the button now; one that does not may still find it
     *     pressed later
     */
    public boolean powerButton() {
        return hardware.platform().acpi().pressPowerButton();
    }

    /**
     * What the guest writes on its serial console; ends when the guest has ended.
     *
     * @throws IllegalStateException the configuration sends it elsewhere
     */
    public InputStream consoleOutput() {
        return hardware.platform().console().output();
    }

    /** What is typed on the guest's serial console. */
    public OutputStream consoleInput() {
        return hardware.platform().console().input();
    }

    /**
     * Tells what became of the console's output. It completes after the guest's end, when the last
     * byte is written, which takes as long as the reader does; with what was lost if the file,
     * stream or descriptor failed, or the reader was {@linkplain #giveUpConsoleOutput given up}.
     * Output that waits for {@link #consoleOutput}, or is dropped, is never lost in this sense.
     */
    public CompletableFuture<Optional<ConsoleLoss>> consoleWritten() {
        return hardware.platform().console().written();
    }

    /** Gives up what of the console's output is not written yet, and what is still to come. */
    public void giveUpConsoleOutput() {
        hardware.platform().console().giveUp("its reader was given up");
    }

    /** Sends a break on the serial console. */
    public void sendBreak() {
        hardware.platform().console().input().sendBreak();
    }

    /** How often each vCPU left the guest since it was last reset, in the order of the vCPUs. */
    public List<ExitStatistics> exitStatistics() {
        return hardware.board().exitStatistics();
    }

    /** Closes as {@link #close(Duration)}, within 30 seconds. */
    @Override
    public void close() {
        close(AMPLE);
    }

    /**
     * Ends the guest if it runs, and gives back threads, memory and descriptors. When it returns,
     * listeners have heard everything. A second call does nothing, also while the first is at work.
     *
     * <p>A listener may close the machine, and so may what follows {@link #exit}; then the calls of
     * the other listeners come after.
     *
     * @throws DeadlineException a thread did not end in time; then its memory stays mapped, since
     *     the guest could still run in it. Closing can be tried again
     */
    public void close(Duration atMost) {
        Deadline deadline = Deadline.in(atMost);
        end(new MachineExit.Stopped());
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        if (!deadline.await(left -> vcpusEnded.await(left.toNanos(), TimeUnit.NANOSECONDS))) {
            closing.set(false);
            throw new DeadlineException(
                    "a vCPU thread of machine %s did not end within %d ms"
                            .formatted(config.name(), atMost.toMillis()));
        }
        // A listener that does not come back keeps nothing of the guest's.
        boolean _ = events.awaitTold(deadline);
        try (booting) {
            hardware.close(deadline);
        } catch (DeadlineException e) {
            closing.set(false);
            throw e;
        } catch (RuntimeException | Error e) {
            closed(deadline);
            throw e;
        }
        closed(deadline);
    }

    private void closed(Deadline deadline) {
        life.enter(MachineState.CLOSED);
        events.tellAll();
        boolean _ = events.awaitTold(deadline);
    }

    /**
     * Takes the machine to its end; the first reason counts. Never waits.
     *
     * <p>The end comes on a thread of its own: on a vCPU's, it would wait for itself.
     */
    void end(MachineExit why) {
        if (life.beginEnd()) {
            endThread.begin(why);
            stopVcpus();
        }
    }

    /** As {@link #end}, since a vCPU's thread has died. Allocates nothing. */
    void endOfDeath(int vcpu, Throwable cause) {
        if (life.beginEnd()) {
            endThread.begin(vcpu, cause);
            stopVcpus();
        }
    }

    /** None shall execute more than it must; the thread of the end does this again, and waits. */
    private void stopVcpus() {
        try {
            hardware.board().finishAll();
        } catch (OutOfMemoryError _) {
            // That thread does it when there is memory.
        }
    }

    private void endVcpus(MachineExit why) {
        // First without waiting for an operation: it may wait for a vCPU that waits for a page.
        endThread.persist(this::finishVcpus);
        life.afterOperations(() -> {
            // An operation that was under way may have put another board in place.
            endThread.persist(this::finishVcpus);
            endThread.persist(() -> hardware.platform().console().end());
            endThread.persist(() -> LOG.debug("{}: {}; {}", config.name(), why, exitStatistics()));
            endThread.persist(() -> life.enter(ENDED));
            endThread.persist(() -> events.note(listener -> listener.exited(why)));
            endThread.persist(() -> events.noteFollowUp(() -> exit.complete(why)));
            vcpusEnded.countDown();
        });
        endThread.persist(events::tellAll);
    }

    private void finishVcpus() {
        boolean _ = hardware.finish(Deadline.in(FOR_EVER));
    }
}

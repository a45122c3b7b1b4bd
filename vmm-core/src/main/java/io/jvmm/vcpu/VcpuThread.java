// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.linux.Kick;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/**
 * The thread of a vCPU: a small state machine with a mailbox, paused at birth.
 *
 * <p>Commands may come from any thread; each is answered by a future, in the order in which they
 * came. The thread looks at its mailbox only when it is not inside the guest, so every command is
 * followed by a {@linkplain VcpuKick kick}, which breaks a guest that runs, halts, or waits for a
 * missing page. What no kick breaks is the kernel's own wait for such a page; {@link #pause} deals
 * with that, and who ends the machine lets its pager go.
 *
 * <p>A platform thread, since {@code KVM_RUN} would pin a carrier for as long as the guest runs. It
 * does not own the {@link KvmVcpu}: close that after {@link #join}.
 */
public final class VcpuThread {

    /** What the thread is doing. */
    public enum State {
        /** Waits for a command; the guest does not run. */
        PAUSED,
        /** Runs the guest. */
        RUNNING,
        /** Has ended, or is about to. */
        FINISHED
    }

    /** Hears why a vCPU stopped. Called on the vCPU's thread, which must not be made to wait. */
    public interface Listener {

        /** The vCPU stopped by itself and is paused now. */
        void stopped(int index, VcpuStop stop);

        /** The thread died of a fault of the monitor's own. */
        void died(int index, Throwable cause);

        /** A pause that was answered {@link Quiescence#IN_FAULT} is complete: the page has come. */
        default void paused(int index) {}
    }

    private record Command(Runnable action, CompletableFuture<?> answer) {}

    private static final Logger LOG = LoggerFactory.getLogger(VcpuThread.class);

    /** What lacks memory is tried again after this time. */
    private static final long AGAIN_NANOS = 10_000_000;

    private final int index;
    private final KvmVcpu vcpu;
    private final ExitLoop exits;
    private final Kick signal;
    private final VcpuKick kick;
    private final VcpuPlacement placement;
    private final Listener listener;
    private final Thread thread;
    private final Queue<Command> mailbox = new ConcurrentLinkedQueue<>();
    private final CompletableFuture<Void> born = new CompletableFuture<>();

    /** Pauses that were answered before they were complete. */
    private final Set<VcpuPause> inFault = ConcurrentHashMap.newKeySet();

    /** Held while the thread is kicked, and while it turns FINISHED. */
    private final Object finishing = new Object();

    private volatile State state = State.PAUSED;
    private volatile boolean finishWanted;

    /**
     * Starts the thread; it is paused when this returns.
     *
     * @param signal by which it is kicked
     * @throws VcpuException the thread cannot be run in the way that the options demand
     */
    public VcpuThread(
            int index,
            KvmVcpu vcpu,
            ExitLoop exits,
            Kick signal,
            VcpuOptions options,
            Listener listener) {
        this.index = index;
        this.vcpu = vcpu;
        this.exits = exits;
        this.signal = signal;
        this.kick = options.kicks().on(vcpu, signal);
        this.placement = options.placement();
        this.listener = listener;
        this.thread =
                Thread.ofPlatform()
                        .name(options.machine() + "-vcpu-" + index)
                        .daemon(true)
                        .unstarted(this::live);
        thread.start();
        try {
            born.join();
        } catch (CompletionException e) {
            Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
            throw failure("cannot run: " + cause.getMessage(), cause);
        }
    }

    /** What the thread is doing at this moment. */
    public State state() {
        return state;
    }

    /** The kernel's number of the thread, by which others know it. */
    public int threadId() {
        return kick.threadId();
    }

    /** How often this vCPU left the guest, by reason. */
    public ExitCounters counters() {
        return exits.counters();
    }

    /**
     * Lets the guest run; done when the thread is about to enter it. A pause that was answered
     * {@link Quiescence#IN_FAULT} and is not complete is withdrawn, and then it is done at once.
     */
    public CompletableFuture<Void> resume() {
        boolean withdrawn = false;
        for (VcpuPause pause : inFault) {
            withdrawn |= pause.withdrawInFault();
        }
        // Posted all the same, for pauses that were asked for behind the withdrawn one.
        CompletableFuture<Void> answer = post(() -> state = State.RUNNING);
        return withdrawn ? CompletableFuture.completedFuture(null) : answer;
    }

    /** Asks the vCPU to leave the guest, and to stay out until it is resumed. */
    public VcpuPause pause() {
        VcpuPause pause = new VcpuPause(this);
        send(new Command(() -> pauseNow(pause), pause.answer()));
        return pause;
    }

    /** A pause is about to be answered before it is complete, or is not after all. */
    void inFault(VcpuPause pause, boolean isIn) {
        if (isIn) {
            inFault.add(pause);
        } else {
            inFault.remove(pause);
        }
    }

    /** What goes wrong with this vCPU, in the words of the machine's owner. */
    VcpuException failure(String problem, @Nullable Throwable cause) {
        return new VcpuException(index, problem, cause);
    }

    /** Ends the thread, from whatever state. */
    public CompletableFuture<Void> finish() {
        return post(this::finished);
    }

    /**
     * Ends the thread, from whatever state, before it looks at its mailbox again. For callers that
     * may be short of memory: makes no object, and has no answer but {@link #join}.
     */
    public void finishSoon() {
        finishWanted = true;
        kick();
    }

    /**
     * Runs something on the vCPU's thread while the vCPU is paused, which is how its registers are
     * read and written.
     *
     * @return the result, or an {@link IllegalStateException} when the vCPU is not paused
     */
    public <T> CompletableFuture<T> whilePaused(Function<KvmVcpu, T> action) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        send(
                new Command(
                        () -> {
                            if (state != State.PAUSED) {
                                answer.completeExceptionally(
                                        new IllegalStateException(
                                                "vCPU " + index + " is " + state));
                                return;
                            }
                            try {
                                answer.complete(action.apply(vcpu));
                            } catch (Throwable e) {
                                // Its sender's fault, not this thread's.
                                answer.completeExceptionally(e);
                            }
                        },
                        answer));
        return answer;
    }

    private CompletableFuture<Void> post(Runnable action) {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        Runnable answered =
                () -> {
                    action.run();
                    answer.complete(null);
                };
        send(new Command(answered, answer));
        return answer;
    }

    private void send(Command command) {
        mailbox.add(command);
        if (state == State.FINISHED) {
            // The thread may have looked into the mailbox for the last time before the add.
            refuseAll();
        } else {
            kick();
        }
    }

    /**
     * Makes the thread look at its mailbox. Never waits.
     *
     * <p>The order is what makes it race-free. A state that reads PAUSED here was read before the
     * thread went on to run, and then the thread reads its mailbox once more after this command was
     * added; one that reads RUNNING gets the flag and the signal. The thread cannot finish in
     * between: the page and the signal may be gone after that.
     */
    public void kick() {
        synchronized (finishing) {
            if (state == State.RUNNING) {
                kick.send();
            }
        }
        LockSupport.unpark(thread);
        reportTakeover();
    }

    private void reportTakeover() {
        String what =
                switch (signal.takeover()) {
                    case OURS -> null;
                    case ANOTHER -> "has a handler of this application's, which hears every kick";
                    case NONE -> "had lost its handler, which was put back";
                };
        if (what != null) {
            LOG.warn(
                    "signal {}, by which vCPU threads are kicked, {}:"
                            + " leave it alone, or choose another one for kicks",
                    signal.signal(),
                    what);
        }
    }

    private void finished() {
        synchronized (finishing) {
            state = State.FINISHED;
        }
    }

    /**
     * Waits for the thread's end.
     *
     * @return whether it has ended within the time
     */
    public boolean join(Duration atMost) throws InterruptedException {
        return thread.join(atMost);
    }

    private void live() {
        try {
            placement.apply();
            exits.prepare(kick);
        } catch (Throwable e) {
            finished();
            born.completeExceptionally(e);
            return;
        }
        born.complete(null);
        try {
            while (state != State.FINISHED) {
                serveMailbox();
                switch (state) {
                    case RUNNING -> runGuest();
                    case PAUSED -> {
                        if (mailbox.isEmpty()) {
                            LockSupport.park(this);
                        }
                    }
                    case FINISHED -> {}
                }
            }
        } catch (Throwable e) {
            finished();
            died(e);
        } finally {
            finished();
            refuseAll();
        }
    }

    private void died(Throwable cause) {
        try {
            listener.died(index, cause);
        } catch (Throwable e) {
            // It has heard; what follows may lack the memory for its words.
            cause.addSuppressed(e);
        }
    }

    private void runGuest() {
        VcpuStop stop = exits.run();
        if (!(stop instanceof VcpuStop.Kicked)) {
            state = State.PAUSED;
            listener.stopped(index, stop);
        }
    }

    private void serveMailbox() {
        // First the kick, then the mailbox: a command that comes after the look kicks again.
        kick.clear();
        if (finishWanted) {
            finished();
            return;
        }
        // What comes behind the command to finish is refused, not obeyed.
        @Nullable Command command;
        while (state != State.FINISHED && (command = mailbox.poll()) != null) {
            try {
                command.action().run();
            } catch (Throwable e) {
                command.answer().completeExceptionally(e);
                throw e;
            }
        }
    }

    /**
     * Leaves the guest for good: after a port or MMIO exit the instruction is complete only when
     * {@code KVM_RUN} was entered once more (api.rst, 5), and until then registers are not to be
     * trusted. That entry may itself wait for a missing page, into which a string input goes.
     */
    private void pauseNow(VcpuPause pause) {
        if (pause.isWithdrawn()) {
            inFault.remove(pause);
            return;
        }
        VcpuStop stop = state == State.RUNNING ? complete() : VcpuStop.Kicked.INSTANCE;
        boolean stopped = !(stop instanceof VcpuStop.Kicked);
        // The completion may have waited for a page, and the pause may be withdrawn meanwhile.
        Optional<Quiescence> before = pause.settle();
        if (before.isPresent() || stopped) {
            state = State.PAUSED;
        }
        if (stopped) {
            listener.stopped(index, stop);
        }
        inFault.remove(pause);
        pause.answer().complete(null);
        if (before.filter(Quiescence.IN_FAULT::equals).isPresent()) {
            listener.paused(index);
        }
    }

    private VcpuStop complete() {
        kick.sendToSelf();
        VcpuStop stop = exits.complete();
        kick.clear();
        return stop;
    }

    private void refuseAll() {
        @Nullable Command command;
        while ((command = mailbox.poll()) != null) {
            refuse(command);
        }
    }

    /** The thread may have died for want of memory, and its callers wait for an answer. */
    private void refuse(Command command) {
        while (true) {
            try {
                command.answer()
                        .completeExceptionally(
                                new IllegalStateException("vCPU " + index + " has finished"));
                return;
            } catch (OutOfMemoryError _) {
                LockSupport.parkNanos(AGAIN_NANOS);
            }
        }
    }
}

package io.jvmm.vcpu;

import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.NativeThread;
import io.jvmm.ffi.linux.Signals;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/**
 * The thread of a vCPU: a small state machine with a mailbox, paused at birth.
 *
 * <p>Commands may come from any thread; each is answered by a future, in the order in which they
 * came. The thread looks at its mailbox only when it is not inside the guest, so every command is
 * followed by a kick: the exit request in the shared page first, which closes the race with a
 * thread that is about to enter, then the signal, which breaks a guest that runs, halts, or waits
 * for a missing page.
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
    }

    private record Command(Runnable action, CompletableFuture<?> answer) {}

    private final int index;
    private final KvmVcpu vcpu;
    private final ExitLoop exits;
    private final Kick kick;
    private final Listener listener;
    private final Thread thread;
    private final Queue<Command> mailbox = new ConcurrentLinkedQueue<>();
    private final CountDownLatch born = new CountDownLatch(1);

    /** Held while the thread is kicked, and while it turns FINISHED. */
    private final Object finishing = new Object();

    private volatile State state = State.PAUSED;
    private volatile int tid;

    /** Starts the thread; it is paused when this returns. */
    public VcpuThread(
            int index, KvmVcpu vcpu, ExitLoop exits, Kick kick, String machine, Listener listener) {
        this.index = index;
        this.vcpu = vcpu;
        this.exits = exits;
        this.kick = kick;
        this.listener = listener;
        this.thread =
                Thread.ofPlatform()
                        .name(machine + "-vcpu-" + index)
                        .daemon(true)
                        .unstarted(this::live);
        thread.start();
        awaitBirth();
    }

    private void awaitBirth() {
        boolean interrupted = false;
        while (true) {
            try {
                born.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** What the thread is doing at this moment. */
    public State state() {
        return state;
    }

    /** How often this vCPU left the guest, by reason. */
    public ExitCounters counters() {
        return exits.counters();
    }

    /** Lets the guest run; done when the thread is about to enter it. */
    public CompletableFuture<Void> resume() {
        return post(() -> state = State.RUNNING);
    }

    /** Stops the guest; done when the vCPU is out of it and its last I/O is complete. */
    public CompletableFuture<Void> pause() {
        return post(this::pauseNow);
    }

    /** Ends the thread, from whatever state. */
    public CompletableFuture<Void> finish() {
        return post(this::finished);
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
                vcpu.page().requestExit();
                kick.trySend(tid);
            }
        }
        LockSupport.unpark(thread);
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
            tid = NativeThread.id();
            Signals.unblock(kick.signal());
            born.countDown();
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
            listener.died(index, e);
        } finally {
            finished();
            born.countDown();
            refuseAll();
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
        // First the flag, then the mailbox: a command that comes after the look raises it again.
        vcpu.page().clearExitRequest();
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
     * trusted.
     */
    private void pauseNow() {
        if (state != State.RUNNING) {
            return;
        }
        vcpu.page().requestExit();
        VcpuStop stop = exits.run();
        vcpu.page().clearExitRequest();
        state = State.PAUSED;
        if (!(stop instanceof VcpuStop.Kicked)) {
            listener.stopped(index, stop);
        }
    }

    private void refuseAll() {
        @Nullable Command command;
        while ((command = mailbox.poll()) != null) {
            command.answer()
                    .completeExceptionally(
                            new IllegalStateException("vCPU " + index + " has finished"));
        }
    }
}

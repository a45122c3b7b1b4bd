// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.KernelException;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashSet;
import java.util.Set;

/**
 * A thread of the {@link EventLoop}, with its epoll set, its timers and its tasks.
 *
 * <p>Each round waits for events and then runs callbacks, without a lock: first those of
 * descriptors that were ready, then those of timers that are due, then tasks that were submitted
 * before. A task that submits itself runs in the next round, so that it starves nothing.
 */
final class LoopThread {

    private static final Logger LOG = LoggerFactory.getLogger(LoopThread.class);

    private static final int EVENTS = 64;
    private static final long WAKE = -1;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final Thread thread;
    private final Epoll epoll;
    private final EventFd wake;

    // LOCKS: lock guards the tables below and is held for a few instructions; no callback runs and
    // no other lock is taken under it. doneLock only serves those who wait for a callback's end.
    private final Object lock = new Object();
    private final Object doneLock = new Object();

    // Guarded by lock.
    private final WatchTable watches = new WatchTable();
    private final TimerHeap timers = new TimerHeap();
    private final Set<LoopClient> clients = new HashSet<>();
    private @Nullable LoopTask firstTask;
    private @Nullable LoopTask lastTask;
    private boolean asleep;
    private boolean ending;
    private long wakeUps;

    private volatile @Nullable Registration running;
    private volatile boolean ended;

    LoopThread(String name) {
        epoll = Epoll.create(EVENTS);
        try {
            wake = EventFd.create();
        } catch (RuntimeException | Error e) {
            epoll.close();
            throw e;
        }
        thread = Thread.ofPlatform().name(name).daemon(true).unstarted(this::run);
    }

    void start() {
        try {
            epoll.add(wake.fd(), Epoll.EPOLLIN, WAKE);
            thread.start();
        } catch (RuntimeException | Error e) {
            closeDescriptors();
            throw e;
        }
    }

    boolean isCurrent() {
        return thread.equals(Thread.currentThread());
    }

    long wakeUps() {
        synchronized (lock) {
            return wakeUps;
        }
    }

    /** {@return whether the client is served; false if this thread has failed} */
    boolean join(LoopClient client) {
        synchronized (lock) {
            return !ended && clients.add(client);
        }
    }

    /** {@return how many clients are left} */
    int leave(LoopClient client) {
        synchronized (lock) {
            clients.remove(client);
            return clients.size();
        }
    }

    int clients() {
        synchronized (lock) {
            return clients.size();
        }
    }

    /** Ends the thread, which has no clients any more, and waits for it unless it is this one. */
    void end() {
        synchronized (lock) {
            ending = true;
            wakeUp();
        }
        if (isCurrent()) {
            return;
        }
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    void watch(DescriptorWatch watch, int events) {
        synchronized (lock) {
            long data = watches.add(watch);
            int result = ended ? 0 : epoll.tryAdd(watch.descriptor(), events, data);
            if (result < 0) {
                watches.remove(watch);
                KernelException.check("EPOLL_CTL_ADD " + watch.descriptor().name(), result);
            }
        }
    }

    void rearm(DescriptorWatch watch, int events) {
        synchronized (lock) {
            if (watch.slot >= 0 && !ended) {
                epoll.modify(watch.descriptor(), events, watches.dataOf(watch));
            }
        }
    }

    void unwatch(DescriptorWatch watch) {
        synchronized (lock) {
            if (watches.remove(watch) && !ended && watch.descriptor().isOpen()) {
                epoll.remove(watch.descriptor());
            }
        }
    }

    void submit(LoopTask task) {
        synchronized (lock) {
            if (task.queued || task.isClosed() || ended) {
                return;
            }
            task.queued = true;
            LoopTask last = lastTask;
            if (last == null) {
                firstTask = task;
            } else {
                last.next = task;
            }
            lastTask = task;
            wakeUp();
        }
    }

    void set(LoopTimer timer, long due) {
        synchronized (lock) {
            timers.remove(timer);
            if (timer.isClosed()) {
                return;
            }
            timer.due = due;
            timers.add(timer);
            if (timer == timers.first()) {
                wakeUp();
            }
        }
    }

    void cancel(LoopTimer timer) {
        synchronized (lock) {
            timers.remove(timer);
        }
    }

    /** Under the lock. A thread that is awake looks at everything again before it sleeps. */
    private void wakeUp() {
        if (asleep && !ended) {
            asleep = false;
            wake.signal();
        }
    }

    /** Returns when the callback does not run; it is closed, so that it will not run again. */
    void awaitNotRunning(Registration registration) {
        if (isCurrent() || running != registration) {
            return;
        }
        boolean interrupted = false;
        synchronized (doneLock) {
            while (running == registration) {
                try {
                    doneLock.wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            int timeout;
            while ((timeout = fallAsleep()) >= -1) {
                int count = epoll.await(timeout);
                synchronized (lock) {
                    wakeUps++;
                    asleep = false;
                }
                for (int i = 0; i < count; i++) {
                    serve(epoll.data(i), epoll.events(i));
                }
                runTimers();
                runTasks();
            }
        } catch (Throwable e) {
            failAll(e);
        } finally {
            closeDescriptors();
        }
    }

    /** {@return the timeout of the next wait in milliseconds, -1 for none, less for the end} */
    private int fallAsleep() {
        synchronized (lock) {
            if (ending) {
                return Integer.MIN_VALUE;
            }
            if (firstTask != null) {
                return 0;
            }
            asleep = true;
            LoopTimer first = timers.first();
            if (first == null) {
                return -1;
            }
            long left = Math.max(first.due - System.nanoTime(), 0);
            long millis = (left + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI;
            return (int) Math.min(millis, Integer.MAX_VALUE);
        }
    }

    private void serve(long data, int events) {
        if (data == WAKE) {
            wake.take();
            return;
        }
        DescriptorWatch watch;
        synchronized (lock) {
            // Null when it was closed after this event was fetched.
            watch = watches.find(data);
        }
        if (watch != null) {
            dispatch(watch, events);
        }
    }

    private void runTimers() {
        long now = 0;
        boolean known = false;
        while (true) {
            LoopTimer due;
            synchronized (lock) {
                due = timers.first();
                if (due == null) {
                    return;
                }
                if (!known) {
                    now = System.nanoTime();
                    known = true;
                }
                if (due.due - now > 0) {
                    return;
                }
                timers.remove(due);
            }
            dispatch(due, 0);
        }
    }

    private void runTasks() {
        LoopTask last;
        synchronized (lock) {
            last = lastTask;
        }
        boolean more = last != null;
        while (more) {
            LoopTask task;
            synchronized (lock) {
                task = firstTask;
                if (task == null) {
                    return;
                }
                LoopTask next = task.next;
                firstTask = next;
                if (next == null) {
                    lastTask = null;
                }
                task.next = null;
                task.queued = false;
            }
            more = task != last;
            dispatch(task, 0);
        }
    }

    private void dispatch(Registration registration, int events) {
        // First running, then the look whether it is closed; close() does it the other way round.
        running = registration;
        try {
            if (!registration.isClosed()) {
                registration.run(events);
            }
        } catch (Throwable e) {
            registration.client.fail(e);
        } finally {
            done();
        }
    }

    private void done() {
        running = null;
        synchronized (doneLock) {
            doneLock.notifyAll();
        }
    }

    /** The thread itself cannot go on. */
    private void failAll(Throwable cause) {
        LoopClient[] all;
        EventLoop.forget(this);
        synchronized (lock) {
            ended = true;
            all = clients.toArray(LoopClient[]::new);
        }
        try {
            LOG.error("a thread of the event loop ends, and with it what it served", cause);
        } catch (Throwable e) {
            cause.addSuppressed(e);
        }
        for (LoopClient client : all) {
            client.fail(cause);
        }
    }

    private void closeDescriptors() {
        synchronized (lock) {
            ended = true;
            wake.close();
            epoll.close();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.Fd;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * One user of the {@link EventLoop}, such as the back end of a device. All of its callbacks run on
 * one thread of the loop, one after the other.
 *
 * <p>Thread-safe. Nothing here is called while the caller holds a lock that a callback of this
 * client takes: {@link #close} and {@link Registration#close} wait for a callback that runs.
 */
public final class LoopClient implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LoopClient.class);

    private final String name;
    private final LoopThread thread;
    private final Consumer<Throwable> onFailure;
    private final Set<Registration> registrations = new HashSet<>(); // guarded by itself
    private boolean closed; // guarded by registrations
    private boolean left; // guarded by registrations
    private boolean failed; // guarded by registrations

    LoopClient(String name, LoopThread thread, Consumer<Throwable> onFailure) {
        this.name = name;
        this.thread = thread;
        this.onFailure = onFailure;
    }

    /**
     * Watches a descriptor, which must be non-blocking and stay open until the watch is closed. One
     * descriptor can be watched once at a time.
     *
     * @param events of {@code Epoll.EPOLL*}: level-triggered unless {@link Epoll#EPOLLET} is among
     *     them; with {@link Epoll#EPOLLONESHOT} until {@link DescriptorWatch#watchFor} arms it
     *     again
     * @throws io.jvmm.ffi.linux.KernelException {@code EPERM} if the descriptor cannot be polled
     * @throws IllegalStateException the client is closed
     */
    public DescriptorWatch watch(Fd descriptor, int events, DescriptorWatch.Handler handler) {
        DescriptorWatch watch = new DescriptorWatch(this, thread, descriptor, handler);
        add(watch);
        try {
            thread.watch(watch, events);
        } catch (RuntimeException e) {
            watch.close();
            throw e;
        }
        return watch;
    }

    /**
     * Runs an action each time that an eventfd was signalled; several signals may be one run.
     *
     * @throws IllegalStateException the client is closed
     */
    public DescriptorWatch onSignal(EventFd event, Runnable action) {
        return watch(
                event.fd(),
                Epoll.EPOLLIN,
                _ -> {
                    if (event.take() != 0) {
                        action.run();
                    }
                });
    }

    /**
     * Makes a timer, which is not set yet.
     *
     * @throws IllegalStateException the client is closed
     */
    public LoopTimer timer(Runnable action) {
        return add(new LoopTimer(this, thread, action));
    }

    /**
     * Makes a task, which runs each time that it is submitted.
     *
     * @throws IllegalStateException the client is closed
     */
    public LoopTask task(Runnable action) {
        return add(new LoopTask(this, thread, action));
    }

    /** Whether the calling thread is the one that runs this client's callbacks. */
    public boolean isOnLoop() {
        return thread.isCurrent();
    }

    private <R extends Registration> R add(R registration) {
        synchronized (registrations) {
            if (closed) {
                throw new IllegalStateException(name + " has left the event loop");
            }
            registrations.add(registration);
        }
        return registration;
    }

    void remove(Registration registration) {
        synchronized (registrations) {
            registrations.remove(registration);
        }
    }

    /** A callback has thrown, or the thread cannot go on. On the loop's thread. */
    void fail(Throwable cause) {
        synchronized (registrations) {
            if (failed) {
                return;
            }
            failed = true;
        }
        try {
            closeRegistrations();
            LOG.error("{} has failed in the event loop, which goes on without it", name, cause);
        } catch (Throwable e) {
            cause.addSuppressed(e);
        }
        try {
            onFailure.accept(cause);
        } catch (Throwable e) {
            reportFailureOfCallback(e);
        }
    }

    private void reportFailureOfCallback(Throwable cause) {
        try {
            LOG.error("{}: the failure could not be passed on", name, cause);
        } catch (Throwable _) {
            // Not even the log has memory left: this thread still has other clients to serve.
        }
    }

    private void closeRegistrations() {
        Registration[] all;
        synchronized (registrations) {
            closed = true;
            all = registrations.toArray(Registration[]::new);
        }
        for (Registration registration : all) {
            registration.close();
        }
    }

    /**
     * Closes everything that is registered. When it returns no callback of this client runs or will
     * run, unless it is called by one. A second call does nothing.
     */
    @Override
    public void close() {
        closeRegistrations();
        synchronized (registrations) {
            if (left) {
                return;
            }
            left = true;
        }
        EventLoop.leave(thread, this);
    }

    /** How often the thread of this client has returned from {@code epoll_wait}. */
    long wakeUpsOfThread() {
        return thread.wakeUps();
    }

    @Override
    public String toString() {
        return name;
    }
}

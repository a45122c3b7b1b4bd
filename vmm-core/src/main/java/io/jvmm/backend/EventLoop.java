// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;

/**
 * The event loop of this process: a small pool of threads that serve the host side of the devices
 * of all machines.
 *
 * <p>A back end {@linkplain #open opens} a {@link LoopClient}, and through it watches descriptors
 * and eventfds, sets timers and submits tasks. All callbacks of one client run on one thread, one
 * after the other, so that a back end needs no lock among its own callbacks. Callbacks never block:
 * what can block (a regular file, a name lookup, a stream of an embedder's, guest memory whose
 * pages are missing) has a thread elsewhere.
 *
 * <p><b>Lifetime.</b> A thread starts with its first client and ends when its last one closes. A
 * process without clients has no thread of the loop and no descriptor of it, and a loop whose
 * clients have nothing to do sleeps in {@code epoll_wait} without a timeout.
 *
 * <p><b>Failures.</b> A callback that throws fails its own client: everything that the client has
 * registered is closed, the failure is logged, and the client's failure callback is told. The
 * thread goes on with its other clients. A thread that itself cannot go on fails all of its clients
 * in this way before it ends.
 *
 * <p><b>Cost.</b> An event, an expired timer and a submitted task allocate nothing.
 */
public final class EventLoop {

    /** More threads than this gain nothing while back ends only move bytes. */
    private static final int MOST_THREADS = 2;

    // LOCKS: guards threads and the number of clients of each; nothing else is locked under it.
    private static final Object POOL = new Object();
    private static final List<LoopThread> THREADS = new ArrayList<>();
    private static int started;

    private EventLoop() {}

    /**
     * Adds a client, on the thread that has the fewest.
     *
     * @param name of the client, for the log
     * @param onFailure is told what a callback of the client has thrown, once, on the loop's
     *     thread; it does not block
     * @throws io.jvmm.ffi.linux.KernelException the host has no descriptors left for a new thread
     */
    public static LoopClient open(String name, Consumer<Throwable> onFailure) {
        synchronized (POOL) {
            while (true) {
                LoopThread thread = choose();
                LoopClient client = new LoopClient(name, thread, onFailure);
                if (thread.join(client)) {
                    return client;
                }
                THREADS.remove(thread);
            }
        }
    }

    private static LoopThread choose() {
        int most = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
        if (THREADS.size() < most) {
            LoopThread fresh = new LoopThread("jvmm-events-" + started);
            fresh.start();
            started++;
            THREADS.add(fresh);
            return fresh;
        }
        return THREADS.stream()
                .min(Comparator.comparingInt(LoopThread::clients))
                .orElseThrow(AssertionError::new);
    }

    /** A client has closed: its thread ends with it if it was the last one. */
    static void leave(LoopThread thread, LoopClient client) {
        boolean last;
        synchronized (POOL) {
            last = thread.leave(client) == 0;
            if (last) {
                THREADS.remove(thread);
            }
        }
        if (last) {
            thread.end();
        }
    }

    /** A thread that has failed gets no new clients. */
    static void forget(LoopThread thread) {
        synchronized (POOL) {
            THREADS.remove(thread);
        }
    }

    /** How many threads serve the loop at this moment. */
    static int threads() {
        synchronized (POOL) {
            return THREADS.size();
        }
    }
}

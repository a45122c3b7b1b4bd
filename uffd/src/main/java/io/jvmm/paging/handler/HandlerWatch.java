// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.PidFd;
import io.jvmm.paging.handler.HandlerEvent.Cause;

import org.jspecify.annotations.Nullable;

/** Watches over the handler of a machine: over its socket, and its process if that is seen. */
final class HandlerWatch implements AutoCloseable {

    private static final long WAKE = 0;
    private static final long SOCKET = 1;
    private static final long PROCESS = 2;

    private final Epoll epoll = Epoll.create(4);
    private final EventFd wake;

    // Guarded by this.
    private @Nullable HandlerLink link;
    private boolean isSocketOver;
    private boolean isProcessOver;

    HandlerWatch() {
        EventFd made = null;
        try {
            made = EventFd.create();
            epoll.add(made.fd(), Epoll.EPOLLIN, WAKE);
            wake = made;
        } catch (RuntimeException | Error e) {
            if (made != null) {
                made.close();
            }
            epoll.close();
            throw e;
        }
    }

    /** Watches over this handler, and leaves the one before. */
    synchronized void take(HandlerLink handler) {
        leave();
        link = handler;
        epoll.add(handler.socket(), Epoll.EPOLLIN | Epoll.EPOLLRDHUP, SOCKET);
        PidFd process = handler.process();
        if (process != null) {
            epoll.add(process.fd(), Epoll.EPOLLIN, PROCESS);
        }
    }

    /** Lets go of the handler, if there is one. */
    synchronized void leave() {
        HandlerLink old = link;
        link = null;
        if (old != null) {
            if (!isSocketOver) {
                epoll.remove(old.socket());
            }
            PidFd process = old.process();
            if (process != null && !isProcessOver) {
                epoll.remove(process.fd());
            }
            old.leave();
        }
        isSocketOver = false;
        isProcessOver = false;
    }

    /** The handler's process; 0 if there is no handler, or its process is not seen from here. */
    synchronized int pid() {
        return link == null ? 0 : link.pid();
    }

    /**
     * Waits for a change of the handler, or {@link #wake}. For one thread.
     *
     * @return what has become of the handler, or null
     */
    @Nullable HandlerEvent await(int millis) {
        int count = epoll.await(millis);
        for (int i = 0; i < count; i++) {
            if (epoll.data(i) != WAKE) {
                return change();
            }
        }
        return null;
    }

    private synchronized @Nullable HandlerEvent change() {
        HandlerLink of = link;
        if (of == null) {
            return null;
        }
        Cause end = isSocketOver ? null : of.socketEnd();
        if (end == Cause.TALKED) {
            leave();
            return new HandlerEvent.Lost(of.pid(), end);
        }
        if (end != null) {
            // Of what has ended the kernel would tell again and again.
            epoll.remove(of.socket());
            isSocketOver = true;
        }
        PidFd process = of.process();
        if (process != null && !isProcessOver && process.hasEnded()) {
            epoll.remove(process.fd());
            isProcessOver = true;
        }
        if (isSocketOver && (isProcessOver || process == null)) {
            leave();
            return new HandlerEvent.Lost(of.pid(), process == null ? Cause.CLOSED : Cause.EXITED);
        }
        return end == null ? null : new HandlerEvent.SocketClosed(of.pid());
    }

    /** Has {@link #await} return. */
    void wake() {
        wake.signal();
    }

    /** Leaves the handler, and ends. While no thread waits. */
    @Override
    public void close() {
        leave();
        epoll.close();
        wake.close();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.Fd;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashMap;
import java.util.Map;

/**
 * Sockets to handlers that serve nothing of this process any more and may live on. Each stays open
 * until its handler closes the other end. One thread watches over them, and exists only while there
 * are any.
 */
final class PartedSockets {

    private static final Logger LOG = LoggerFactory.getLogger(PartedSockets.class);
    private static final int BATCH = 16;

    // Guarded by the class.
    private static final Map<Long, Fd> SOCKETS = new HashMap<>();
    private static @Nullable Epoll epoll;
    private static long last;

    private PartedSockets() {}

    /**
     * Holds a socket until its other end is closed.
     *
     * @param socket closed by this class
     */
    static synchronized void keep(Fd socket) {
        try {
            Epoll watched = epoll;
            if (watched == null) {
                watched = Epoll.create(BATCH);
                epoll = watched;
                Epoll begun = watched;
                Thread.ofPlatform().name("page-handler-parted").daemon().start(() -> watch(begun));
            }
            SOCKETS.put(++last, socket);
            // Not what can be read: a handler that talks would be told again and again.
            watched.add(socket, Epoll.EPOLLRDHUP, last);
        } catch (RuntimeException | Error e) {
            // It stays open, which is what counts.
            LOG.warn("{} stays open for as long as this process lives", socket, e);
        }
    }

    private static void watch(Epoll watched) {
        while (release(watched, watched.await(-1))) {
            // Until there is none left.
        }
    }

    private static synchronized boolean release(Epoll watched, int count) {
        for (int i = 0; i < count; i++) {
            Fd socket = SOCKETS.remove(watched.data(i));
            if (socket != null) {
                watched.remove(socket);
                socket.close();
            }
        }
        if (SOCKETS.isEmpty()) {
            epoll = null;
            watched.close();
            return false;
        }
        return true;
    }
}

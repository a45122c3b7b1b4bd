// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.EventFd;

import java.util.concurrent.Semaphore;

/**
 * Holds every carrier of virtual threads in a system call, as waits for missing pages can, until it
 * is closed. No virtual thread makes progress meanwhile.
 */
final class HeldCarriers implements AutoCloseable {

    // By default there are as many carriers as processors.
    private final int carriers = Runtime.getRuntime().availableProcessors();
    private final EventFd release = EventFd.create();
    private final Semaphore held = new Semaphore(0);
    private final Semaphore free = new Semaphore(0);

    HeldCarriers() {
        for (int i = 0; i < carriers; i++) {
            Thread _ = Thread.ofVirtual().start(this::hold);
        }
        held.acquireUninterruptibly(carriers);
    }

    private void hold() {
        try (Epoll epoll = Epoll.create(1)) {
            epoll.add(release.fd(), Epoll.EPOLLIN, 0);
            held.release();
            int _ = epoll.await(-1);
        } finally {
            free.release();
        }
    }

    @Override
    public void close() {
        release.signal();
        free.acquireUninterruptibly(carriers);
        release.close();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import io.jvmm.ffi.linux.Fd;

/** A descriptor that the {@link EventLoop} watches. */
public final class DescriptorWatch extends Registration {

    /** Hears what a descriptor is ready for. */
    @FunctionalInterface
    public interface Handler {

        /**
         * The descriptor is ready. On the client's thread of the loop; does not block.
         *
         * @param events of {@code Epoll.EPOLL*}
         */
        void ready(int events);
    }

    private final Fd descriptor;
    private final Handler handler;

    /** Where the loop's thread keeps this; guarded by its lock. */
    int slot = -1;

    DescriptorWatch(LoopClient client, LoopThread thread, Fd descriptor, Handler handler) {
        super(client, thread);
        this.descriptor = descriptor;
        this.handler = handler;
    }

    Fd descriptor() {
        return descriptor;
    }

    /**
     * Changes what the descriptor is watched for, and arms one that has fired with {@code
     * EPOLLONESHOT} again. Does nothing once this is closed.
     *
     * @param events as for {@link LoopClient#watch}
     */
    public void watchFor(int events) {
        thread.rearm(this, events);
    }

    @Override
    void run(int events) {
        handler.ready(events);
    }

    @Override
    void detach() {
        thread.unwatch(this);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import java.util.concurrent.atomic.AtomicBoolean;

/** What a client has registered in the {@link EventLoop}. Thread-safe. */
public abstract sealed class Registration implements AutoCloseable
        permits DescriptorWatch, LoopTimer, LoopTask {

    final LoopClient client;
    final LoopThread thread;
    private final AtomicBoolean closed = new AtomicBoolean();

    Registration(LoopClient client, LoopThread thread) {
        this.client = client;
        this.thread = thread;
    }

    /** Runs the callback. On the loop's thread. */
    abstract void run(int events);

    /** Takes this out of the loop's tables. */
    abstract void detach();

    final boolean isClosed() {
        return closed.get();
    }

    /**
     * Ends the registration. When it returns, its callback does not run and will not run, unless it
     * is called by the callback itself. The caller holds no lock that the callback takes.
     */
    @Override
    public final void close() {
        if (closed.compareAndSet(false, true)) {
            detach();
            client.remove(this);
        }
        thread.awaitNotRunning(this);
    }
}

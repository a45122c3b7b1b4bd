// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import org.jspecify.annotations.Nullable;

/** An action for the client's thread of the {@link EventLoop}. */
public final class LoopTask extends Registration {

    private final Runnable action;

    // Guarded by the thread's lock.
    boolean queued;
    @Nullable LoopTask next;

    LoopTask(LoopClient client, LoopThread thread, Runnable action) {
        super(client, thread);
        this.action = action;
    }

    /**
     * Has the action run once more, soon. Any thread may call this, and it never waits: a
     * submission that comes before the action has begun is part of that run, and what the caller
     * wrote before is seen there. Does nothing once this is closed.
     */
    public void submit() {
        thread.submit(this);
    }

    @Override
    void run(int events) {
        action.run();
    }

    @Override
    void detach() {}
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.PageRequest;

import java.util.concurrent.Semaphore;

/** Waits for the end of requests' lives. */
final class Answered implements PageRequest.Listener {

    private final Semaphore lives = new Semaphore(0);

    @Override
    public void answered(PageRequest request) {
        lives.release();
    }

    /** Waits for the end of one more life. */
    void await() throws InterruptedException {
        lives.acquire();
    }
}

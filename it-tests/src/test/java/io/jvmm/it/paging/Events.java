// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Events as they come, for a test to wait for. */
final class Events<T> implements Consumer<T> {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final BlockingQueue<T> queue = new LinkedBlockingQueue<>();

    @Override
    public void accept(T event) {
        queue.add(event);
    }

    /** Waits for the next event of a kind; others before it are dropped. */
    <E extends T> E await(Class<E> kind) throws InterruptedException {
        long until = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            T event = queue.poll(until - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (event == null) {
                throw new AssertionError("no " + kind.getSimpleName() + " came");
            }
            if (kind.isInstance(event)) {
                return kind.cast(event);
            }
        }
    }

    /** Whether nothing of a kind has come that was not waited for. */
    boolean hasNo(Class<? extends T> kind) {
        return queue.stream().noneMatch(kind::isInstance);
    }
}

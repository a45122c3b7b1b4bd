// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Residency;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Has the kernel bring pages, for callers who wait no longer than their deadline. Nothing
 * interrupts a thread that waits for a page inside the kernel, so threads of its own do that; those
 * whose page never comes stay until the memory is given back to the kernel.
 */
final class Populator implements AutoCloseable {

    /** More callers than these wait for one another. */
    private static final int THREADS = 8;

    private static final int QUEUED = 256;
    private static final long IDLE_SECONDS = 10;
    private static final long CLOSING_SECONDS = 10;

    private final ThreadPoolExecutor threads =
            new ThreadPoolExecutor(
                    THREADS,
                    THREADS,
                    IDLE_SECONDS,
                    TimeUnit.SECONDS,
                    new LinkedBlockingQueue<>(QUEUED),
                    // Platform threads: the call would hold a virtual thread's carrier.
                    Thread.ofPlatform().name("page-populate-", 0).daemon().factory());

    Populator() {
        threads.allowCoreThreadTimeOut(true);
    }

    /**
     * Makes pages readable.
     *
     * @return 0 or {@code -errno}
     * @throws TimeoutException if that takes longer, or too many wait already
     */
    int populate(long address, long length, long nanos) throws TimeoutException {
        CompletableFuture<Integer> result = new CompletableFuture<>();
        try {
            threads.execute(() -> result.complete(Residency.tryPopulate(address, length)));
        } catch (RejectedExecutionException e) {
            TimeoutException tooMany = new TimeoutException("too many wait for pages already");
            tooMany.initCause(e);
            throw tooMany;
        }
        return await(result, nanos);
    }

    private static int await(CompletableFuture<Integer> result, long nanos)
            throws TimeoutException {
        long until = System.nanoTime() + nanos;
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return result.get(until - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    // A device does not stop in the middle of an access; its deadline ends that.
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("only ever completed with a value", e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Waits for the threads, none of which waits for a page any more. */
    @Override
    public void close() {
        threads.shutdown();
        try {
            if (!threads.awaitTermination(CLOSING_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("a thread still waits for a page");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

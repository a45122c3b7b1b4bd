// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.linux.NativeThread;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * A thread inside system calls that wait for pages. Never a Java access: that would hold up the
 * whole virtual machine.
 */
final class Toucher {

    private final CompletableFuture<Integer> threadId = new CompletableFuture<>();
    private final CompletableFuture<Long> result = new CompletableFuture<>();

    private Toucher() {}

    static Toucher start(LongSupplier calls) {
        Toucher toucher = new Toucher();
        Thread.ofPlatform().daemon().start(() -> toucher.run(calls));
        return toucher;
    }

    private void run(LongSupplier calls) {
        threadId.complete(NativeThread.id());
        try {
            result.complete(calls.getAsLong());
        } catch (RuntimeException | Error e) {
            result.completeExceptionally(e);
        }
    }

    int threadId() {
        return threadId.join();
    }

    boolean isDone() {
        return result.isDone();
    }

    /** Waits for the end, however long it takes. */
    void join() {
        result.join();
    }

    /** What the calls have returned; fails if they do not return within a minute. */
    long result() {
        return result.orTimeout(60, TimeUnit.SECONDS).join();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import io.jvmm.ffi.linux.NativeThread;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * A thread inside one call that may wait for a page. The call must be a system call: a thread that
 * waits within a memory access of Java code would hold up the whole virtual machine.
 */
final class Waiter {

    private final CompletableFuture<Integer> threadId = new CompletableFuture<>();
    private final CompletableFuture<Long> result = new CompletableFuture<>();

    private Waiter() {}

    static Waiter start(LongSupplier call) {
        Waiter waiter = new Waiter();
        Thread.ofPlatform().daemon().start(() -> waiter.run(call));
        return waiter;
    }

    private void run(LongSupplier call) {
        threadId.complete(NativeThread.id());
        try {
            result.complete(call.getAsLong());
        } catch (RuntimeException | Error e) {
            result.completeExceptionally(e);
        }
    }

    int threadId() {
        return threadId.join();
    }

    /** Waits until the thread sleeps in {@code read(2)}, the system call of number 0. */
    void awaitRead() throws IOException {
        Path call = Path.of("/proc/self/task/" + threadId() + "/syscall");
        while (!Files.readString(call).startsWith("0 0x")) {
            Thread.onSpinWait();
        }
    }

    boolean isWaiting() {
        return !result.isDone();
    }

    /** What the call has returned; fails if it does not return within ten seconds. */
    long result() {
        return result.orTimeout(10, TimeUnit.SECONDS).join();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import org.jspecify.annotations.Nullable;

import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** Remembers what became of an output. */
final class EndOfOutput implements ConsoleOutput.Owner {

    private final CompletableFuture<Optional<String>> end = new CompletableFuture<>();
    private final BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
    private final AtomicInteger broken = new AtomicInteger();

    @Override
    public void ended(@Nullable String why) {
        if (!end.complete(Optional.ofNullable(why))) {
            failures.add(new AssertionError("told twice"));
        }
    }

    @Override
    public void broken(String why) {
        broken.incrementAndGet();
    }

    @Override
    public void failed(Throwable cause) {
        failures.add(cause);
    }

    /** {@return why the rest was given up; empty if all was written} */
    Optional<String> await() {
        try {
            return end.get(50, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    boolean isTold() {
        return end.isDone();
    }

    int broken() {
        return broken.get();
    }

    Throwable failure() throws InterruptedException {
        return failures.take();
    }

    int failures() {
        return failures.size();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/** What somebody has to give back, in the reverse order of its making. For one thread at a time. */
final class Owned implements AutoCloseable {

    private final Deque<Runnable> closings = new ArrayDeque<>();

    /** Takes a resource over; returns it. */
    <T> T own(T resource, Consumer<? super T> close) {
        closings.push(() -> close.accept(resource));
        return resource;
    }

    /**
     * Gives everything back, also when some of it fails; then the first failure is thrown, and has
     * the others among its suppressed ones. A second call does nothing.
     */
    @Override
    public void close() {
        @Nullable Throwable failure = null;
        while (!closings.isEmpty()) {
            try {
                closings.pop().run();
            } catch (RuntimeException | Error e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        switch (failure) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError(failure);
        }
    }
}

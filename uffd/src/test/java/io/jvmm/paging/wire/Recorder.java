// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Keeps what it is told, for a test to wait for. */
final class Recorder<E> implements Consumer<E> {

    private final List<E> seen = new ArrayList<>();

    @Override
    public synchronized void accept(E event) {
        seen.add(event);
        notifyAll();
    }

    /** Waits for the first event of a kind, past ones included. */
    synchronized <T extends E> T await(Class<T> kind) throws InterruptedException {
        while (true) {
            for (E event : seen) {
                if (kind.isInstance(event)) {
                    return kind.cast(event);
                }
            }
            wait();
        }
    }

    synchronized <T extends E> List<T> all(Class<T> kind) {
        return seen.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    /** Waits until there are so many events of a kind. */
    synchronized void await(Class<? extends E> kind, int count) throws InterruptedException {
        while (all(kind).size() < count) {
            wait();
        }
    }

    @Override
    public synchronized String toString() {
        return seen.toString();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSink;
import io.jvmm.paging.PageSource;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** A source behind something like a network: asynchronous, by priority, and it can be cut. */
final class RemoteSource implements PageSource {

    private record Ask(PageRequest request, int first, int count, int order)
            implements Comparable<Ask> {
        @Override
        public int compareTo(Ask other) {
            int byPriority = request.priority().compareTo(other.request.priority());
            return byPriority != 0 ? byPriority : Integer.compare(order, other.order);
        }
    }

    private static final int END = -1;

    private final PageSource behind;
    private final PriorityBlockingQueue<Ask> queue = new PriorityBlockingQueue<>();
    private final AtomicInteger order = new AtomicInteger();
    private final List<Thread> threads = new ArrayList<>();
    private final long delayNanos;
    final AtomicInteger cancels = new AtomicInteger();
    final AtomicInteger hastened = new AtomicInteger();
    private @Nullable PageSink sink;
    private volatile boolean cut;
    private volatile boolean held;
    private volatile boolean closed;

    RemoteSource(PageSource behind, int threadCount, long delayNanos) {
        this.behind = behind;
        this.delayNanos = delayNanos;
        for (int i = 0; i < threadCount; i++) {
            threads.add(Thread.ofPlatform().daemon().start(this::serve));
        }
    }

    PageSink sink() {
        if (sink == null) {
            throw new IllegalStateException("not started");
        }
        return sink;
    }

    /** From now on every request fails, at once. */
    void cut() {
        cut = true;
    }

    void restore(boolean tell) {
        cut = false;
        if (tell) {
            sink().available();
        }
    }

    /** Requests are neither answered nor refused. */
    void hold(boolean on) {
        held = on;
    }

    @Override
    public void start(PageSink given) {
        sink = given;
    }

    @Override
    public boolean isSynchronous() {
        return false;
    }

    @Override
    public void fetch(PageRequest request, int first, int count) {
        if (closed) {
            request.failed(first, count, PageFailure.LOST);
            return;
        }
        queue.add(new Ask(request, first, count, order.getAndIncrement()));
        if (closed) {
            // Whoever has closed it may have looked before.
            refuseAll();
        }
    }

    @Override
    public void hasten(PageRequest request) {
        hastened.incrementAndGet();
    }

    @Override
    public void cancel(PageRequest request) {
        cancels.incrementAndGet();
    }

    private void serve() {
        PageRequest none = new PageRequest(_ -> {});
        while (!closed) {
            Ask ask;
            try {
                ask = queue.take();
            } catch (InterruptedException e) {
                break;
            }
            if (ask.order == END) {
                break;
            }
            while (held && !closed) {
                Thread.onSpinWait();
            }
            long until = System.nanoTime() + delayNanos;
            while (System.nanoTime() - until < 0 && !closed) {
                Thread.onSpinWait();
            }
            if (closed) {
                ask.request.failed(ask.first, ask.count, PageFailure.LOST);
            } else if (cut) {
                ask.request.failed(ask.first, ask.count, PageFailure.AWAY);
            } else {
                behind.fetch(ask.request, ask.first, ask.count);
            }
        }
        // Whoever ends wakes the next.
        queue.add(new Ask(none, 0, 0, END));
    }

    @Override
    public void close() {
        closed = true;
        queue.add(new Ask(new PageRequest(_ -> {}), 0, 0, END));
        for (Thread thread : threads) {
            thread.interrupt();
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        refuseAll();
        behind.close();
    }

    private void refuseAll() {
        for (Ask ask = queue.poll(); ask != null; ask = queue.poll()) {
            if (ask.count > 0) {
                ask.request.failed(ask.first, ask.count, PageFailure.LOST);
            }
        }
    }
}

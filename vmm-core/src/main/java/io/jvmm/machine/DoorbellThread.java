// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.EventFd;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Waits for eventfds and tells their owners, one at a time. Starts with the first of them; a
 * machine without doorbells has no such thread.
 */
final class DoorbellThread implements AutoCloseable {

    private static final int EVENTS = 16;
    private static final long END = -1;

    private record Watched(EventFd event, Runnable owner) {}

    private final String name;
    private final Consumer<Throwable> onFailure;
    private final Object gate = new Object(); // held while an owner is told
    private final List<Watched> watched = new ArrayList<>(); // guarded by gate, as the rest
    private boolean paused;
    private boolean ended;
    private @Nullable Epoll epoll;
    private @Nullable EventFd end;
    private @Nullable Thread thread;

    DoorbellThread(String name, Consumer<Throwable> onFailure) {
        this.name = name;
        this.onFailure = onFailure;
    }

    void watch(EventFd event, Runnable owner) {
        synchronized (gate) {
            Epoll set = epoll;
            if (set == null) {
                set = start();
            }
            watched.add(new Watched(event, owner));
            set.add(event.fd(), Epoll.EPOLLIN, watched.size() - 1L);
        }
    }

    private Epoll start() {
        Epoll set = Epoll.create(EVENTS);
        epoll = set;
        EventFd ending = EventFd.create();
        end = ending;
        set.add(ending.fd(), Epoll.EPOLLIN, END);
        thread = Thread.ofPlatform().name(name).daemon(true).start(() -> run(set));
        return set;
    }

    private void run(Epoll set) {
        try {
            while (true) {
                int count = set.await(-1);
                for (int i = 0; i < count; i++) {
                    if (set.data(i) == END || !tell((int) set.data(i))) {
                        return;
                    }
                }
            }
        } catch (Throwable e) {
            onFailure.accept(e);
        }
    }

    /** Returns whether to go on. */
    private boolean tell(int index) throws InterruptedException {
        synchronized (gate) {
            while (paused && !ended) {
                gate.wait();
            }
            if (ended) {
                return false;
            }
            Watched each = watched.get(index);
            if (each.event().take() > 0) {
                each.owner().run();
            }
            return true;
        }
    }

    void pause() {
        synchronized (gate) {
            paused = true;
        }
    }

    void resume() {
        synchronized (gate) {
            paused = false;
            gate.notifyAll();
        }
    }

    /** Takes what has been signalled, and tells nobody. */
    void discard() {
        synchronized (gate) {
            watched.forEach(each -> each.event().take());
        }
    }

    @Override
    public void close() {
        Thread ending;
        synchronized (gate) {
            ended = true;
            gate.notifyAll();
            ending = thread;
            if (end != null) {
                end.signal();
            }
        }
        if (ending != null && !ending.equals(Thread.currentThread())) {
            join(ending);
        }
        synchronized (gate) {
            if (epoll != null) {
                epoll.close();
                epoll = null;
            }
            if (end != null) {
                end.close();
                end = null;
            }
        }
    }

    private static void join(Thread ending) {
        boolean interrupted = false;
        while (true) {
            try {
                ending.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

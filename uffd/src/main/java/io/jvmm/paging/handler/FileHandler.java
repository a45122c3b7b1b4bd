// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.NativeThread;
import io.jvmm.ffi.linux.PidFd;
import io.jvmm.ffi.linux.Signals;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.function.Consumer;

/**
 * Serves the faults of one machine from a file, a page at a time, until the machine ends.
 *
 * <p><b>The end of a machine</b> is the end of its process, or that the kernel knows none of its
 * regions any more. The end of its socket is not: some monitors close it as soon as they have
 * handed their faults over.
 *
 * <p><b>Two threads</b> serve a machine. A thread of this object reads the machine's faults and
 * answers them; the caller's thread watches for the end and frees the other one. The machine shares
 * the userfaultfd's file description, so it can make any read block at any moment, also behind a
 * {@code poll} that said otherwise; a signal ends such a read, and nothing that the machine does
 * prevents that.
 *
 * <p>Pages that the machine gives back (a balloon's {@code MADV_DONTNEED}) are zero from then on,
 * whatever the file holds.
 */
public final class FileHandler {

    private static final long SOCKET = 0;
    private static final long END = 1;

    // How often the kernel is asked whether it knows the regions: rarely while the machine's
    // socket is open, because a machine that ends in good order closes it.
    private static final int LOOK_MILLIS = 5000;
    private static final int LOOK_WITHOUT_SOCKET_MILLIS = 200;
    private static final long KICK_MILLIS = 20;

    private final Fd socket;
    private final Fd stop;
    private final FileFaults faults;

    /**
     * @param machine whom to serve; closed by the caller, afterwards
     * @param socket on which it came
     * @param file what the regions' offsets refer to
     * @param stop becomes readable when the handler shall end before the machine does
     * @param unreadable is told, at most once a second, why the file does not give a page; the
     *     machine waits and the file is read again until it does
     * @throws HandlerException if the file ends before the regions do
     */
    public FileHandler(Handover machine, Fd socket, Fd file, Fd stop, Consumer<String> unreadable) {
        this.socket = socket;
        this.stop = stop;
        faults = new FileFaults(machine, file, unreadable);
    }

    /**
     * Serves until the machine ends, or this handler shall.
     *
     * @return the bytes that it has put in place
     * @throws HandlerException if the machine touches what it has not told of
     * @throws io.jvmm.ffi.linux.KernelException if the kernel refuses
     * @throws IllegalStateException if the application handles {@code SIGUSR1}
     */
    public long run() {
        try (Kick kick = Kick.install();
                EventFd over = EventFd.create();
                EventFd served = EventFd.create()) {
            Server server = new Server(kick, over, served);
            server.start();
            try {
                awaitEnd(served.fd());
            } finally {
                server.end();
            }
            server.rethrow();
        }
        return faults.copied();
    }

    /** Waits until the machine has ended, the serving thread has, or this handler shall. */
    private void awaitEnd(Fd served) {
        try (Epoll epoll = Epoll.create(4);
                @Nullable PidFd process = PidFd.ofPeer(socket).orElse(null)) {
            // The machine says nothing more: what can be read is the end of its socket.
            epoll.add(socket, Epoll.EPOLLIN | Epoll.EPOLLRDHUP, SOCKET);
            epoll.add(stop, Epoll.EPOLLIN, END);
            epoll.add(served, Epoll.EPOLLIN, END);
            if (process != null) {
                epoll.add(process.fd(), Epoll.EPOLLIN, END);
            }
            int look = LOOK_MILLIS;
            do {
                int count = epoll.await(look);
                for (int i = 0; i < count; i++) {
                    if (epoll.data(i) == END) {
                        return;
                    }
                    epoll.remove(socket);
                    look = LOOK_WITHOUT_SOCKET_MILLIS;
                }
            } while (faults.areExpected());
        }
    }

    /** The thread that reads and answers. */
    private final class Server {

        private final Kick kick;
        private final EventFd over;
        private final EventFd served;
        private final Thread thread;
        private volatile int threadId;
        private volatile @Nullable Throwable failure;

        /**
         * @param over has the thread end
         * @param served is told that the thread has nothing more to do
         */
        Server(Kick kick, EventFd over, EventFd served) {
            this.kick = kick;
            this.over = over;
            this.served = served;
            thread = Thread.ofPlatform().name("handler-faults").daemon().unstarted(this::run);
        }

        void start() {
            thread.start();
        }

        // Whatever ends this thread is told by the one that waits for it.
        @SuppressWarnings("CatchingUnchecked")
        private void run() {
            try {
                Signals.unblock(kick.signal());
                threadId = NativeThread.id();
                faults.serve(over.fd());
            } catch (RuntimeException | Error e) {
                failure = e;
            } finally {
                served.signal();
            }
        }

        /** Ends the thread, wherever it waits. */
        void end() {
            faults.end();
            over.signal();
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    // Again and again: the thread may be on its way into a read.
                    if (!thread.join(Duration.ofMillis(KICK_MILLIS)) && threadId != 0) {
                        int _ = kick.trySend(threadId);
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        void rethrow() {
            Throwable thrown = failure;
            if (thrown instanceof Error error) {
                throw error;
            }
            if (thrown instanceof RuntimeException exception) {
                throw exception;
            }
        }
    }
}

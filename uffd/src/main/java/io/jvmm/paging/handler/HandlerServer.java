// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.PidFd;
import io.jvmm.ffi.linux.UnixSocket;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Listens for machines that want their page faults served from one file, and gives each a {@link
 * FileHandler} with threads of its own. A machine that does not keep to the handshake is refused,
 * and the others notice nothing. A connection that has not said yet what to serve takes no
 * machine's place; of too many such connections the oldest is closed.
 *
 * <p>Thread-safe.
 */
public final class HandlerServer implements AutoCloseable {

    // Of a file's mode: its kind, and that of a socket.
    private static final int S_IFMT = 0170000;
    private static final int S_IFSOCK = 0140000;
    private static final long CONNECTION = 0;
    // Connections that have not said yet what to serve.
    private static final int MOST_STRANGERS = 16;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Path path;
    private final Fd listening;
    private final Fd file;
    private final Duration opening;
    private final Consumer<MachineEvent> events;
    private final Semaphore room;
    private final EventFd stop = EventFd.create();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final Deque<Fd> strangers = new ArrayDeque<>();
    private final Thread accepting;
    private volatile boolean closed;

    private HandlerServer(
            Path path,
            Fd listening,
            Fd file,
            int machines,
            Duration opening,
            Consumer<MachineEvent> events) {
        this.path = path;
        this.listening = listening;
        this.file = file;
        this.opening = opening;
        this.events = Guarded.listener(events);
        room = new Semaphore(machines);
        accepting = Thread.ofPlatform().name("handler-accept").daemon().unstarted(this::accept);
    }

    /**
     * Listens and serves until it is closed.
     *
     * @param path of the socket, which only this user may connect to; one that a dead handler has
     *     left is replaced
     * @param file kept open by the caller until the server is closed
     * @param machines how many at a time
     * @param opening how long a machine may take for the handshake
     * @param events called from the threads that serve; must not wait
     * @throws IOException if the path cannot be had
     */
    public static HandlerServer open(
            Path path, Fd file, int machines, Duration opening, Consumer<MachineEvent> events)
            throws IOException {
        removeStale(path);
        Fd listening = UnixSocket.bind(path);
        try {
            // Before it listens: no other user's connection is in its backlog.
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            UnixSocket.listen(listening);
            listening.setNonBlocking(true);
        } catch (IOException | KernelException e) {
            listening.close();
            throw e;
        }
        HandlerServer server = new HandlerServer(path, listening, file, machines, opening, events);
        server.accepting.start();
        return server;
    }

    /** A socket's file outlives a handler that was killed; one that somebody serves is left. */
    private static void removeStale(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        if (!(mode instanceof Integer bits) || (bits & S_IFMT) != S_IFSOCK) {
            // An attempt to connect would be refused there as at a dead handler's socket.
            throw new IOException(path + " is there and no socket");
        }
        try (Fd _ = UnixSocket.connect(path)) {
            throw new IOException(path + " is in use by another handler");
        } catch (KernelException e) {
            if (!e.errno().equals(Errno.ECONNREFUSED)) {
                throw new IOException(path + ": " + e.getMessage(), e);
            }
            Files.deleteIfExists(path);
        }
    }

    // A server whose accepting thread ends would serve no machine any more, and say nothing.
    @SuppressWarnings("CatchingUnchecked")
    private void accept() {
        try (Epoll epoll = Epoll.create(2)) {
            epoll.add(listening, Epoll.EPOLLIN, CONNECTION);
            epoll.add(stop.fd(), Epoll.EPOLLIN, CONNECTION + 1);
            while (!closed) {
                try {
                    if (epoll.await(-1) > 0 && !closed) {
                        acceptOne();
                    }
                } catch (RuntimeException | Error e) {
                    // The connection is gone already; or this process has no descriptor, thread or
                    // memory left, and others may give some back.
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
            }
        }
    }

    private void acceptOne() {
        Fd socket = UnixSocket.accept(listening);
        Thread thread = null;
        try {
            thread = Thread.ofPlatform().name("handler").daemon().unstarted(() -> run(socket));
            threads.add(thread);
            enter(socket);
            thread.start();
        } catch (RuntimeException | Error e) {
            // The machine sees that it has no handler.
            if (thread != null) {
                threads.remove(thread);
            }
            leave(socket);
            socket.close();
            throw e;
        }
    }

    /** A connection begins that has not said yet what to serve. */
    private void enter(Fd socket) {
        synchronized (strangers) {
            strangers.addLast(socket);
            if (strangers.size() > MOST_STRANGERS) {
                UnixSocket.shutDown(strangers.removeFirst());
            }
        }
    }

    /** Whether the connection was not closed to make room for another. */
    private boolean leave(Fd socket) {
        synchronized (strangers) {
            return strangers.remove(socket);
        }
    }

    /** A connection among the strangers, until it is closed at the latest. */
    private interface Stranger extends AutoCloseable {
        @Override
        void close();
    }

    // What ends this thread is told as an event.
    @SuppressWarnings("CatchingUnchecked")
    private void run(Fd socket) {
        int pid = 0;
        try (socket;
                Stranger _ = () -> leave(socket)) {
            pid = PidFd.ofPeer(socket).map(HandlerServer::numberOf).orElse(0);
            serve(socket, pid);
        } catch (HandlerException | KernelException e) {
            events.accept(new MachineEvent.Refused(pid, String.valueOf(e.getMessage())));
        } catch (RuntimeException | Error e) {
            events.accept(new MachineEvent.Refused(pid, "the handler has failed: " + e));
        } finally {
            threads.remove(Thread.currentThread());
        }
    }

    private static int numberOf(PidFd process) {
        try (process) {
            return process.pid();
        }
    }

    private void serve(Fd socket, int pid) {
        try (Handover machine = handover(socket)) {
            if (!room.tryAcquire()) {
                throw new HandlerException("too many machines are served");
            }
            try {
                FileHandler handler =
                        new FileHandler(
                                machine,
                                socket,
                                file,
                                stop.fd(),
                                why -> events.accept(new MachineEvent.Unreadable(pid, why)));
                long bytes = machine.regions().stream().mapToLong(HandlerRegion::size).sum();
                events.accept(new MachineEvent.Accepted(pid, bytes));
                events.accept(new MachineEvent.Ended(pid, handler.run()));
            } finally {
                room.release();
            }
        }
    }

    /** A connection that was closed to make room for another says so, whatever it sees. */
    private Handover handover(Fd socket) {
        try {
            return Handover.receive(socket, opening);
        } catch (HandlerException e) {
            if (!leave(socket)) {
                throw new HandlerException(
                        closed
                                ? "this handler ends"
                                : "it was the oldest of too many connections that do not say what"
                                        + " to serve");
            }
            throw e;
        } finally {
            boolean _ = leave(socket);
        }
    }

    /** How many machines are connected. */
    public int machines() {
        return threads.size();
    }

    /**
     * Leaves all machines, which see the end of their sockets, and waits until no thread uses the
     * file any more. A second call does nothing.
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        stop.signal();
        join(accepting);
        synchronized (strangers) {
            strangers.forEach(UnixSocket::shutDown);
            strangers.clear();
        }
        while (!threads.isEmpty()) {
            threads.forEach(HandlerServer::join);
        }
        listening.close();
        stop.close();
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // Whoever comes next replaces it.
        }
    }

    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

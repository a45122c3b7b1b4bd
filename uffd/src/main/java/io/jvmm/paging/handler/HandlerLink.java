// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.FdPassing;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.PidFd;
import io.jvmm.ffi.linux.UnixSocket;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.paging.handler.HandlerEvent.Cause;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The machine's side: a handler to whom the faults were handed. Nothing more passes over the
 * socket.
 *
 * <p>A handler is lost once both its socket and its process have ended. Its process is the one that
 * has called {@code listen}: it may have ended while a child serves, which then has the socket; and
 * a handler that has closed its socket may serve on with the descriptor.
 *
 * <p>The machine keeps its own descriptor of the userfaultfd open: while it does, a page that no
 * handler supplies is waited for and never turns into zeros. When a handler has ended, {@link
 * #handOver} to another one, or let the vCPUs go.
 *
 * <p>Thread-safe.
 */
public final class HandlerLink implements AutoCloseable {

    private final Fd socket;
    private final @Nullable PidFd process;

    private HandlerLink(Fd socket, @Nullable PidFd process) {
        this.socket = socket;
        this.process = process;
    }

    /**
     * Hands the faults to the handler that listens at a path.
     *
     * <p>Threads that wait are woken to fault again, because what an earlier handler has read and
     * not answered is known to no other.
     *
     * @param uffd with all regions registered; stays the caller's. It does not block from here on:
     *     a handler polls it, and shares its flags with every handler before
     * @param within how long to wait while the handler accepts no connection
     * @param isWanted asked some times a second while this waits; false ends it
     * @throws KernelException no handler listens, or none accepts in time
     */
    public static HandlerLink handOver(
            Path path,
            Userfaultfd uffd,
            List<HandlerRegion> regions,
            Duration within,
            BooleanSupplier isWanted) {
        Fd socket = UnixSocket.connect(path, within, isWanted);
        PidFd process = null;
        try {
            process = PidFd.ofPeer(socket).orElse(null);
            uffd.setNonBlocking(true);
            FdPassing.send(socket, HandlerMessage.encode(regions), List.of(uffd.fd()));
            for (HandlerRegion region : regions) {
                KernelException.check("UFFDIO_WAKE", uffd.tryWake(region.address(), region.size()));
            }
            return new HandlerLink(socket, process);
        } catch (RuntimeException | Error e) {
            if (process != null) {
                process.close();
            }
            socket.close();
            throw e;
        }
    }

    /** The socket, to wait on it. */
    Fd socket() {
        return socket;
    }

    /** The handler's process, if it is seen from here. */
    @Nullable PidFd process() {
        return process;
    }

    /** The handler's process number, or 0. */
    int pid() {
        return process == null ? 0 : process.pid();
    }

    /** Whether the process, if it is seen from here, has ended. */
    boolean hasProcessEnded() {
        return process == null || process.hasEnded();
    }

    /** How the socket has ended; null while it has not. */
    @Nullable Cause socketEnd() {
        if (socket.poll(Fd.POLLIN, 0) <= 0) {
            return null;
        }
        try (FdPassing.Message message = FdPassing.receive(socket, 1, 1)) {
            return message.payload().length == 0 ? Cause.CLOSED : Cause.TALKED;
        } catch (KernelException e) {
            // ECONNRESET: it has closed with something left unread.
            return Cause.CLOSED;
        }
    }

    /**
     * Waits until the handler is lost.
     *
     * @param most 0 to look and not wait
     * @return whether it is
     */
    public boolean awaitEnd(Duration most) {
        long deadline = System.nanoTime() + most.toNanos();
        // What can be read on the socket is its end: no handler sends anything.
        return awaitInput(socket, deadline)
                && (process == null || awaitInput(process.fd(), deadline));
    }

    private static boolean awaitInput(Fd fd, long deadline) {
        while (true) {
            long left = Math.max(0, deadline - System.nanoTime());
            int events = fd.poll(Fd.POLLIN, (int) Math.min(60_000, (left + 999_999) / 1_000_000));
            if (events > 0) {
                return true;
            }
            if (events < 0 && !Errno.EINTR.is(events)) {
                throw new KernelException("poll", Errno.of(events));
            }
            if (left == 0) {
                return false;
            }
        }
    }

    /**
     * Lets go of the handler and leaves it the socket: some handlers take the socket's end for an
     * error while they live, and one kills its peer for it. This process holds the socket until the
     * handler's end of it is closed.
     */
    void leave() {
        if (process != null) {
            process.close();
        }
        PartedSockets.keep(socket);
    }

    /** Lets go of the handler and closes the socket. */
    @Override
    public void close() {
        socket.close();
        if (process != null) {
            process.close();
        }
    }
}

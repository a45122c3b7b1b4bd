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

/**
 * The machine's side: a handler to whom the faults were handed. Nothing more passes over the
 * socket, but its end tells that the handler has ended, in whichever way.
 *
 * <p>The machine keeps its own descriptor of the userfaultfd open: while it does, a page that
 * nobody supplies is waited for and never turns into zeros. When a handler has ended, {@link
 * #handOver} to another one, or let the vCPUs go.
 *
 * <p>Thread-safe.
 */
public final class HandlerLink implements AutoCloseable {

    private static final int ENDING_MILLIS = 1000;

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
     * not answered is known to nobody else.
     *
     * @param uffd with all regions registered; stays the caller's
     * @throws KernelException if nobody listens
     */
    public static HandlerLink handOver(Path path, Userfaultfd uffd, List<HandlerRegion> regions) {
        Fd socket = UnixSocket.connect(path);
        PidFd process = null;
        try {
            process = PidFd.ofPeer(socket).orElse(null);
            FdPassing.send(socket, HandlerMessage.encode(regions), List.of(uffd.fd()));
            for (HandlerRegion region : regions) {
                KernelException.check("UFFDIO_WAKE", uffd.tryWake(region.address(), region.size()));
            }
            return new HandlerLink(socket, process);
        } catch (KernelException e) {
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

    /**
     * Why the handler serves no more; null while it does. Takes a moment where the socket has ended
     * and the process has not yet.
     */
    @Nullable Cause end() {
        if (process != null && process.hasEnded()) {
            return Cause.EXITED;
        }
        int events = socket.poll(Fd.POLLIN, 0);
        if (events <= 0) {
            return null;
        }
        try (FdPassing.Message message = FdPassing.receive(socket, 1, 1)) {
            return message.payload().length == 0 ? closed() : Cause.TALKED;
        } catch (KernelException e) {
            // ECONNRESET: it has closed with something left unread.
            return closed();
        }
    }

    /** A process that ends closes its socket first. */
    private Cause closed() {
        boolean hasEnded = process != null && process.fd().poll(Fd.POLLIN, ENDING_MILLIS) > 0;
        return hasEnded ? Cause.EXITED : Cause.CLOSED;
    }

    /**
     * Waits for the handler's end.
     *
     * @param most 0 to look and not wait
     * @return whether it has ended
     */
    public boolean awaitEnd(Duration most) {
        long deadline = System.nanoTime() + most.toNanos();
        while (true) {
            long left = Math.max(0, deadline - System.nanoTime());
            int events = socket.poll(Fd.POLLIN, (int) Math.min(60_000, left / 1_000_000 + 1));
            if (events > 0) {
                // Nothing is ever sent on it: whatever there is, is its end.
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

    /** Lets go of the handler, which takes it as the machine's end. */
    @Override
    public void close() {
        socket.close();
        if (process != null) {
            process.close();
        }
    }
}

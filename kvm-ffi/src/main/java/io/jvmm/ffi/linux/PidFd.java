// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A process that can be waited for without being one's child ({@code pidfd_open(2)}, Linux 5.3).
 * Its descriptor is readable ({@link Fd#POLLIN}) from the process's end on, and never means another
 * process that gets the same number later.
 */
public final class PidFd implements AutoCloseable {

    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;

    // struct ucred: pid, uid, gid
    private static final int PID = 0;
    private static final int UCRED_BYTES = 12;

    private final Fd fd;
    private final int pid;

    private PidFd(Fd fd, int pid) {
        this.fd = fd;
        this.pid = pid;
    }

    /**
     * A process by its number.
     *
     * @throws KernelException {@code ESRCH} if there is none
     */
    public static PidFd open(int pid) {
        long result = Linux.call(Nr.PIDFD_OPEN, pid, 0, 0);
        return new PidFd(
                Fd.adopt("pidfd " + pid, (int) KernelException.check("pidfd_open", result)), pid);
    }

    /**
     * The process at the other end of a {@link UnixSocket}: the one that connected, or that
     * listened when it was connected to ({@code SO_PEERCRED}, {@code unix(7)}). Whoever it has
     * handed the socket to since is not known.
     *
     * @return empty if it has ended, is in a process namespace that this one does not see, or the
     *     kernel has no such descriptors
     */
    public static Optional<PidFd> ofPeer(Fd socket) {
        MemorySegment scratch = Linux.scratch();
        MemorySegment length = scratch.asSlice(UCRED_BYTES, Integer.BYTES);
        length.set(JAVA_INT, 0, UCRED_BYTES);
        KernelException.check(
                "SO_PEERCRED",
                Linux.call(
                        Nr.GETSOCKOPT,
                        socket.number(),
                        SOL_SOCKET,
                        SO_PEERCRED,
                        scratch.address(),
                        length.address(),
                        0));
        int pid = scratch.get(JAVA_INT, PID);
        if (pid == 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(open(pid));
        } catch (KernelException e) {
            return Optional.empty();
        }
    }

    /** The process's number in this process's namespace. */
    public int pid() {
        return pid;
    }

    /** The descriptor, to wait on it. */
    public Fd fd() {
        return fd;
    }

    /** Whether the process has ended; a zombie has. */
    public boolean hasEnded() {
        return fd.poll(Fd.POLLIN, 0) > 0;
    }

    @Override
    public void close() {
        fd.close();
    }
}

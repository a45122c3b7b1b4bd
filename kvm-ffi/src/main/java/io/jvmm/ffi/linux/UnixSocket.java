// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Stream sockets between processes of this machine, as descriptors: the JDK's channels do not let
 * descriptors pass.
 */
public final class UnixSocket {

    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int STREAM = SOCK_STREAM | SOCK_CLOEXEC;
    private static final int BACKLOG = 128;
    private static final int SOL_SOCKET = 1;
    private static final int SO_SNDTIMEO = 21;
    private static final int SHUT_RDWR = 2;

    // struct timeval
    private static final long TV_SEC = 0;
    private static final long TV_USEC = 8;
    private static final int TIMEVAL_BYTES = 16;

    // How long one attempt to connect waits, before it looks whether it is still wanted.
    private static final long SLICE_NANOS = 50_000_000;

    // struct sockaddr_un
    private static final long SUN_FAMILY = 0;
    private static final long SUN_PATH = 2;
    private static final long SUN_PATH_BYTES = 108;

    private UnixSocket() {}

    /** Two sockets that are connected to each other. */
    public record Pair(Fd first, Fd second) implements AutoCloseable {
        @Override
        public void close() {
            first.close();
            second.close();
        }
    }

    public static Pair pair() {
        MemorySegment numbers = Linux.scratch();
        KernelException.check(
                "socketpair", Linux.call(Nr.SOCKETPAIR, AF_UNIX, STREAM, 0, numbers.address()));
        int first = numbers.get(JAVA_INT, 0);
        int second = numbers.get(JAVA_INT, Integer.BYTES);
        return new Pair(Fd.adopt("socket", first), Fd.adopt("socket", second));
    }

    /** Connects to the listener at a path. Waits without limit while its backlog is full. */
    public static Fd connect(Path path) {
        return named(path, "connect", Nr.CONNECT);
    }

    /**
     * Connects to the listener at a path, while its backlog is full at most for a time. What is
     * sent on the socket later does not wait for longer at a time than this method did, either.
     *
     * @param within how long to wait, more than nothing
     * @param isWanted asked some times a second while this waits; false ends it
     * @throws KernelException {@code ETIMEDOUT} when the time is over, {@code ECANCELED} if the
     *     connection is not wanted any more
     */
    public static Fd connect(Path path, Duration within, BooleanSupplier isWanted) {
        long deadline = System.nanoTime() + within.toNanos();
        String operation = "connect " + path;
        Fd socket = open(path);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path, "connect");
            while (true) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    throw new KernelException(operation, Errno.ETIMEDOUT)
                            .withRemedy("its listener does not accept connections");
                }
                if (!isWanted.getAsBoolean()) {
                    throw new KernelException(operation, Errno.ECANCELED);
                }
                limitSending(socket, Math.min(left, SLICE_NANOS));
                long result =
                        Linux.call(
                                Nr.CONNECT, socket.number(), address.address(), address.byteSize());
                if (!Errno.EAGAIN.is(result) && !Errno.EINTR.is(result)) {
                    KernelException.check(operation, result);
                    limitSending(socket, within.toNanos());
                    return socket;
                }
            }
        } catch (KernelException e) {
            socket.close();
            throw e;
        }
    }

    /** {@code SO_SNDTIMEO}: a connection or a message that waits for longer fails. */
    private static void limitSending(Fd socket, long nanos) {
        MemorySegment time = Linux.scratch();
        // Nothing at all would mean no limit.
        long micros = Math.max(1, nanos / 1000);
        time.set(JAVA_LONG, TV_SEC, micros / 1_000_000);
        time.set(JAVA_LONG, TV_USEC, micros % 1_000_000);
        KernelException.check(
                "SO_SNDTIMEO",
                Linux.call(
                        Nr.SETSOCKOPT,
                        socket.number(),
                        SOL_SOCKET,
                        SO_SNDTIMEO,
                        time.address(),
                        TIMEVAL_BYTES,
                        0));
    }

    /** Listens at a path, which must not exist and is left to the caller to delete. */
    public static Fd listen(Path path) {
        Fd socket = bind(path);
        try {
            listen(socket);
            return socket;
        } catch (KernelException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Takes a path, which must not exist, for {@link #listen(Fd)}. Until then connections are
     * refused, so the caller can set the file's permissions first.
     *
     * @throws KernelException {@code ENAMETOOLONG} if the path is longer than a socket's may be
     */
    public static Fd bind(Path path) {
        return named(path, "bind", Nr.BIND);
    }

    /** Accepts connections at what {@link #bind} has returned. */
    public static void listen(Fd socket) {
        KernelException.check("listen", Linux.call(Nr.LISTEN, socket.number(), BACKLOG, 0));
    }

    /** Waits for the next connection. */
    public static Fd accept(Fd listening) {
        long result;
        do {
            result = Linux.call(Nr.ACCEPT4, listening.number(), 0, 0, SOCK_CLOEXEC);
        } while (Errno.EINTR.is(result));
        return Fd.adopt("socket", (int) KernelException.check("accept", result));
    }

    /**
     * Ends both directions of a connection; a thread that waits in it sees the end. The descriptor
     * stays open.
     */
    public static void shutDown(Fd socket) {
        // Its only failure is that the other side was quicker.
        long _ = Linux.call(Nr.SHUTDOWN, socket.number(), SHUT_RDWR, 0);
    }

    private static Fd open(Path path) {
        return Fd.adopt(
                "socket " + path,
                (int) KernelException.check("socket", Linux.call(Nr.SOCKET, AF_UNIX, STREAM, 0)));
    }

    private static MemorySegment address(Arena arena, Path path, String operation) {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length >= SUN_PATH_BYTES) {
            throw new KernelException(operation + " " + path, Errno.ENAMETOOLONG)
                    .withRemedy(
                            "choose a path of less than %d bytes, it has %d"
                                    .formatted(SUN_PATH_BYTES, name.length));
        }
        MemorySegment address = arena.allocate(SUN_PATH + SUN_PATH_BYTES, Short.BYTES);
        address.set(JAVA_SHORT, SUN_FAMILY, (short) AF_UNIX);
        MemorySegment.copy(name, 0, address, JAVA_BYTE, SUN_PATH, name.length);
        return address;
    }

    private static Fd named(Path path, String operation, long number) {
        Fd socket = open(path);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path, operation);
            KernelException.check(
                    operation + " " + path,
                    Linux.call(number, socket.number(), address.address(), address.byteSize()));
            return socket;
        } catch (KernelException e) {
            socket.close();
            throw e;
        }
    }
}

package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

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

    /** Connects to who listens at a path. */
    public static Fd connect(Path path) {
        return socket(path, "connect", Nr.CONNECT);
    }

    /** Listens at a path, which must not exist and is left to the caller to delete. */
    public static Fd listen(Path path) {
        Fd socket = socket(path, "bind", Nr.BIND);
        try {
            KernelException.check("listen", Linux.call(Nr.LISTEN, socket.number(), BACKLOG, 0));
            return socket;
        } catch (KernelException e) {
            socket.close();
            throw e;
        }
    }

    /** Waits for the next connection. */
    public static Fd accept(Fd listening) {
        long result;
        do {
            result = Linux.call(Nr.ACCEPT4, listening.number(), 0, 0, SOCK_CLOEXEC);
        } while (Errno.EINTR.is(result));
        return Fd.adopt("socket", (int) KernelException.check("accept", result));
    }

    private static Fd socket(Path path, String operation, long number) {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length >= SUN_PATH_BYTES) {
            throw new IllegalArgumentException(
                    "a socket's path has less than " + SUN_PATH_BYTES + " bytes, unlike " + path);
        }
        Fd socket =
                Fd.adopt(
                        "socket " + path,
                        (int)
                                KernelException.check(
                                        "socket", Linux.call(Nr.SOCKET, AF_UNIX, STREAM, 0)));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SUN_PATH + SUN_PATH_BYTES, Short.BYTES);
            address.set(JAVA_SHORT, SUN_FAMILY, (short) AF_UNIX);
            MemorySegment.copy(name, 0, address, JAVA_BYTE, SUN_PATH, name.length);
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

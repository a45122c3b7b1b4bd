// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Hands descriptors to another process over a {@link UnixSocket} ({@code SCM_RIGHTS}, {@code
 * unix(7)}): the receiver gets descriptors of its own for the same open files.
 */
public final class FdPassing {

    /** The most descriptors that one message carries. */
    public static final int MAX_DESCRIPTORS = 253;

    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CTRUNC = 8;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    // struct iovec
    private static final long IOVEC_BYTES = 16;
    private static final long IOV_BASE = 0;
    private static final long IOV_LEN = 8;

    // struct msghdr
    private static final long MSGHDR_BYTES = 56;
    private static final long MSG_IOV = 16;
    private static final long MSG_IOVLEN = 24;
    private static final long MSG_CONTROL = 32;
    private static final long MSG_CONTROLLEN = 40;
    private static final long MSG_FLAGS = 48;

    // struct cmsghdr, and the descriptors behind it
    private static final long CMSG_LEN = 0;
    private static final long CMSG_LEVEL = 8;
    private static final long CMSG_TYPE = 12;
    private static final long CMSG_DATA = 16;

    private FdPassing() {}

    /** What has arrived. Closing it closes the descriptors. */
    public static final class Message implements AutoCloseable {
        private final byte[] payload;
        private final List<Fd> descriptors;

        private Message(byte[] payload, List<Fd> descriptors) {
            this.payload = payload;
            this.descriptors = descriptors;
        }

        /** The bytes; none if the other side has closed the socket. */
        public byte[] payload() {
            return payload.clone();
        }

        /** The descriptors, in the order of sending. They are the receiver's own. */
        public List<Fd> descriptors() {
            return descriptors;
        }

        @Override
        public void close() {
            for (Fd descriptor : descriptors) {
                descriptor.close();
            }
        }
    }

    /**
     * Sends bytes, at least one, and descriptors, which the sender keeps open.
     *
     * @throws KernelException with {@code EPIPE} if the other side has closed
     */
    public static void send(Fd socket, byte[] payload, List<Fd> descriptors) {
        if (payload.length == 0 || descriptors.size() > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    "a message has at least one byte and at most "
                            + MAX_DESCRIPTORS
                            + " descriptors");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocateFrom(JAVA_BYTE, payload);
            MemorySegment header = message(arena, data);
            if (!descriptors.isEmpty()) {
                MemorySegment control = control(arena, header, descriptors.size());
                control.set(JAVA_LONG, CMSG_LEN, CMSG_DATA + descriptors.size() * 4L);
                control.set(JAVA_INT, CMSG_LEVEL, SOL_SOCKET);
                control.set(JAVA_INT, CMSG_TYPE, SCM_RIGHTS);
                for (int i = 0; i < descriptors.size(); i++) {
                    control.set(JAVA_INT, CMSG_DATA + i * 4L, descriptors.get(i).number());
                }
            }
            long sent;
            do {
                sent = Linux.call(Nr.SENDMSG, socket.number(), header.address(), MSG_NOSIGNAL);
            } while (Errno.EINTR.is(sent));
            KernelException.check("sendmsg", sent);
            if (sent < payload.length) {
                // The descriptors went with the first byte; the rest is an ordinary write.
                socket.write(data.asSlice(sent));
            }
        }
    }

    /**
     * Waits for bytes and descriptors.
     *
     * @param maxBytes the most bytes to take; what is more stays for the next call
     * @param maxDescriptors the most descriptors to accept
     * @throws KernelException with {@code EMSGSIZE} if more descriptors came; none is left open
     */
    public static Message receive(Fd socket, int maxBytes, int maxDescriptors) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(maxBytes);
            MemorySegment header = message(arena, data);
            MemorySegment control = control(arena, header, maxDescriptors);
            long received;
            do {
                received =
                        Linux.call(Nr.RECVMSG, socket.number(), header.address(), MSG_CMSG_CLOEXEC);
            } while (Errno.EINTR.is(received));
            KernelException.check("recvmsg", received);
            Message message =
                    new Message(
                            data.asSlice(0, received).toArray(JAVA_BYTE),
                            descriptors(control, header.get(JAVA_LONG, MSG_CONTROLLEN)));
            // The kernel rounds the room up to 8 bytes, so one more than allowed may fit in.
            if ((header.get(JAVA_INT, MSG_FLAGS) & MSG_CTRUNC) != 0
                    || message.descriptors().size() > maxDescriptors) {
                message.close();
                throw new KernelException("recvmsg", Errno.EMSGSIZE)
                        .withRemedy("accept more than " + maxDescriptors + " descriptors");
            }
            return message;
        }
    }

    private static List<Fd> descriptors(MemorySegment control, long controlBytes) {
        if (controlBytes < CMSG_DATA
                || control.get(JAVA_INT, CMSG_LEVEL) != SOL_SOCKET
                || control.get(JAVA_INT, CMSG_TYPE) != SCM_RIGHTS) {
            return List.of();
        }
        List<Fd> descriptors = new ArrayList<>();
        long end = control.get(JAVA_LONG, CMSG_LEN);
        for (long at = CMSG_DATA; at < end; at += Integer.BYTES) {
            descriptors.add(Fd.adopt("received descriptor", control.get(JAVA_INT, at)));
        }
        return List.copyOf(descriptors);
    }

    private static MemorySegment message(Arena arena, MemorySegment data) {
        MemorySegment vector = arena.allocate(IOVEC_BYTES, Long.BYTES);
        vector.set(JAVA_LONG, IOV_BASE, data.address());
        vector.set(JAVA_LONG, IOV_LEN, data.byteSize());
        MemorySegment header = arena.allocate(MSGHDR_BYTES, Long.BYTES);
        header.set(JAVA_LONG, MSG_IOV, vector.address());
        header.set(JAVA_LONG, MSG_IOVLEN, 1);
        return header;
    }

    private static MemorySegment control(Arena arena, MemorySegment header, int descriptors) {
        // CMSG_SPACE: the header, then the descriptors rounded up to whole words.
        long bytes = CMSG_DATA + (descriptors * 4L + 7) / 8 * 8;
        MemorySegment control = arena.allocate(bytes, Long.BYTES);
        header.set(JAVA_LONG, MSG_CONTROL, control.address());
        header.set(JAVA_LONG, MSG_CONTROLLEN, bytes);
        return control;
    }
}

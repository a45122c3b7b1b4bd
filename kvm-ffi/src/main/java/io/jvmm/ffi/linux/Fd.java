// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A file descriptor and who closes it.
 *
 * <p>All methods may be called from any thread. After {@link #close()} every call answers {@code
 * EBADF}; a call that is under way in another thread while the descriptor is closed is not
 * interrupted, so owners end their threads first.
 *
 * <p>Methods named {@code try…} return {@code -errno}, for loops that expect some errors; the
 * others throw {@link KernelException}.
 */
public final class Fd implements AutoCloseable {

    /** Open for reading. */
    public static final int O_RDONLY = 0;

    /** Open for writing. */
    public static final int O_WRONLY = 1;

    /** Open for reading and writing. */
    public static final int O_RDWR = 2;

    /** Create the file if it is not there, with mode 0600. */
    public static final int O_CREAT = 0x40;

    /** With {@link #O_CREAT}: fail if the file is there. */
    public static final int O_EXCL = 0x80;

    /** Empty the file. */
    public static final int O_TRUNC = 0x200;

    /** Do not wait: answer {@code EAGAIN}. */
    public static final int O_NONBLOCK = 0x800;

    /** Bypass the page cache; buffers, offsets and sizes must be aligned to the device's blocks. */
    public static final int O_DIRECT = 0x4000;

    /** For {@link #poll}: there is something to read, or the end of the file. */
    public static final short POLLIN = 1;

    /** For {@link #poll}: a write would not block. */
    public static final short POLLOUT = 4;

    /** Answer of {@link #poll}: an error is pending. */
    public static final short POLLERR = 8;

    /** Answer of {@link #poll}: the other side has closed. */
    public static final short POLLHUP = 16;

    /** A terminal that is opened does not become the one that controls this process. */
    public static final int O_NOCTTY = 0x100;

    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_TYPE = 3;
    private static final int SEEK_END = 2;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final int O_CLOEXEC = 0x80000;
    private static final int AT_FDCWD = -100;
    private static final int MODE_OWNER_ONLY = 0600;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int CLOSED = -1;

    private final String name;
    private final boolean owned;
    private final AtomicInteger number;

    private Fd(String name, int number, boolean owned) {
        this.name = name;
        this.owned = owned;
        this.number = new AtomicInteger(number);
    }

    /**
     * Opens a file. The descriptor is not inherited by child processes.
     *
     * @param flags of {@code O_*}
     */
    public static Fd open(String path, int flags) {
        long result;
        try (Arena arena = Arena.ofConfined()) {
            long address = arena.allocateFrom(path).address();
            do {
                result =
                        Linux.call(
                                Nr.OPENAT, AT_FDCWD, address, flags | O_CLOEXEC, MODE_OWNER_ONLY);
            } while (Errno.EINTR.is(result));
        }
        return new Fd(path, (int) KernelException.check("open " + path, result), true);
    }

    /**
     * Takes over a descriptor that a system call has just returned.
     *
     * @param name for messages
     * @param number the descriptor, which is closed with the result
     */
    public static Fd adopt(String name, int number) {
        return new Fd(name, number, true);
    }

    /** Uses a descriptor that somebody else closes, such as 0 for standard input. */
    public static Fd borrow(String name, int number) {
        return new Fd(name, number, false);
    }

    /**
     * The descriptor's number, to hand it to the kernel as a part of some structure.
     *
     * @throws IllegalStateException if it is closed: the number may be another file's by now
     */
    public int number() {
        int current = number.get();
        if (current == CLOSED) {
            throw new IllegalStateException(name + " is closed");
        }
        return current;
    }

    /** What was opened, for messages. */
    public String name() {
        return name;
    }

    public boolean isOpen() {
        return number.get() != CLOSED;
    }

    /**
     * {@code ioctl(2)} with a number or an address.
     *
     * @param operation the request's name in C, for the message
     * @return the kernel's answer, {@code >= 0}
     */
    public int ioctl(String operation, long request, long argument) {
        return (int) KernelException.check(operation, tryIoctl(request, argument));
    }

    /** {@code ioctl(2)} with a structure; see {@link #tryIoctl(long, MemorySegment)}. */
    public int ioctl(String operation, long request, MemorySegment argument) {
        return (int) KernelException.check(operation, tryIoctl(request, argument));
    }

    /** {@code ioctl(2)} whose answer is a new descriptor. */
    public Fd ioctlForFd(String operation, long request, long argument) {
        return adopt(operation, ioctl(operation, request, argument));
    }

    /** {@code ioctl(2)} on a structure, whose answer is a new descriptor. */
    public Fd ioctlForFd(String operation, long request, MemorySegment argument) {
        return adopt(operation, ioctl(operation, request, argument));
    }

    /** {@code ioctl(2)} with a number or an address: {@code >= 0} or {@code -errno}. */
    public int tryIoctl(long request, long argument) {
        return (int) Linux.call(Nr.IOCTL, number.get(), request, argument);
    }

    /**
     * {@code ioctl(2)} with a structure of 32 bytes, of which the first 16 are given and the rest
     * is zero. Allocates nothing.
     *
     * @param operation the request's name in C, for the message
     * @param first bytes 0 to 7, little-endian
     * @param second bytes 8 to 15, little-endian
     * @return the kernel's answer, {@code >= 0}
     */
    public int ioctlOnWords(String operation, long request, long first, long second) {
        MemorySegment words = Linux.scratch();
        words.set(JAVA_LONG, 0, first);
        words.set(JAVA_LONG, 8, second);
        words.set(JAVA_LONG, 16, 0);
        words.set(JAVA_LONG, 24, 0);
        long result = Linux.call(Nr.IOCTL, number.get(), request, words.address());
        return (int) KernelException.check(operation, result);
    }

    /**
     * As {@link #tryIoctl(long, long)}, in the shortest way, for a request that changes nothing if
     * it fails: it is made once more then, and that is what is answered.
     */
    public int tryRepeatableIoctl(long request, long argument) {
        return (int) Linux.Repeatable.call(Nr.IOCTL, number.get(), request, argument);
    }

    /**
     * {@code ioctl(2)} with a structure: {@code >= 0} or {@code -errno}.
     *
     * @param argument native memory that no other thread closes during the call
     */
    public int tryIoctl(long request, MemorySegment argument) {
        if (!argument.isNative() || !argument.scope().isAlive()) {
            throw new IllegalArgumentException("an ioctl's argument must be live native memory");
        }
        try {
            return (int) Linux.call(Nr.IOCTL, number.get(), request, argument.address());
        } finally {
            Reference.reachabilityFence(argument);
        }
    }

    /**
     * Reads what there is, at most the buffer's size.
     *
     * @return the number of bytes, 0 at the end of the file, or {@code -errno}
     */
    public long tryRead(MemorySegment buffer) {
        return Linux.OnBuffer.call(Nr.READ, number.get(), buffer, 0);
    }

    /** Writes as much as goes at once: the number of bytes, or {@code -errno}. */
    public long tryWrite(MemorySegment buffer) {
        return Linux.OnBuffer.call(Nr.WRITE, number.get(), buffer, 0);
    }

    /**
     * Sends the first part of the buffer to a socket, as much as goes at once, whether or not the
     * descriptor is non-blocking: the number of bytes, or {@code -errno}, {@code EAGAIN} if there
     * is no room.
     *
     * @param buffer native memory that no other thread closes during the call
     * @param length of that part
     */
    public long trySend(MemorySegment buffer, int length) {
        return onPart(Nr.SENDTO, buffer, 0, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    }

    /** Whether this is a socket. */
    public boolean isSocket() {
        MemorySegment type = Linux.scratch();
        type.set(JAVA_INT, Integer.BYTES, Integer.BYTES);
        long result =
                Linux.call(
                        Nr.GETSOCKOPT,
                        number.get(),
                        SOL_SOCKET,
                        SO_TYPE,
                        type.address(),
                        type.address() + Integer.BYTES,
                        0);
        return result == 0;
    }

    /** As {@link #tryRead(MemorySegment)}, from a place in the file. */
    public long tryRead(MemorySegment buffer, long offset) {
        return Linux.OnBuffer.call(Nr.PREAD64, number.get(), buffer, offset);
    }

    /**
     * As {@link #tryRead(MemorySegment, long)}, into a part of the buffer, without a slice.
     *
     * @param buffer native memory that no other thread closes during the call
     * @param at of the first byte in the buffer
     * @param length the most bytes to read
     */
    public long tryRead(MemorySegment buffer, long at, long length, long offset) {
        return onPart(Nr.PREAD64, buffer, at, length, offset);
    }

    /**
     * As {@link #tryRead(MemorySegment)}, in the shortest way: if it fails, or a signal interrupts
     * it, it is made once more, and that is what is answered.
     *
     * @param address of memory that stays until the call returns
     * @param length the most bytes to read
     */
    public long tryRepeatableRead(long address, long length) {
        return Linux.Repeatable.call(Nr.READ, number.get(), address, length);
    }

    /**
     * As {@link #tryWrite(MemorySegment, long)}, from a part of the buffer, without a slice.
     *
     * @param buffer native memory that no other thread closes during the call
     * @param at of the first byte in the buffer
     * @param length the most bytes to write
     */
    public long tryWrite(MemorySegment buffer, long at, long length, long offset) {
        return onPart(Nr.PWRITE64, buffer, at, length, offset);
    }

    /**
     * Writes a part of a buffer at the file's position: as much as goes at once.
     *
     * @param buffer native memory that no other thread closes during the call
     * @return the number of bytes, or {@code -errno}
     */
    public long tryWritePart(MemorySegment buffer, long from, long length) {
        return onPart(Nr.WRITE, buffer, from, length, 0);
    }

    private long onPart(long call, MemorySegment buffer, long at, long length, long offset) {
        if (!buffer.isNative() || !buffer.scope().isAlive()) {
            throw new IllegalArgumentException("a call wants live native memory");
        }
        Objects.checkFromIndexSize(at, length, buffer.byteSize());
        try {
            return Linux.call(call, number.get(), buffer.address() + at, length, offset);
        } finally {
            Reference.reachabilityFence(buffer);
        }
    }

    /** As {@link #tryWrite(MemorySegment)}, to a place in the file. */
    public long tryWrite(MemorySegment buffer, long offset) {
        return Linux.OnBuffer.call(Nr.PWRITE64, number.get(), buffer, offset);
    }

    /** Reads what there is, starting again when a signal comes between. */
    public long read(MemorySegment buffer) {
        long result;
        do {
            result = tryRead(buffer);
        } while (Errno.EINTR.is(result));
        return KernelException.check("read " + name, result);
    }

    /** Writes the whole buffer. */
    public void write(MemorySegment buffer) {
        long done = 0;
        while (done < buffer.byteSize()) {
            long result = tryWrite(buffer.asSlice(done));
            if (!Errno.EINTR.is(result)) {
                done += KernelException.check("write " + name, result);
            }
        }
    }

    /**
     * Waits until the descriptor is ready.
     *
     * @param events of {@code POLL*}
     * @param timeoutMillis {@code -1} waits for ever
     * @return the events that are there, 0 when the time is over, or {@code -errno}
     */
    public int poll(short events, int timeoutMillis) {
        MemorySegment pollfd = Linux.scratch();
        pollfd.set(JAVA_INT, Pollfd.FD, number());
        pollfd.set(JAVA_SHORT, Pollfd.EVENTS, events);
        pollfd.set(JAVA_SHORT, Pollfd.REVENTS, (short) 0);
        long result = Linux.call(Nr.POLL, pollfd.address(), 1, timeoutMillis);
        return result <= 0 ? (int) result : pollfd.get(JAVA_SHORT, Pollfd.REVENTS);
    }

    /** The size of the file in bytes. Moves the file's position, as the next two do. */
    public long sizeBytes() {
        return seek(0, SEEK_END);
    }

    /**
     * Where the next data of a sparse file begin ({@code lseek(2)}, {@code SEEK_DATA}).
     *
     * @return at least {@code offset}; -1 if only a hole follows, or the file ends before
     */
    public long nextData(long offset) {
        long result = Linux.call(Nr.LSEEK, number.get(), offset, SEEK_DATA);
        return Errno.ENXIO.is(result) ? -1 : KernelException.check("SEEK_DATA " + name, result);
    }

    /**
     * Where the next hole of a sparse file begins; every file ends with one.
     *
     * @throws KernelException {@code ENXIO} if the file ends before {@code offset}
     */
    public long nextHole(long offset) {
        return seek(offset, SEEK_HOLE);
    }

    private long seek(long offset, int whence) {
        return KernelException.check(
                "lseek " + name, Linux.call(Nr.LSEEK, number.get(), offset, whence));
    }

    /** Lets calls answer {@code EAGAIN} instead of waiting. Shared with all duplicates. */
    public void setNonBlocking(boolean nonBlocking) {
        long flags =
                KernelException.check("F_GETFL", Linux.call(Nr.FCNTL, number.get(), F_GETFL, 0));
        long changed = nonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
        KernelException.check("F_SETFL", Linux.call(Nr.FCNTL, number.get(), F_SETFL, changed));
    }

    /**
     * Opens what this descriptor stands for once more, so that flags and position are not shared.
     *
     * @param flags of {@code O_*}
     * @throws KernelException such as {@code ENXIO} for a socket, {@code EACCES} for a file that
     *     this process may not open itself
     */
    public Fd openAgain(int flags) {
        Fd again = open("/proc/self/fd/" + number(), flags | O_NOCTTY);
        return new Fd(name, again.number(), true);
    }

    /** Another descriptor of the same open file, with an owner of its own. */
    public Fd duplicate() {
        return adopt(
                name,
                (int)
                        KernelException.check(
                                "F_DUPFD_CLOEXEC",
                                Linux.call(Nr.FCNTL, number.get(), F_DUPFD_CLOEXEC, 0)));
    }

    /**
     * Makes another descriptor number of this process refer to this open file ({@code dup3(2)}), as
     * a shell's redirection does. What the number referred to is closed.
     *
     * @param target such as 1 for standard output; child processes inherit it
     */
    public void redirect(int target) {
        KernelException.check(
                "dup3 %s to %d".formatted(name, target),
                Linux.call(Nr.DUP3, number.get(), target, 0));
    }

    /** Closes the descriptor if this object owns it. A second call does nothing. */
    @Override
    public void close() {
        int last = number.getAndSet(CLOSED);
        if (owned && last != CLOSED) {
            // Linux frees the number even when close(2) reports an error, so there is no retry.
            Linux.call(Nr.CLOSE, last, 0, 0);
        }
    }

    @Override
    public String toString() {
        return name + " (fd " + number.get() + ")";
    }

    /** Offsets in {@code struct pollfd}. */
    static final class Pollfd {
        static final long FD = 0;
        static final long EVENTS = 4;
        static final long REVENTS = 6;
    }
}

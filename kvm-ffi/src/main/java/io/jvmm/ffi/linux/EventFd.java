// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * A counter that wakes up ({@code eventfd(2)}): KVM's {@code ioeventfd} adds to it, its {@code
 * irqfd} takes from it, and an {@link Epoll} waits for it. It never blocks. Any thread may use it.
 */
public final class EventFd implements AutoCloseable {

    private static final int EFD_NONBLOCK = 0x800;
    private static final int EFD_CLOEXEC = 0x80000;

    private final Fd fd;

    private EventFd(Fd fd) {
        this.fd = fd;
    }

    /** A counter at zero. */
    public static EventFd create() {
        long result = Linux.call(Nr.EVENTFD2, 0, EFD_NONBLOCK | EFD_CLOEXEC, 0);
        return new EventFd(Fd.adopt("eventfd", (int) KernelException.check("eventfd", result)));
    }

    public Fd fd() {
        return fd;
    }

    /** Adds one. A full counter (2^64 - 2) stays as it is: whoever waits is awake in any case. */
    public void signal() {
        MemorySegment one = Linux.scratch();
        one.set(JAVA_LONG, 0, 1);
        long result = Linux.call(Nr.WRITE, fd.number(), one.address(), Long.BYTES);
        if (!Errno.EAGAIN.is(result)) {
            KernelException.check("write eventfd", result);
        }
    }

    /** Takes the count, which is 0 if nobody signalled, and sets it back to zero. */
    public long take() {
        MemorySegment count = Linux.scratch();
        long result = Linux.call(Nr.READ, fd.number(), count.address(), Long.BYTES);
        if (Errno.EAGAIN.is(result)) {
            return 0;
        }
        KernelException.check("read eventfd", result);
        return count.get(JAVA_LONG, 0);
    }

    @Override
    public void close() {
        fd.close();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Waits for many descriptors at once ({@code epoll(7)}).
 *
 * <p>Any thread may add and remove; one thread at a time waits and reads what came.
 */
public final class Epoll implements AutoCloseable {

    /** There is something to read. */
    public static final int EPOLLIN = 1;

    /** A write would not block. */
    public static final int EPOLLOUT = 4;

    /** An error is pending; always reported. */
    public static final int EPOLLERR = 8;

    /** Both directions are closed; always reported. */
    public static final int EPOLLHUP = 0x10;

    /** The other side writes no more. */
    public static final int EPOLLRDHUP = 0x2000;

    /** Report once, until the descriptor is {@linkplain #modify modified}. */
    public static final int EPOLLONESHOT = 1 << 30;

    /** Report changes only, not states. */
    public static final int EPOLLET = 1 << 31;

    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLL_CTL_MOD = 3;

    // struct epoll_event is packed on x86-64, so that its data is not aligned.
    private static final long EVENT_BYTES = 12;
    private static final long EVENTS = 0;
    private static final long DATA = 4;

    private final Fd fd;
    private final int capacity;
    private final MemorySegment ready;

    private Epoll(Fd fd, int capacity) {
        this.fd = fd;
        this.capacity = capacity;
        // Automatic: a waiting thread may still be in the kernel with it when another one closes.
        this.ready = Arena.ofAuto().allocate(EVENT_BYTES * capacity, Integer.BYTES);
    }

    /**
     * An empty set.
     *
     * @param capacity the most events that one {@link #await} reports; the others come with the
     *     next
     */
    public static Epoll create(int capacity) {
        if (capacity <= 0) {
            throw new IllegalArgumentException("capacity must be above 0, not " + capacity);
        }
        long result = Linux.call(Nr.EPOLL_CREATE1, EPOLL_CLOEXEC, 0, 0);
        return new Epoll(
                Fd.adopt("epoll", (int) KernelException.check("epoll_create1", result)), capacity);
    }

    /**
     * Adds a descriptor.
     *
     * @param events of {@code EPOLL*}
     * @param data given back with each event, to tell whose it is
     */
    public void add(Fd member, int events, long data) {
        control("EPOLL_CTL_ADD", EPOLL_CTL_ADD, member, events, data);
    }

    /**
     * As {@link #add}, for a caller that expects refusals.
     *
     * @return 0, or {@code -errno}: {@code EPERM} for a descriptor that cannot be polled, such as a
     *     regular file
     */
    public int tryAdd(Fd member, int events, long data) {
        return tryControl(EPOLL_CTL_ADD, member, events, data);
    }

    /** Changes what a descriptor is watched for. */
    public void modify(Fd member, int events, long data) {
        control("EPOLL_CTL_MOD", EPOLL_CTL_MOD, member, events, data);
    }

    /** Removes a descriptor, which must still be open. */
    public void remove(Fd member) {
        control("EPOLL_CTL_DEL", EPOLL_CTL_DEL, member, 0, 0);
    }

    private void control(String operation, int code, Fd member, int events, long data) {
        KernelException.check(operation, tryControl(code, member, events, data));
    }

    private int tryControl(int code, Fd member, int events, long data) {
        int number = member.number();
        MemorySegment event = Linux.scratch();
        event.set(JAVA_INT, EVENTS, events);
        event.set(JAVA_LONG_UNALIGNED, DATA, data);
        return (int) Linux.call(Nr.EPOLL_CTL, fd.number(), code, number, event.address());
    }

    /**
     * Waits for events.
     *
     * @param timeoutMillis {@code -1} waits for ever, {@code 0} does not wait
     * @return how many {@link #events} there are; 0 when the time is over or a signal came
     */
    public int await(int timeoutMillis) {
        long result =
                Linux.call(Nr.EPOLL_WAIT, fd.number(), ready.address(), capacity, timeoutMillis);
        return Errno.EINTR.is(result) ? 0 : (int) KernelException.check("epoll_wait", result);
    }

    /** What happened, as {@code EPOLL*}, in the event of that index of the last {@link #await}. */
    public int events(int index) {
        return ready.get(JAVA_INT, index * EVENT_BYTES + EVENTS);
    }

    /** Whose event it is: the {@code data} that the descriptor was added with. */
    public long data(int index) {
        return ready.get(JAVA_LONG_UNALIGNED, index * EVENT_BYTES + DATA);
    }

    @Override
    public void close() {
        fd.close();
    }
}

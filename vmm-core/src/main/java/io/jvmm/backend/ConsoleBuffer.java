// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.device.ByteSink;

import java.io.InputStream;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Bytes on their way from a guest's console to their reader: a ring.
 *
 * <p>vCPU threads write single bytes and never wait in {@link #write}. When the reader is too slow,
 * the ring either is {@linkplain #isFull full}, and the vCPU that has written waits in {@link
 * #awaitRoom} before its guest goes on, or it forgets the oldest bytes, which is right when perhaps
 * there is no reader. The reader takes bytes from {@link #input}, or looks at them by {@link #peek}
 * and then {@linkplain #consume consumes} what it has passed on. Thread-safe.
 */
public final class ConsoleBuffer implements ByteSink {

    /** What happens when the ring is full. */
    public enum WhenFull {
        /** It takes what a vCPU still writes in the exit it is in, and that vCPU waits. */
        WAIT,
        /** The oldest byte makes room. */
        FORGET_OLDEST
    }

    private static final int GROWTH = 4096;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final int capacity;
    private final WhenFull whenFull;
    private volatile Runnable listener = () -> {};
    private volatile boolean full; // written under lock

    // All below is guarded by lock.
    private final List<Thread> waiting = new ArrayList<>();
    private byte[] ring;
    private int head;
    private int size;
    private long lost;
    private boolean abandoned;
    private boolean ended;

    /**
     * @param capacity bytes, at least 1
     */
    public ConsoleBuffer(int capacity, WhenFull whenFull) {
        this.capacity = capacity;
        this.ring = new byte[capacity];
        this.whenFull = whenFull;
    }

    /** Sets what is told, on the writer's thread, that there is something to read, or the end. */
    void setListener(Runnable action) {
        listener = action;
        action.run();
    }

    @Override
    public void write(byte b) {
        boolean first;
        lock.lock();
        try {
            if (abandoned) {
                lost++;
                return;
            }
            if (size == ring.length) {
                makeRoom();
            }
            first = size == 0;
            ring[(head + size) % ring.length] = b;
            size++;
            update();
        } finally {
            lock.unlock();
        }
        if (first) {
            listener.run();
        }
    }

    private void makeRoom() {
        if (whenFull == WhenFull.FORGET_OLDEST) {
            head = (head + 1) % ring.length;
            size--;
            lost++;
            return;
        }
        byte[] larger = new byte[ring.length + GROWTH];
        for (int i = 0; i < size; i++) {
            larger[i] = ring[(head + i) % ring.length];
        }
        ring = larger;
        head = 0;
    }

    /** After a change, under the lock. */
    private void update() {
        full = whenFull == WhenFull.WAIT && size >= capacity && !ended;
        if (!full) {
            waiting.forEach(LockSupport::unpark);
        }
        changed.signalAll();
    }

    /** Whether a vCPU that has written here waits before its guest goes on. Takes no lock. */
    public boolean isFull() {
        return full;
    }

    /**
     * Waits until there is room, or {@code kicked} holds, which is looked at whenever the thread is
     * unparked.
     */
    public void awaitRoom(BooleanSupplier kicked) {
        Thread self = Thread.currentThread();
        lock.lock();
        try {
            waiting.add(self);
        } finally {
            lock.unlock();
        }
        try {
            boolean interrupted = false;
            while (full && !kicked.getAsBoolean()) {
                LockSupport.park(this);
                // A thread that stays interrupted does not park.
                interrupted |= Thread.interrupted();
            }
            if (interrupted) {
                self.interrupt();
            }
        } finally {
            lock.lock();
            try {
                waiting.remove(self);
            } finally {
                lock.unlock();
            }
        }
    }

    /** Bytes that were forgotten, or given up. */
    public long lost() {
        lock.lock();
        try {
            return lost;
        } finally {
            lock.unlock();
        }
    }

    /** Bytes that wait to be read. */
    public int size() {
        lock.lock();
        try {
            return size;
        } finally {
            lock.unlock();
        }
    }

    /** Nothing more will be written; the reader gets what is left, then the end. */
    public void end() {
        lock.lock();
        try {
            ended = true;
            update();
        } finally {
            lock.unlock();
        }
        listener.run();
    }

    /** Gives up what waits here and what is still written: all of it counts as lost. */
    public void abandon() {
        lock.lock();
        try {
            abandoned = true;
            lost += size;
            size = 0;
            update();
        } finally {
            lock.unlock();
        }
    }

    /** Whether nothing is left to read and nothing more will come. */
    boolean isAtEnd() {
        lock.lock();
        try {
            return ended && size == 0;
        } finally {
            lock.unlock();
        }
    }

    /** Waits for something to read; false at the end. */
    boolean awaitInput() throws InterruptedException {
        lock.lock();
        try {
            while (size == 0 && !ended) {
                changed.await();
            }
            return size > 0;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Copies the oldest bytes, which stay here.
     *
     * @return how many, at most the segment's size; 0 if there are none
     */
    int peek(MemorySegment into) {
        lock.lock();
        try {
            int count = (int) Math.min(into.byteSize(), size);
            int before = Math.min(count, ring.length - head);
            MemorySegment.copy(ring, head, into, JAVA_BYTE, 0, before);
            MemorySegment.copy(ring, 0, into, JAVA_BYTE, before, count - before);
            return count;
        } finally {
            lock.unlock();
        }
    }

    /** Removes the oldest bytes, which have reached their reader. */
    void consume(int count) {
        lock.lock();
        try {
            int removed = Math.min(count, size);
            head = (head + removed) % ring.length;
            size -= removed;
            update();
        } finally {
            lock.unlock();
        }
    }

    /** The reader's side. Its end comes after {@link #end}; closing it changes nothing. */
    public InputStream input() {
        return new Reader();
    }

    private final class Reader extends InputStream {

        @Override
        public int read() throws InterruptedIOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
        }

        @Override
        public int read(byte[] into, int offset, int length) throws InterruptedIOException {
            if (length == 0) {
                return 0;
            }
            MemorySegment target = MemorySegment.ofArray(into).asSlice(offset, length);
            lock.lock();
            try {
                if (!awaitInput()) {
                    return -1;
                }
                int count = peek(target);
                consume(count);
                return count;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while waiting for console output");
            } finally {
                lock.unlock();
            }
        }

        @Override
        public int available() {
            return size();
        }
    }
}

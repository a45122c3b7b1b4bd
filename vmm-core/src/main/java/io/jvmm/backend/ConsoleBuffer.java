package io.jvmm.backend;

import io.jvmm.device.ByteSink;

import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Bytes on their way from a guest's console to whoever reads them: a ring of fixed size.
 *
 * <p>One side writes single bytes, on vCPU threads. The other reads, through {@link #input}. When
 * the reader is too slow, the ring either makes the guest wait, which is right when every byte
 * counts, or forgets the oldest bytes, which is right when perhaps nobody reads at all.
 * Thread-safe.
 */
public final class ConsoleBuffer implements ByteSink {

    /** What happens when the ring is full. */
    public enum WhenFull {
        /** The guest waits until there is room, or {@link #release} lets it go. */
        WAIT,
        /** The oldest byte makes room. */
        FORGET_OLDEST
    }

    private static final int GROWTH = 4096;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final int capacity;
    private final WhenFull whenFull;

    // All below is guarded by lock.
    private byte[] ring;
    private int head;
    private int size;
    private long lost;
    private boolean lettingThrough;
    private boolean released;
    private boolean ended;

    /**
     * @param capacity bytes, at least 1
     */
    public ConsoleBuffer(int capacity, WhenFull whenFull) {
        this.capacity = capacity;
        this.ring = new byte[capacity];
        this.whenFull = whenFull;
    }

    @Override
    public void write(byte b) {
        lock.lock();
        try {
            while (size >= capacity && whenFull == WhenFull.WAIT && !released && !lettingThrough) {
                changed.awaitUninterruptibly();
            }
            if (size == ring.length && whenFull == WhenFull.WAIT && lettingThrough && !released) {
                grow();
            }
            if (size == ring.length) {
                head = (head + 1) % ring.length;
                size--;
                lost++;
            }
            ring[(head + size) % ring.length] = b;
            size++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void grow() {
        byte[] larger = new byte[ring.length + GROWTH];
        for (int i = 0; i < size; i++) {
            larger[i] = ring[(head + i) % ring.length];
        }
        ring = larger;
        head = 0;
    }

    /**
     * Says whether the guest need not wait for now: while its machine is paused, or about to be, a
     * full ring grows instead. What a vCPU on its way out still writes is the rest of one exit, so
     * it does not grow by much, and nothing is lost.
     */
    public void letThrough(boolean now) {
        lock.lock();
        try {
            lettingThrough = now;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Bytes that were forgotten because nobody read them in time. */
    public long lost() {
        lock.lock();
        try {
            return lost;
        } finally {
            lock.unlock();
        }
    }

    /** Lets a waiting guest go, and never makes it wait again: its machine is to stop. */
    public void release() {
        lock.lock();
        try {
            released = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Nothing more will be written; the reader gets what is left, then the end. */
    public void end() {
        lock.lock();
        try {
            released = true;
            ended = true;
            changed.signalAll();
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
            lock.lock();
            try {
                while (size == 0 && !ended) {
                    changed.await();
                }
                if (size == 0) {
                    return -1;
                }
                int count = Math.min(length, size);
                for (int i = 0; i < count; i++) {
                    into[offset + i] = ring[(head + i) % ring.length];
                }
                head = (head + count) % ring.length;
                size -= count;
                changed.signalAll();
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
            lock.lock();
            try {
                return size;
            } finally {
                lock.unlock();
            }
        }
    }
}

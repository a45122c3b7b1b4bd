// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import io.jvmm.device.SerialPort;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Input of a guest's console: a stream whose bytes reach the serial port as fast as the guest takes
 * them, and not before it listens. Characters that the guest's driver clears from the receiver
 * while it sets the port up are sent again, so that none is lost. Up to 64 KiB wait here; after
 * that a writer waits. Thread-safe.
 */
public final class ConsoleInput extends OutputStream {

    private static final int CAPACITY = 64 * 1024;

    /** The most that the port's receiver holds, and thus has to be sent again. */
    private static final int SENT_AGAIN = 16;

    private final SerialPort port;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by lock: bytes [start, end) wait; the SENT_AGAIN before them are kept.
    private final byte[] waiting = new byte[CAPACITY + SENT_AGAIN];
    private int start;
    private int end;
    private boolean held;
    private boolean breakHeld;
    private boolean closed;

    /** Input for a port, which calls back when it has room again. */
    public ConsoleInput(SerialPort port) {
        this.port = port;
        port.setReceiveReadyListener(this::feed);
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    /**
     * Types some bytes; returns when the last of them waits here or is with the guest.
     *
     * @throws IOException the console was closed, or the thread interrupted, before that
     */
    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        int done = 0;
        while (done < length) {
            done += enqueue(bytes, offset + done, length - done);
            feed();
        }
    }

    private int enqueue(byte[] bytes, int offset, int length) throws IOException {
        lock.lock();
        try {
            while (end - start >= CAPACITY && !closed) {
                changed.await();
            }
            if (closed) {
                throw new IOException("the console is closed");
            }
            if (end == waiting.length) {
                int from = Math.max(start - SENT_AGAIN, 0);
                System.arraycopy(waiting, from, waiting, 0, end - from);
                end -= from;
                start -= from;
            }
            int count = Math.min(length, Math.min(CAPACITY - (end - start), waiting.length - end));
            System.arraycopy(bytes, offset, waiting, end, count);
            end += count;
            return count;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while typing on the console", e);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Gives the port what it takes. Runs on the writer's thread, and on a vCPU's when the guest
     * made room.
     */
    private void feed() {
        lock.lock();
        try {
            // A closed console may belong to a machine whose interrupt line is gone.
            while (!held && !closed) {
                start -= port.takeDropped();
                if (start == end) {
                    break;
                }
                int taken = port.offer(waiting, start, end - start);
                if (taken == 0) {
                    break;
                }
                start += taken;
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Sends a break, the signal that Linux's magic system request key waits for. */
    public void sendBreak() {
        lock.lock();
        try {
            if (held) {
                breakHeld = true;
            } else if (!closed) {
                port.sendBreak();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Keeps everything here from now on: the port of a paused machine does not change. */
    public void hold() {
        lock.lock();
        try {
            held = true;
        } finally {
            lock.unlock();
        }
    }

    /** Passes on what was held, and from now on what comes. */
    public void resume() {
        lock.lock();
        try {
            held = false;
            if (breakHeld && !closed) {
                port.sendBreak();
            }
            breakHeld = false;
            feed();
        } finally {
            lock.unlock();
        }
    }

    /** Wakes who waits to type; from now on the port gets nothing more. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}

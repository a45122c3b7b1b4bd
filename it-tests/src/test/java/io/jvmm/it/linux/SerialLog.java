// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.linux;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * What a guest writes on its serial port, over the lives of all machines that it goes on in. Safe
 * for use by several threads.
 */
public final class SerialLog extends OutputStream {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** Up to here the log has been waited for. */
    private int seen;

    @Override
    public synchronized void write(int character) {
        bytes.write(character);
        notifyAll();
    }

    @Override
    public synchronized void write(byte[] buffer, int offset, int length) {
        bytes.write(buffer, offset, length);
        notifyAll();
    }

    /**
     * Waits for the text, behind what was waited for before.
     *
     * @throws AssertionError with the whole log if it does not come in time
     */
    public synchronized void await(String text, Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        int found = text().indexOf(text, seen);
        while (found < 0) {
            long left = (deadline - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                throw new AssertionError(
                        "waited %d s for \"%s\"; the serial log:%n%s"
                                .formatted(limit.toSeconds(), text, text()));
            }
            wait(left);
            found = text().indexOf(text, seen);
        }
        seen = found + text.length();
    }

    /** The line that begins with this text, without it, once it is complete. */
    public String awaitRest(String text, Duration limit) throws InterruptedException {
        await(text, limit);
        int from = position();
        await("\n", limit);
        return text().substring(from).lines().findFirst().orElse("").strip();
    }

    /** All that was written so far, one character per byte. */
    public synchronized String text() {
        return bytes.toString(StandardCharsets.ISO_8859_1);
    }

    private synchronized int position() {
        return seen;
    }
}

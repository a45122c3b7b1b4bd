// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.guest.Payload;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Reads what {@link Payload#WITNESS} sends, across machines, and checks that nothing was lost:
 * every byte, every number, the value that depends on all lines before, and that no clock went
 * back.
 */
final class WitnessLines {

    private static final int WORDS = 512;
    private static final String FIRST = "0".repeat(16) + " ";

    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private final long[] words = new long[WORDS];
    private long value = 1;
    private long next;
    private long ticks;
    private long counter;
    private long clock;

    /** Number of the next line, which is how many were read. */
    long count() {
        return next;
    }

    /** The time stamp counter in the last line. */
    long counter() {
        return counter;
    }

    /** kvmclock in the last line, in nanoseconds; 0 where there is none. */
    long clock() {
        return clock;
    }

    /** Reads whole lines; half of one may have come from a machine before. */
    void read(InputStream console, int lines) throws IOException {
        long until = next + lines;
        while (next < until) {
            int b = console.read();
            assertThat(b).as("the guest has ended after line %d", next).isNotEqualTo(-1);
            accept(b);
        }
    }

    /**
     * Skips what was sent before the guest began, by the same guest before a reset: its first line
     * is the one with a number that is zero.
     */
    void skipToFirst(InputStream console) throws IOException {
        StringBuilder seen = new StringBuilder();
        while (!seen.toString().endsWith(FIRST)) {
            seen.append((char) console.read());
            seen.delete(0, Math.max(0, seen.length() - FIRST.length()));
        }
        line.writeBytes(FIRST.getBytes(US_ASCII));
    }

    /** Reads what there is. */
    void readAll(InputStream console) throws IOException {
        while (console.available() > 0) {
            accept(console.read());
        }
    }

    private void accept(int b) {
        if (b == '\n') {
            check(line.toString(US_ASCII));
            line.reset();
        } else {
            line.write(b);
        }
    }

    private void check(String text) {
        assertThat(text).matches("([0-9a-f]{16} ){4}[0-9a-f]{16}");
        String[] numbers = text.split(" ", -1);
        assertThat(number(numbers[0])).as("the line's number in %s", text).isEqualTo(next);
        assertThat(number(numbers[1])).as("ticks in %s", text).isGreaterThan(ticks);
        assertThat(number(numbers[2])).as("TSC in %s", text).isGreaterThan(counter);
        assertThat(number(numbers[3])).as("clock in %s", text).isGreaterThanOrEqualTo(clock);
        assertThat(number(numbers[4])).as("value in %s", text).isEqualTo(value);
        ticks = number(numbers[1]);
        counter = number(numbers[2]);
        clock = number(numbers[3]);
        int at = (int) (next % WORDS);
        words[at] += value;
        value = Long.rotateLeft(value, 13) + words[at];
        next++;
    }

    private static long number(String hexadecimal) {
        return Long.parseUnsignedLong(hexadecimal, 16);
    }
}

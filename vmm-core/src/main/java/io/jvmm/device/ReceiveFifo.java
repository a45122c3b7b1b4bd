// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import java.util.ArrayList;
import java.util.List;

/**
 * The receiver's queue of a 16550: up to 16 characters, each with the line errors that belong to
 * it. With the FIFOs switched off it is the one-character buffer register of a 16450.
 *
 * <p>A character is an {@code int}: the byte in bits 0–7, its error bits, placed as in LSR, in bits
 * 8–15.
 */
final class ReceiveFifo {

    static final int DEPTH = 16;

    private final int[] characters = new int[DEPTH];
    private int head;
    private int count;
    private int capacity = 1;
    private int fromLine; // a bit for each place whose character came from the host's sender

    static int character(int value, int errors) {
        return (errors << 8) | (value & 0xFF);
    }

    static int errors(int character) {
        return character >>> 8;
    }

    int count() {
        return count;
    }

    int capacity() {
        return capacity;
    }

    int room() {
        return capacity - count;
    }

    /** Empties the queue and sets its depth, 1 or {@link #DEPTH}. */
    void reset(int newCapacity) {
        head = 0;
        count = 0;
        fromLine = 0;
        capacity = newCapacity;
    }

    /** Appends; the caller has checked that there is room. */
    void push(int character) {
        characters[(head + count) % DEPTH] = character;
        count++;
    }

    /** Appends one that the host's sender can send again if it is dropped. */
    void pushFromLine(int character) {
        fromLine |= 1 << (head + count) % DEPTH;
        push(character);
    }

    /** {@return how many characters of the host's sender are here} */
    int fromLine() {
        return Integer.bitCount(fromLine);
    }

    /** Takes the oldest character; the caller has checked that there is one. */
    int pop() {
        int character = characters[head];
        fromLine &= ~(1 << head);
        head = (head + 1) % DEPTH;
        count--;
        return character;
    }

    /** Returns the errors of the oldest character and forgets them. */
    int takeHeadErrors() {
        int errors = errors(characters[head]);
        characters[head] &= 0xFF;
        return errors;
    }

    boolean holdsErrors() {
        for (int i = 0; i < count; i++) {
            if (errors(characters[(head + i) % DEPTH]) != 0) {
                return true;
            }
        }
        return false;
    }

    List<Integer> contents() {
        List<Integer> contents = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            contents.add(characters[(head + i) % DEPTH]);
        }
        return List.copyOf(contents);
    }
}

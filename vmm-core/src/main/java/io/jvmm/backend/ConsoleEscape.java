// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import java.util.Locale;
import java.util.Objects;

/**
 * Finds the commands to the monitor among the keys that a user types for the guest: Ctrl-A, then a
 * letter.
 *
 * <p>It is a pure state machine for one thread. Ctrl-A is held back until the next key says what it
 * was: twice, it is one Ctrl-A for the guest; before a key that is no command, both go to the
 * guest.
 */
public final class ConsoleEscape {

    /** The key that starts a command, Ctrl-A. */
    public static final byte ESCAPE = 0x01;

    /** What the user wants of the monitor. */
    public enum Action {
        /** End the machine. */
        STOP('x', "stop the machine"),
        /** Reset the machine. */
        RESET('r', "reset the machine"),
        /** Send a break on the serial line. */
        BREAK('b', "send a break"),
        /** Press the ACPI power button. */
        POWER_BUTTON('p', "press the power button"),
        /** Show the {@link ConsoleEscape#help}. */
        HELP('h', "show this help");

        private final char key;
        private final String meaning;

        Action(char key, String meaning) {
            this.key = key;
            this.meaning = meaning;
        }
    }

    /** Receives what the keys turn out to be, in their order. */
    public interface Receiver {

        /** Takes a byte for the guest. */
        void data(byte b);

        /** Takes a command to the monitor. */
        void action(Action action);
    }

    private static final char LITERAL = 'a';
    private static final Action[] ACTIONS = Action.values();

    private boolean escaped;

    /** Creates a machine that waits for the first key. */
    public ConsoleEscape() {}

    /** Takes one byte from the user. */
    public void accept(byte b, Receiver receiver) {
        if (!escaped) {
            if (b == ESCAPE) {
                escaped = true;
            } else {
                receiver.data(b);
            }
            return;
        }
        escaped = false;
        char key = Character.toLowerCase((char) (b & 0xFF));
        if (b == ESCAPE || key == LITERAL) {
            receiver.data(ESCAPE);
            return;
        }
        for (Action action : ACTIONS) {
            if (key == action.key || (key == '?' && action == Action.HELP)) {
                receiver.action(action);
                return;
            }
        }
        receiver.data(ESCAPE);
        receiver.data(b);
    }

    /**
     * Takes bytes from the user.
     *
     * @throws IndexOutOfBoundsException if the range is not within the array
     */
    public void accept(byte[] bytes, int offset, int length, Receiver receiver) {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        for (int i = 0; i < length; i++) {
            accept(bytes[offset + i], receiver);
        }
    }

    /**
     * Ends the input: a Ctrl-A that waits for its key goes to the guest.
     *
     * @param receiver takes it
     */
    public void finish(Receiver receiver) {
        if (escaped) {
            escaped = false;
            receiver.data(ESCAPE);
        }
    }

    /** {@return the commands, one to a line, each line with its end} */
    public static String help() {
        StringBuilder text = new StringBuilder();
        for (Action action : ACTIONS) {
            text.append(line(action.key, action.meaning));
        }
        return text.append(line(LITERAL, "send Ctrl-A to the guest")).toString();
    }

    private static String line(char key, String meaning) {
        return String.format(Locale.ROOT, "Ctrl-A %c  %s%n", key, meaning);
    }
}

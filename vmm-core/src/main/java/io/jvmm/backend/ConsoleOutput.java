// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import org.jspecify.annotations.Nullable;

import java.io.OutputStream;

/**
 * Carries a console's output from its {@link ConsoleBuffer} to where it goes: a descriptor that can
 * be polled through the {@link EventLoop}, anything else on a thread of its own, which may block.
 * Thread-safe.
 */
public sealed interface ConsoleOutput extends AutoCloseable permits DescriptorOutput, ConsolePump {

    /** What becomes of the output. Told on the thread that carries it; does not block. */
    interface Owner {

        /**
         * Nothing more is carried: all of it up to the buffer's end is written, or the rest is
         * given up, which the buffer counts as {@linkplain ConsoleBuffer#lost lost}. Told once.
         *
         * @param why the rest is given up; null if all is written
         */
        void ended(@Nullable String why);

        /** The output cannot be written any more. Told before {@link #ended}. */
        void broken(String why);

        /** The monitor itself has failed. */
        void failed(Throwable cause);
    }

    /** Carries the output to a stream, which is flushed after every chunk and not closed. */
    static ConsoleOutput toStream(ConsoleBuffer from, OutputStream to, String name, Owner owner) {
        return ConsolePump.start(from, to, name, owner);
    }

    /**
     * Carries the output to an open descriptor, whose flags are not changed and which is not
     * closed.
     *
     * @param number of the descriptor in this process
     */
    static ConsoleOutput toDescriptor(ConsoleBuffer from, int number, String name, Owner owner) {
        DescriptorOutput polled = DescriptorOutput.tryStart(from, number, name, owner);
        return polled != null
                ? polled
                : ConsolePump.start(from, new DescriptorStream(number), name, owner);
    }

    /**
     * Gives up what is not written yet; {@link Owner#ended} is told soon, with the reason given
     * here unless it was told before. Does not wait for a write that blocks.
     */
    void giveUp(String why);

    /** Ends, and gives back what it holds; what is not written by now is not written any more. */
    @Override
    void close();
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import java.io.OutputStream;
import java.nio.file.Path;

/** Where the output of a guest's serial console goes. */
public sealed interface ConsoleTarget {

    /**
     * It waits to be read from {@link Machine#consoleOutput}: up to 1 MiB, then the oldest bytes
     * are forgotten.
     */
    record Buffered() implements ConsoleTarget {}

    /** It is written to a stream, which the machine flushes and does not close. */
    record ToStream(OutputStream stream) implements ConsoleTarget {}

    /**
     * It is written to an open file descriptor of this process, such as 1 for standard output,
     * whose flags are not changed and which the machine does not close. A pipe, a terminal or a
     * socket costs no thread.
     */
    record ToDescriptor(int number) implements ConsoleTarget {
        public ToDescriptor {
            if (number < 0) {
                throw new IllegalArgumentException("a descriptor is not " + number);
            }
        }
    }

    /** It is written to a file, which is created, or emptied first. */
    record ToFile(Path file) implements ConsoleTarget {}

    /** It is dropped. */
    record None() implements ConsoleTarget {}
}

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

    /** It is written to a file, which is created, or emptied first. */
    record ToFile(Path file) implements ConsoleTarget {}

    /** It is dropped. */
    record None() implements ConsoleTarget {}
}

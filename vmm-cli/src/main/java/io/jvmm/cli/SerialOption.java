// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import java.nio.file.Path;

/** The values of {@code --serial}. */
sealed interface SerialOption {

    /** Standard output, and input from standard input. */
    record Stdio() implements SerialOption {}

    /** Output into a file, no input. */
    record ToFile(Path file) implements SerialOption {}

    /** Nowhere. */
    record None() implements SerialOption {}
}

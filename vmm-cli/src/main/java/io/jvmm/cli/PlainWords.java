// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** Command lines whose answer is known without parsing them. */
final class PlainWords {

    private PlainWords() {}

    /** The lines to print, or null if there is more to do. */
    static String @Nullable [] answer(String... args) {
        if (args.length != 1) {
            return null;
        }
        return switch (args[0]) {
            case "-V", "--version" -> Version.lines();
            case "-h", "--help" -> help();
            default -> null;
        };
    }

    /** The help of {@link VmmCommand}, written when the command was built. */
    private static String @Nullable [] help() {
        try (InputStream text = PlainWords.class.getResourceAsStream("help.txt")) {
            return text == null
                    ? null
                    : new String(text.readAllBytes(), StandardCharsets.UTF_8).split("\n", 0);
        } catch (IOException e) {
            return null;
        }
    }
}

package io.jvmm.cli;

import org.jspecify.annotations.Nullable;

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
            default -> null;
        };
    }
}

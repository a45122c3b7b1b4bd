// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Finds the command among the words of a command line. {@code run} is the one that is meant when
 * none is named; a word that is an option's value, as in {@code -k host}, names none.
 */
final class CommandWords {

    /** The command of a command line that names none. */
    static final String RUN = "run";

    /** All commands, as {@link VmmCommand} has them. */
    static final Set<String> COMMANDS =
            Set.of(RUN, "host", "page-server", "help", "generate-completion");

    /** Options that may stand before the command, too. */
    private static final Set<String> ANYWHERE = Set.of("-v", "--verbose", "-q", "--quiet");

    /** Options that are the whole command line. */
    private static final Set<String> ALONE = Set.of("-h", "--help", "-V", "--version");

    private CommandWords() {}

    /** {@return the words with the command in front, unless there is none} */
    static String[] commandFirst(String[] words) {
        int at = 0;
        while (at < words.length && ANYWHERE.contains(words[at])) {
            at++;
        }
        if (at < words.length && ALONE.contains(words[at])) {
            return words;
        }
        List<String> ordered = new ArrayList<>(words.length + 1);
        boolean named = at < words.length && COMMANDS.contains(words[at]);
        ordered.add(named ? words[at] : RUN);
        for (int i = 0; i < words.length; i++) {
            if (!named || i != at) {
                ordered.add(words[i]);
            }
        }
        return ordered.toArray(new String[0]);
    }
}

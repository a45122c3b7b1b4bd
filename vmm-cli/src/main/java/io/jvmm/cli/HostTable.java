// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.host.HostReport.Row;

import java.util.ArrayList;
import java.util.List;

/**
 * Findings as a table for a terminal: a column of topics, and text beside it, broken into lines.
 */
final class HostTable {

    private static final int WIDTH = 100;
    private static final String ADVICE = "> ";

    private HostTable() {}

    static String of(List<Row> rows) {
        int column = rows.stream().mapToInt(row -> row.topic().length()).max().orElse(0) + 2;
        StringBuilder table = new StringBuilder();
        for (Row row : rows) {
            List<String> lines = new ArrayList<>(broken(row.finding(), WIDTH - column));
            List<String> advice = broken(row.advice(), WIDTH - column - ADVICE.length());
            for (int i = 0; i < advice.size(); i++) {
                lines.add((i == 0 ? ADVICE : " ".repeat(ADVICE.length())) + advice.get(i));
            }
            for (int i = 0; i < lines.size(); i++) {
                String topic = i == 0 ? row.topic() : "";
                table.append(topic)
                        .repeat(' ', column - topic.length())
                        .append(lines.get(i))
                        .append('\n');
            }
        }
        return table.toString();
    }

    /** The text in lines of at most {@code width} characters, but for words that are longer. */
    private static List<String> broken(String text, int width) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : text.split(" ", -1)) {
            if (!line.isEmpty() && line.length() + 1 + word.length() > width) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.isEmpty() ? "" : " ").append(word);
        }
        if (!line.isEmpty()) {
            lines.add(line.toString());
        }
        return lines;
    }
}

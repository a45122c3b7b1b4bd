// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.gate;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What one test process recorded in its {@value #FILE}: the end of each test with its tags, and the
 * time of each class. {@code io.jvmm.ffi.testing.TestLedger} writes it and describes its lines.
 *
 * @param tests the tests in the order in which they ended
 * @param classMillis the time of each test class, by its full name
 * @param complete whether the process came to the end of its tests
 */
record TestLog(List<Entry> tests, Map<String, Long> classMillis, boolean complete) {

    /** Name of the file, in a module's build folder and among the results of a lab. */
    static final String FILE = "tests.tsv";

    private static final Pattern TAB = Pattern.compile("\t", Pattern.LITERAL);
    private static final Pattern COMMA = Pattern.compile(",", Pattern.LITERAL);

    /** How a test ended. */
    enum Status {
        PASSED,
        FAILED,
        SKIPPED
    }

    /**
     * One test.
     *
     * @param className the test class's full name
     * @param name the method, with the arguments of a parameterized test
     * @param tags its JUnit tags
     */
    record Entry(String className, String name, Status status, long millis, Set<String> tags) {}

    /**
     * Reads a file.
     *
     * @throws UncheckedIOException if it cannot be read
     */
    static TestLog read(Path file) {
        List<Entry> tests = new ArrayList<>();
        Map<String, Long> classes = new LinkedHashMap<>();
        boolean complete = false;
        try {
            for (String line : Files.readAllLines(file)) {
                String[] fields = TAB.split(line, -1);
                switch (fields[0]) {
                    case "test" -> {
                        // A process that was killed may have left half a line.
                        if (fields.length == 6) {
                            tests.add(
                                    new Entry(
                                            fields[1],
                                            fields[2],
                                            Status.valueOf(fields[3]),
                                            Long.parseLong(fields[4]),
                                            Set.of(COMMA.split(fields[5]))));
                        }
                    }
                    case "class" -> {
                        if (fields.length == 3 && !fields[2].isEmpty()) {
                            classes.merge(fields[1], Long.parseLong(fields[2]), Long::sum);
                        }
                    }
                    case "end" -> complete = true;
                    default -> {}
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
        return new TestLog(List.copyOf(tests), classes, complete);
    }
}

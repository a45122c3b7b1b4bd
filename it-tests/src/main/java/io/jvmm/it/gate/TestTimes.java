// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.gate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How long each test class took when it ran last, kept from run to run in the user's cache folder.
 * A time that cannot be kept or read is only missed: the tests do not depend on it.
 *
 * @param millis by place and class; a place is a module, or a lab such as {@code lab 7.2}
 */
public record TestTimes(Map<Key, Long> millis) {

    private static final String FILE = "test-times.tsv";

    /**
     * Of what the time is.
     *
     * @param place a module, or a lab by its kernel
     * @param className the test class's full name
     */
    public record Key(String place, String className) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int order = place.compareTo(other.place);
            return order != 0 ? order : className.compareTo(other.className);
        }
    }

    /** The place that a lab with this kernel is. */
    public static String lab(String kernel) {
        return "lab " + kernel;
    }

    /** What the file in this folder has; nothing if there is none, or it makes no sense. */
    public static TestTimes in(Path folder) {
        Map<Key, Long> millis = new TreeMap<>();
        try {
            for (String line : Files.readAllLines(folder.resolve(FILE))) {
                String[] fields = line.split("\t", -1);
                if (fields.length == 3) {
                    millis.put(new Key(fields[0], fields[1]), Long.parseLong(fields[2]));
                }
            }
        } catch (IOException | NumberFormatException e) {
            millis.clear();
        }
        return new TestTimes(millis);
    }

    /** The time of all classes of a place together; empty if none is known. */
    public Optional<Duration> of(String place) {
        long sum =
                millis.entrySet().stream()
                        .filter(each -> each.getKey().place().equals(place))
                        .mapToLong(Map.Entry::getValue)
                        .sum();
        return sum == 0 ? Optional.empty() : Optional.of(Duration.ofMillis(sum));
    }

    /** Keeps these times for the next run, beside those of classes that did not run now. */
    void mergeInto(Path folder) {
        Map<Key, Long> all = new TreeMap<>(in(folder).millis);
        all.putAll(millis);
        StringBuilder lines = new StringBuilder();
        all.forEach((key, value) ->
                lines.append("%s\t%s\t%d\n".formatted(key.place(), key.className(), value)));
        try {
            Files.createDirectories(folder);
            Path next = Files.createTempFile(folder, FILE, "");
            Files.writeString(next, lines);
            Files.move(next, folder.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            System.err.println("the times of the tests are not kept: " + e);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where Java's own checks are left behind (an address becomes a segment, a segment gets a size), a
 * comment says why the size, the owner and the lifetime are right.
 */
class SafetyTest {

    private static final Path SOURCES = Path.of("src/main/java/io/jvmm/ffi");
    private static final Path GENERATED = SOURCES.resolve("gen");
    private static final int LINES_ABOVE = 6;

    @Test
    void everyUncheckedSegmentSaysWhyItIsSafe() throws IOException {
        try (Stream<Path> files = Files.walk(SOURCES)) {
            assertThat(
                            files.filter(file -> file.toString().endsWith(".java"))
                                    .filter(file -> !file.startsWith(GENERATED))
                                    .flatMap(SafetyTest::unexplained))
                    .isEmpty();
        }
    }

    private static Stream<String> unexplained(Path file) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Stream.iterate(0, i -> i < lines.size(), i -> i + 1)
                .filter(i -> lines.get(i).matches(".*(\\.reinterpret|ofAddress)\\(.*"))
                .filter(i ->
                        lines.subList(Math.max(0, i - LINES_ABOVE), i).stream()
                                .noneMatch(line -> line.contains("SAFETY:")))
                .map(i -> file + ":" + (i + 1) + " has no SAFETY comment");
    }
}

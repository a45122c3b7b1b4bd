// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Standard streams that were closed when the process started belong to nobody. */
class StandardStreamTest {

    /** What a child process does: says which of its streams are open, by its exit code. */
    static final class Child {
        private Child() {}

        public static void main(String[] args) {
            int open =
                    Arrays.stream(StandardStream.values())
                            .filter(StandardStream::isOpen)
                            .filter(stream -> !isNull(stream))
                            .mapToInt(stream -> 1 << stream.descriptor())
                            .sum();
            System.exit(open);
        }
    }

    /** The runtime's launcher may have opened it in place of what was closed. */
    private static boolean isNull(StandardStream stream) {
        try {
            return Path.of("/proc/self/fd/" + stream.descriptor())
                    .toRealPath()
                    .equals(Path.of("/dev/null"));
        } catch (IOException e) {
            return false; // a pipe has no path
        }
    }

    @ParameterizedTest
    @CsvSource({"'', 7", "<&-, 6", ">&-, 5", "2>&-, 3", "<&- >&-, 4", "<&- >&- 2>&-, 0"})
    void aStreamThatWasClosedIsNotOneThatTheRuntimeOpened(String redirections, int open)
            throws IOException, InterruptedException {
        String command =
                java(Child.class).stream()
                        .map(word -> "'" + word + "'")
                        .collect(Collectors.joining(" ", "exec ", " " + redirections));

        Process child = new ProcessBuilder("sh", "-c", command).start();
        String errors = new String(child.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(child.exitValue()).as(errors).isEqualTo(open);
    }

    /** The command line that runs a class of these tests. */
    static List<String> java(Class<?> main, String... args) {
        return java.util.stream.Stream.concat(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                main.getName())
                                .stream(),
                        Arrays.stream(args))
                .toList();
    }
}

package io.jvmm.paging;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Collections one after the other while pages arrive: in processes of their own, by collector. */
@RequiresUserfaultfd
@Timeout(300)
class GcStormTest {

    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseG1GC", "-XX:+UseZGC"})
    void gatedReadersSurviveAStormOfCollections(String collector)
            throws IOException, InterruptedException {
        Process process = start(collector, "gated", "128");
        try {
            assertThat(process.waitFor(240, TimeUnit.SECONDS)).as("it does not hang").isTrue();
            assertThat(process.exitValue()).isZero();
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    /** The test of the test: the same without the gate stands still. */
    @Test
    void withoutTheGateTheProcessStandsStill() throws IOException, InterruptedException {
        Process process = start("-XX:+UseSerialGC", "ungated", "128");
        try {
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("it has ended").isFalse();
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    private static Process start(String... arguments) throws IOException {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        return new ProcessBuilder(
                        java.toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Xmx256m",
                        arguments[0],
                        "-cp",
                        System.getProperty("java.class.path"),
                        GcStorm.class.getName(),
                        arguments[1],
                        arguments[2])
                .inheritIO()
                .start();
    }
}

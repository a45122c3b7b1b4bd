// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.jvmm.guest.DebianPackages;
import io.jvmm.guest.ImageCache;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The lab keeps its word: exit codes, results byte by byte, deadlines, and reasons for failure. */
@RequiresLab
@Timeout(300)
class LabRunTest {

    private static final Optional<Duration> TWO_MINUTES = Optional.of(Duration.ofMinutes(2));

    @TempDir Path temporary;

    private final ByteArrayOutputStream shown = new ByteArrayOutputStream();
    private final LabConsole console = new LabConsole.Copied(shown);

    @Test
    void exitCodeAndResultsComeOutAsTheyWere() throws IOException {
        byte[] everyByte = new byte[256];
        for (int i = 0; i < everyByte.length; i++) {
            everyByte[i] = (byte) i;
        }
        Path sent = Files.write(temporary.resolve("sent"), everyByte);
        String script = "test -c /dev/kvm && echo it\\'s here; cp /lab/sent /lab/results/; exit 42";
        LabTask task =
                new LabTask(List.of("sh", "-c", script), TWO_MINUTES).with("/lab/sent", sent);

        LabOutcome outcome = Lab.prepare(LabSettings.fromProperties()).run(task, console, folder());

        assertThat(outcome.exitCode()).isEqualTo(42);
        assertThat(outcome.results().resolve("sent")).hasBinaryContent(everyByte);
        assertThat(shown.toString(StandardCharsets.UTF_8)).contains("it's here");
    }

    @Test
    void aTaskThatDoesNotEndIsEndedAtItsDeadline() {
        Duration deadline = Duration.ofSeconds(3);
        LabTask task = new LabTask(List.of("sleep", "1000"), Optional.of(deadline));

        assertThatExceptionOfType(LabException.class)
                .isThrownBy(() ->
                        Lab.prepare(LabSettings.fromProperties()).run(task, console, folder()))
                .withMessageContaining("without a result")
                .withMessageContaining("not done after 3 seconds");
    }

    @Test
    void aLabThatCannotStartSaysWhy() throws IOException {
        Path noKernel = Files.writeString(temporary.resolve("vmlinuz"), "no kernel at all");
        Path nothing = Files.createFile(temporary.resolve("initramfs"));
        LabSettings settings = new LabSettings(LabKernel.DEBIAN_7_2, 1, 256);
        LabEmulator emulator = LabEmulator.find(new DebianPackages(ImageCache.ofUser()));
        Lab lab = new Lab(settings, emulator, new LabImage(noKernel, nothing));
        LabTask task = new LabTask(List.of("true"), TWO_MINUTES);

        assertThatExceptionOfType(LabException.class)
                .isThrownBy(() -> lab.run(task, console, folder()))
                .withMessageContaining("ended with exit code 1")
                .withMessageContaining("kernel");
    }

    private LabFolder folder() {
        return LabFolder.emptied(temporary.resolve("run"));
    }
}

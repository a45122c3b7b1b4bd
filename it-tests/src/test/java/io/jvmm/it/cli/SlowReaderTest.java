// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.lab.LabTests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The reader of the command's output takes its time, goes away, or has no room. */
@RequiresKvm
@Tag(LabTests.HOST)
@Timeout(240)
class SlowReaderTest {

    @TempDir private Path folder;

    private Process shell(String script, SerialGuest guest) throws Exception {
        List<String> command = new ArrayList<>(List.of("sh", "-c", script, "sh"));
        command.addAll(
                VmProcess.command(List.of(), List.of("--kernel", GuestFiles.write(folder, guest))));
        return new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectError(folder.resolve("errors").toFile())
                .redirectOutput(folder.resolve("output").toFile())
                .start();
    }

    private static void awaitEnd(Process process) throws InterruptedException {
        assertThat(process.waitFor(200, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
    }

    private String code() throws Exception {
        return Files.readString(folder.resolve("code")).strip();
    }

    private String errors() throws Exception {
        return Files.readString(folder.resolve("errors"));
    }

    /** The reader begins later than a machine that is closed waits for one that takes nothing. */
    @Test
    void outputThatIsReadLongAfterPowerOffIsComplete() throws Exception {
        awaitEnd(
                shell(
                        "(\"$@\" < /dev/null; echo $? > code) | (sleep 15; cat)",
                        SerialGuest.FLOOD_TO_ITS_END));
        assertThat(code()).isEqualTo("0");
        assertThat(folder.resolve("output")).hasSize(SerialGuest.FLOODED);
    }

    @Test
    void aReaderThatGoesAwayIsALossWithItsOwnCode() throws Exception {
        awaitEnd(
                shell(
                        "(\"$@\" < /dev/null; echo $? > code) | head -c 10",
                        SerialGuest.FLOOD_TO_ITS_END));
        assertThat(code()).isEqualTo("5");
        assertThat(errors()).contains("bytes of the console's output are lost: ", "EPIPE");
    }

    @Test
    void aFullDeviceIsALossWithItsOwnCode() throws Exception {
        awaitEnd(
                shell(
                        "\"$@\" < /dev/null > /dev/full; echo $? > code",
                        SerialGuest.FLOOD_TO_ITS_END));
        assertThat(code()).isEqualTo("5");
        assertThat(errors()).contains("bytes of the console's output are lost: ", "ENOSPC");
    }

    @Test
    void aSignalEndsTheWaitForAReader() throws Exception {
        String script =
                "mkfifo pipe; sleep 1000 < pipe & reader=$!; exec 3> pipe;"
                        + " \"$@\" < /dev/null >&3 & vm=$!;"
                        + " while ! grep -q PowerOff errors; do sleep 0.1; done;"
                        + " kill -TERM $vm; wait $vm; echo $? > code; kill $reader";
        List<String> command = new ArrayList<>(List.of("sh", "-c", script, "sh"));
        command.addAll(
                VmProcess.command(
                        List.of(),
                        List.of(
                                "--verbose",
                                "--kernel",
                                GuestFiles.write(folder, SerialGuest.FLOOD_TO_ITS_END))));
        Process process =
                new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectError(folder.resolve("errors").toFile())
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        assertThat(process.waitFor(200, TimeUnit.SECONDS)).isTrue();
        assertThat(code()).isEqualTo("143");
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.framework.VmProcess.Signal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The command on a pseudo-terminal, made by {@code script(1)}, in a shell that writes down the
 * terminal's settings before and after.
 */
final class TerminalSession implements AutoCloseable {

    /** Generous: the host may be busy with other tests. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final VmProcess script;

    private TerminalSession(VmProcess script) {
        this.script = script;
    }

    /** Starts {@code vmm.jar} with these arguments; {@code folder} takes the shell's script. */
    static TerminalSession start(Path folder, String... arguments) {
        return startAfter("true", folder, arguments);
    }

    /** As {@link #start}, but the shell first runs another command, which may set limits. */
    static TerminalSession startAfter(String first, Path folder, String... arguments) {
        String command =
                VmProcess.command(List.of(), List.of(arguments)).stream()
                        .map(word -> "'" + word.replace("'", "'\\''") + "'")
                        .collect(Collectors.joining(" "));
        String session =
                """
                echo "tty=$(tty)."
                echo "before=$(stty -g)."
                %s
                %s
                echo "code=$?."
                echo "after=$(stty -g)."
                """
                        .formatted(first, command);
        Path file = folder.resolve("session.sh");
        try {
            Files.writeString(file, session);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new TerminalSession(
                VmProcess.launch(List.of("script", "-qfc", "sh " + file, "/dev/null")));
    }

    /** Waits for a text on the terminal, behind what was waited for before. */
    TerminalSession waitForText(String text) {
        script.waitForText(text, LIMIT);
        return this;
    }

    /** Types these keys. */
    TerminalSession type(String keys) {
        script.sendRaw(keys);
        return this;
    }

    /** Sends a signal to the command itself, not to the shell around it. */
    TerminalSession signal(Signal signal) {
        script.signal(command().orElseThrow().pid(), signal);
        return this;
    }

    /** The command's process, while there is one. */
    Optional<ProcessHandle> command() {
        return ProcessHandle.of(script.pid()).stream()
                .flatMap(ProcessHandle::descendants)
                .filter(process -> process.info().command().orElse("").endsWith("/java"))
                .findFirst();
    }

    /** Ends the terminal under the command, as closing its window does. */
    void hangUp() {
        script.close();
    }

    /** The terminal's settings as of now, in words. */
    String settings() {
        try {
            Process stty = new ProcessBuilder("stty", "-a", "-F", noted("tty")).start();
            return new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for the command's end with this exit code, and checks the terminal's settings. */
    void expectExit(int code) {
        script.expectExit(0, LIMIT);
        assertThat(noted("code")).as(output()).isEqualTo(Integer.toString(code));
        assertThat(noted("after")).as(output()).isEqualTo(noted("before"));
    }

    /** All that the terminal has shown. */
    String output() {
        return script.serialLog();
    }

    private String noted(String name) {
        Matcher note = Pattern.compile(name + "=([^.]*)\\.").matcher(output());
        assertThat(note.find()).as("%s in %s", name, output()).isTrue();
        return note.group(1);
    }

    @Override
    public void close() {
        Optional<ProcessHandle> command = command();
        script.close();
        command.ifPresent(ProcessHandle::destroyForcibly);
    }
}

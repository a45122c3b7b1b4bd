// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.ffi.testing.WaitsForProcesses;
import io.jvmm.guest.Payload;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.paging.handler.ExternalPager;
import io.jvmm.paging.handler.HandlerEvent;
import io.jvmm.paging.handler.HandlerEvent.Cause;
import io.jvmm.paging.wire.Token;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** {@code vmm page-server} as whoever starts it sees it, and as the handler of machines. */
@RequiresKvm
@RequiresUserfaultfd
@Tag("host")
@WaitsForProcesses
@Timeout(300)
class PageServerProcessTest {

    private static final long MEMORY = 64L << 20;
    private static final Duration DEADLINE = Duration.ofSeconds(1);

    @TempDir static Path shared;
    private static Path image = Path.of("");

    @TempDir Path folder;
    private final List<Talker> processes = new ArrayList<>();
    private final Events<HandlerEvent> events = new Events<>();

    @BeforeAll
    static void writeImage() throws IOException {
        image = MemoryImage.write(shared.resolve("memory"), MEMORY);
    }

    @AfterEach
    void endProcesses() {
        processes.forEach(Talker::close);
    }

    private Talker handler(Path socket, String... more) {
        List<String> arguments =
                new ArrayList<>(
                        List.of("--image", image.toString(), "--handler", socket.toString()));
        arguments.addAll(List.of(more));
        Talker server = PagedProcesses.server(arguments);
        processes.add(server);
        return server;
    }

    private Machine machine(Path socket, String name, String order) {
        return Machine.create(
                MachineConfig.builder()
                        .name(name)
                        .kernel("verify", Payload.VERIFY.bytes())
                        .commandLine(order + " 64")
                        .memoryBytes(MEMORY)
                        .pager(new ExternalPager(socket, DEADLINE, events))
                        .build());
    }

    private static void awaitVerified(Machine machine) throws IOException {
        assertThat(machine.consoleOutput().read()).isEqualTo('R');
        assertThat(machine.consoleOutput().read()).isEqualTo('.');
        assertThat(machine.consoleOutput().read()).isEqualTo('.');
    }

    @Test
    void itHandlesSeveralMachinesAndEndsWithASignal() throws Exception {
        Path socket = folder.resolve("faults");
        Talker server = handler(socket);
        assertThat(server.await("^page faults at ")).endsWith(socket.toString());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
        try (Machine first = machine(socket, "first", "sequential");
                Machine second = machine(socket, "second", "random")) {
            first.start();
            second.start();
            awaitVerified(first);
            awaitVerified(second);
            assertThat(server.count("handles its 64 MiB")).isEqualTo(2);
            server.terminate();
            // What they have they have: the end of their handler is news and nothing more.
            assertThat(events.await(HandlerEvent.Lost.class).cause()).isEqualTo(Cause.EXITED);
            events.await(HandlerEvent.Lost.class);
            assertThat(first.consoleOutput().read()).isEqualTo('.');
        }
        assertThat(server.awaitExit()).isEqualTo(143);
        assertThat(socket).doesNotExist();
    }

    @Test
    void itEndsAfterOneMachineIfItShall() throws Exception {
        Path socket = folder.resolve("faults");
        Talker server = handler(socket, "--once");
        try (Machine machine = machine(socket, "one", "sequential")) {
            machine.start();
            awaitVerified(machine);
        }
        server.await("ended, [0-9]+ KiB brought");
        assertThat(server.awaitExit()).isZero();
    }

    @Test
    void itIsKilledAndAnotherOnesTakesItsPlaceAtTheSameSocket() throws Exception {
        Path socket = folder.resolve("faults");
        Talker first = handler(socket);
        ExternalPager pager = new ExternalPager(socket, DEADLINE, events);
        MachineConfig config =
                MachineConfig.builder()
                        .kernel("verify", Payload.VERIFY.bytes())
                        .commandLine("random 64")
                        .memoryBytes(MEMORY)
                        .pager(pager)
                        .build();
        try (Machine machine = Machine.create(config)) {
            events.await(HandlerEvent.Served.class);
            first.kill();
            assertThat(events.await(HandlerEvent.Lost.class).cause()).isEqualTo(Cause.EXITED);
            machine.start();
            events.await(HandlerEvent.Overdue.class);
            handler(socket);
            pager.handOver(socket);
            awaitVerified(machine);
        }
    }

    @Test
    void aMachineWhoseMemoryGoesBeyondTheImageIsRefused() throws Exception {
        Path socket = folder.resolve("faults");
        Talker server = handler(socket);
        ExternalPager pager = new ExternalPager(socket, DEADLINE, events);
        MachineConfig config =
                MachineConfig.builder()
                        .kernel("verify", Payload.VERIFY.bytes())
                        .commandLine("random 128")
                        .memoryBytes(2 * MEMORY)
                        .pager(pager)
                        .build();
        try (Machine _ = Machine.create(config)) {
            events.await(HandlerEvent.SocketClosed.class);
            server.await("refused: the machine has 0x8000000 bytes at 0x0 of the file");
        }
    }

    @Test
    void itIsReadyWhenTheDescriptorSaysSo() throws Exception {
        Path ready = folder.resolve("ready");
        Path socket = folder.resolve("faults");
        List<String> command =
                new ArrayList<>(List.of("bash", "-c", "exec \"$@\" 7>" + ready, "bash"));
        command.addAll(
                VmProcess.command(
                        List.of(),
                        List.of(
                                "page-server",
                                "-f",
                                image.toString(),
                                "-H",
                                socket.toString(),
                                "--ready-fd",
                                "7")));
        Talker server = Talker.start(command);
        processes.add(server);
        server.await("^ready$");
        server.terminate();
        assertThat(server.awaitExit()).isEqualTo(143);
        assertThat(Files.readString(ready)).isEqualTo("page faults at " + socket + "\nready\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"unix", "handler"})
    void aSocketThatAnotherOneServesIsLeftToIt(String kind) throws Exception {
        Path socket = folder.resolve("socket");
        Path token = Files.writeString(folder.resolve("token"), Token.random().hexadecimal());
        List<String> arguments =
                List.of(
                        "--image",
                        image.toString(),
                        "--token-file",
                        token.toString(),
                        kind.equals("unix") ? "--listen" : "--handler",
                        kind.equals("unix") ? "unix:" + socket : socket.toString());
        Talker first = PagedProcesses.server(arguments);
        processes.add(first);
        List<String> words = new ArrayList<>(List.of("page-server"));
        words.addAll(arguments);
        try (Talker second = Talker.start(VmProcess.command(List.of(), words))) {
            assertThat(second.awaitExit()).isEqualTo(4);
            assertThat(second.await("cannot listen")).contains("in use by another");
        }
        assertThat(socket).exists();
    }
}

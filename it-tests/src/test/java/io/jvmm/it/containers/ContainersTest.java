// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.containers;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.async.ResultCallback;
import com.github.dockerjava.api.command.CreateContainerCmd;
import com.github.dockerjava.api.model.Device;
import com.github.dockerjava.api.model.Frame;
import com.github.dockerjava.api.model.HostConfig;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.ffi.testing.WaitsForProcesses;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.paging.MemoryImage;
import io.jvmm.it.paging.PagedVm;
import io.jvmm.paging.wire.Token;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.output.OutputFrame;
import org.testcontainers.containers.output.WaitingConsumer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A guest in one container, with {@code /dev/kvm} and {@code /dev/userfaultfd}, whose memory comes
 * from {@code vmm page-server} in another one, over a network of their own: undisturbed, with the
 * network taken away, and with either container killed.
 *
 * <p>Sizes come from the system properties of {@code TwoProcessTest}.
 */
@RequiresKvm
@RequiresUserfaultfd
@RequiresDocker
@ResourceLock("the Docker engine")
@Tag("host")
@WaitsForProcesses
@Timeout(1200)
class ContainersTest {

    private static final long MIB = Long.getLong("jvmm.paging.mib", 64);
    // Some seconds of single faults, so that the network goes away in the middle.
    private static final long SLOW_MIB = Math.max(MIB, 256);
    private static final long OUTAGE_NANOS = Long.getLong("jvmm.paging.outage", 1000) * 1_000_000;
    private static final int OUTAGES = 3;
    private static final String SERVER = "pages";
    private static final int PORT = 7070;
    private static final int LIMIT_SECONDS = 120;

    @TempDir static Path data;
    private static DockerImageName image = DockerImageName.parse("scratch");

    private final List<AutoCloseable> owned = new ArrayList<>();
    private Network network = Network.SHARED;

    @BeforeAll
    static void prepare() throws IOException, InterruptedException {
        image = HostImage.make();
        Files.writeString(data.resolve("token"), Token.random().hexadecimal());
        MemoryImage.write(data.resolve("memory-" + MIB), MIB << 20);
        if (SLOW_MIB != MIB) {
            MemoryImage.write(data.resolve("memory-" + SLOW_MIB), SLOW_MIB << 20);
        }
    }

    @BeforeEach
    void makeNetwork() {
        network = Network.newNetwork();
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : owned.reversed()) {
            each.close();
        }
        network.close();
    }

    private GenericContainer<?> container(
            List<String> command, List<Path> mounted, Consumer<CreateContainerCmd> settings) {
        List<Path> paths = new ArrayList<>(mounted);
        paths.add(data);
        GenericContainer<?> container =
                new GenericContainer<>(image)
                        .withNetwork(network)
                        .withCommand(command.toArray(String[]::new))
                        .withCreateContainerCmdModifier(create -> {
                            // Whom the engine would ask for a name that is away: nobody, so the
                            // answer is there at once.
                            hostConfig(create)
                                    .withBinds(HostImage.binds(paths))
                                    .withDns("127.0.0.1");
                            settings.accept(create);
                        });
        owned.add(container);
        return container;
    }

    private static HostConfig hostConfig(CreateContainerCmd create) {
        HostConfig config = create.getHostConfig();
        if (config == null) {
            throw new IllegalStateException("Testcontainers always makes one");
        }
        return config;
    }

    private GenericContainer<?> server(long mib) {
        List<String> command =
                new ArrayList<>(VmProcess.command(List.of("-XX:TieredStopAtLevel=1"), List.of()));
        command.addAll(
                List.of(
                        "page-server",
                        "--image",
                        data.resolve("memory-" + mib).toString(),
                        "--token-file",
                        data.resolve("token").toString(),
                        "--listen",
                        "tcp:0.0.0.0:" + PORT,
                        "--silence-time",
                        "2"));
        Path jar = Path.of(command.get(command.indexOf("-jar") + 1)).toAbsolutePath();
        GenericContainer<?> server =
                container(command, List.of(jar), create -> {})
                        .withNetworkAliases(SERVER)
                        .waitingFor(
                                Wait.forLogMessage("ready\\n", 1)
                                        .withStartupTimeout(Duration.ofSeconds(LIMIT_SECONDS)));
        server.start();
        return server;
    }

    private Vm machine(long mib, String... how) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                // A server that comes back may have another address.
                                "-Dsun.net.inetaddr.ttl=0",
                                "-Dsun.net.inetaddr.negative.ttl=0",
                                "-cp",
                                absolute(System.getProperty("java.class.path")),
                                PagedVm.class.getName(),
                                "tcp:%s:%d".formatted(SERVER, PORT),
                                data.resolve("token").toString(),
                                Long.toString(mib)));
        command.addAll(List.of(how));
        GenericContainer<?> container =
                container(
                        command,
                        List.of(),
                        create -> {
                            create.withStdinOpen(true);
                            hostConfig(create)
                                    .withDevices(device("/dev/kvm"), device("/dev/userfaultfd"));
                        });
        return new Vm(container);
    }

    private static String absolute(String classPath) {
        List<String> entries = new ArrayList<>();
        for (String entry : classPath.split(":", -1)) {
            if (!entry.isEmpty()) {
                entries.add(Path.of(entry).toAbsolutePath().toString());
            }
        }
        return String.join(":", entries);
    }

    private static Device device(String path) {
        return new Device("rwm", path, path);
    }

    /** A {@link PagedVm} in a container. */
    private final class Vm {
        private final GenericContainer<?> container;
        private final WaitingConsumer output = new WaitingConsumer();
        private final PipedOutputStream input = new PipedOutputStream();

        Vm(GenericContainer<?> container) throws IOException {
            this.container = container;
            container.withLogConsumer(output);
            container.start();
            owned.add(
                    DockerClientFactory.lazyClient()
                            .attachContainerCmd(container.getContainerId())
                            .withStdIn(new PipedInputStream(input))
                            .withFollowStream(true)
                            .exec(new ResultCallback.Adapter<Frame>()));
        }

        void await(String text, int times) throws TimeoutException {
            output.waitUntil(
                    frame -> frame.getUtf8String().contains(text),
                    LIMIT_SECONDS,
                    TimeUnit.SECONDS,
                    times);
        }

        String ask(String line, String answer) throws IOException, TimeoutException {
            input.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
            input.flush();
            String[] found = new String[1];
            output.waitUntil(
                    frame -> isAnswer(frame, answer, found), LIMIT_SECONDS, TimeUnit.SECONDS);
            return found[0];
        }

        private boolean isAnswer(OutputFrame frame, String answer, String[] found) {
            found[0] = frame.getUtf8String().strip();
            return found[0].contains(answer);
        }

        boolean hasSaid(String text) {
            return container.getLogs().contains(text);
        }
    }

    private static void kill(GenericContainer<?> container) {
        DockerClientFactory.lazyClient().killContainerCmd(container.getContainerId()).exec();
    }

    /** Waits until a container has said something; fails with all that it has said instead. */
    private static void awaitLog(GenericContainer<?> container, String text) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!container.getLogs().contains(text)) {
            assertThat(System.nanoTime() - deadline).as(container.getLogs()).isNegative();
            LockSupport.parkNanos(50_000_000);
        }
    }

    /** The guest checks every word of every page twice; the second time all are there. */
    private static void assertVerified(Vm machine) {
        while (machine.container.getLogs().split("guest \\.", -1).length < 3) {
            assertThat(machine.container.isRunning()).isTrue();
            LockSupport.parkNanos(50_000_000);
        }
        assertThat(machine.hasSaid("guest X")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"sequential", "random"})
    void aGuestFindsEveryPageOfAnotherContainer(String order) throws Exception {
        GenericContainer<?> server = server(MIB);
        Vm machine = machine(MIB, order);
        machine.await("source Complete", 1);
        assertVerified(machine);
        assertThat(server.getLogs()).contains("complete, " + MIB * 256 + " pages");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sequential", "random"})
    void theNetworkGoesAwayAgainAndAgain(String order, TestReporter reporter) throws Exception {
        GenericContainer<?> server = server(SLOW_MIB);
        Vm machine = machine(SLOW_MIB, order, "slow");
        awaitLog(server, "session open");
        machine.await("guest R", 1);
        DockerClient docker = DockerClientFactory.lazyClient();
        for (int outage = 0; outage < OUTAGES && !machine.hasSaid("Complete"); outage++) {
            docker.disconnectFromNetworkCmd()
                    .withNetworkId(network.getId())
                    .withContainerId(server.getContainerId())
                    .exec();
            // Nothing says that it is gone but silence.
            machine.await("source Away", 1);
            machine.ask("stuck", "stuck");
            reporter.publishEntry("outage " + outage, machine.ask("pause", "paused in"));
            LockSupport.parkNanos(OUTAGE_NANOS);
            docker.connectToNetworkCmd()
                    .withNetworkId(network.getId())
                    .withContainerId(server.getContainerId())
                    .withContainerNetwork(
                            new com.github.dockerjava.api.model.ContainerNetwork()
                                    .withAliases(SERVER))
                    .exec();
            machine.await("source Connected", 1);
        }
        assertThat(machine.hasSaid("source Away")).isTrue();
        assertVerified(machine);
    }

    @Test
    void theServersContainerIsKilledAndAnotherTakesItsPlace(TestReporter reporter)
            throws Exception {
        GenericContainer<?> first = server(SLOW_MIB);
        Vm machine = machine(SLOW_MIB, "random", "slow");
        awaitLog(first, "session open");
        machine.await("guest R", 1);
        kill(first);
        machine.await("source Away[reason=", 1);
        machine.ask("stuck", "stuck");
        reporter.publishEntry("killed", machine.ask("pause", "paused in"));
        server(SLOW_MIB);
        assertVerified(machine);
    }

    @Test
    void theMachinesContainerIsKilledAndAnotherOneIsServed() throws Exception {
        GenericContainer<?> server = server(SLOW_MIB);
        Vm first = machine(SLOW_MIB, "random", "slow");
        // The guest says that it runs before anything comes from the server.
        awaitLog(server, "session open");
        first.await("guest R", 1);
        kill(first.container);
        awaitLog(server, ": lost (");
        Vm second = machine(SLOW_MIB, "sequential");
        second.await("source Complete", 1);
        assertVerified(second);
        assertThat(server.getLogs()).contains("complete, ");
    }
}

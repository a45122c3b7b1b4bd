// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A client in a process of its own, which fetches everything and says when it is complete. */
final class ClientProcess {

    private ClientProcess() {}

    static Process start(Path socket, Token token, int pages) throws IOException {
        return java(
                ClientProcess.class,
                socket.toString(),
                token.hexadecimal(),
                Integer.toString(pages));
    }

    /** Runs a class of the tests. */
    static Process java(Class<?> main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xshare:auto",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    /** Waits for a line. */
    static void await(Process process, String line) throws IOException {
        BufferedReader reader =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String read = reader.readLine();
        if (!line.equals(read)) {
            throw new IOException("expected «" + line + "», not «" + read + "»");
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        PageLayout layout = TestImage.layout(Integer.parseInt(arguments[2]));
        Recorder<PeerState> states = new Recorder<>();
        try (PeerPageSource source =
                        new PeerPageSource(
                                PeerAddress.unix(Path.of(arguments[0])),
                                Token.parse(arguments[1]),
                                layout,
                                PeerConfig.DEFAULT.withBulkConnections(1),
                                states);
                TestClient client = new TestClient(source, layout, 20, 1, false)) {
            source.start(client);
            client.go();
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
            System.out.println("complete");
        }
    }
}

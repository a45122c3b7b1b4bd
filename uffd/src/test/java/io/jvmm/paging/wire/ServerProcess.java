// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.IOException;
import java.nio.file.Path;

/** A page server in a process of its own, which serves a {@link TestImage} until it is killed. */
final class ServerProcess {

    private ServerProcess() {}

    static Process start(Path socket, Token token, int pages)
            throws IOException, InterruptedException {
        Process process =
                ClientProcess.java(
                        ServerProcess.class,
                        socket.toString(),
                        token.hexadecimal(),
                        Integer.toString(pages));
        ClientProcess.await(process, "listening");
        return process;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        PageLayout layout = TestImage.layout(Integer.parseInt(arguments[2]));
        try (TestImage image = new TestImage(layout);
                PageServer _ =
                        PageServer.open(
                                PeerAddress.unix(Path.of(arguments[0])),
                                image,
                                Token.parse(arguments[1]),
                                ServerLimits.DEFAULT,
                                event -> {})) {
            System.out.println("listening");
            // Its parent's end of the pipe.
            while (System.in.read() >= 0) {
                // Goes on.
            }
        }
    }
}

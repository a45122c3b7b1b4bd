// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.UnixSocket;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/** A handler in a process of its own: serves one machine from a file, and ends with it. */
final class HandlerProcess {

    private HandlerProcess() {}

    static Process start(Path socket, Path file) throws IOException {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:+UseSerialGC",
                                "-cp",
                                System.getProperty("java.class.path"),
                                HandlerProcess.class.getName(),
                                socket.toString(),
                                file.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        if (process.getInputStream().read() != '!') {
            throw new IOException("the handler does not listen");
        }
        return process;
    }

    public static void main(String[] arguments) {
        try (Fd listening = UnixSocket.listen(Path.of(arguments[0]));
                Fd file = Fd.open(arguments[1], Fd.O_RDONLY)) {
            System.out.print('!');
            System.out.flush();
            try (Fd socket = UnixSocket.accept(listening);
                    EventFd never = EventFd.create();
                    Handover machine = Handover.receive(socket, Duration.ofSeconds(60))) {
                long _ = new FileHandler(machine, socket, file, never.fd(), why -> {}).run();
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.FdPassing;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.UnixSocket;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * A program whose memory somebody else serves: sends its userfaultfd and the address, forks, sends
 * a page that is missing, and ends when the other side closes the socket.
 */
final class PagedProcess {

    private static final int PAGE = 4096;

    private PagedProcess() {}

    static Process start(Path socket) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        // A real fork(2): the default shares the memory until the exec.
                        "-Djdk.lang.Process.launchMechanism=FORK",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        PagedProcess.class.getName(),
                        socket.toString())
                .inheritIO()
                .start();
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        try (Mapping memory = Mapping.anonymous(2 * PAGE);
                Userfaultfd uffd = Userfaultfd.open(Set.of(Feature.EVENT_FORK));
                Fd socket = UnixSocket.connect(Path.of(arguments[0]));
                Arena arena = Arena.ofConfined()) {
            uffd.register(memory.address(), memory.sizeBytes(), Set.of(Tracking.MISSING));
            byte[] address = new byte[Long.BYTES];
            MemorySegment.ofArray(address).set(JAVA_LONG_UNALIGNED, 0, memory.address());
            FdPassing.send(socket, address, List.of(uffd.fd()));
            new ProcessBuilder("true").start().waitFor();
            // The kernel touches the page, in the name of this thread.
            socket.write(memory.segment().asSlice(0, PAGE));
            socket.read(arena.allocate(1));
        }
    }
}

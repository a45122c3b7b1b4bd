// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

class UnixSocketTest {

    @TempDir Path folder;

    @Test
    void connectsTwoSides() {
        Path path = folder.resolve("socket");
        try (Fd listening = UnixSocket.listen(path);
                Fd client = UnixSocket.connect(path);
                Fd server = UnixSocket.accept(listening);
                Arena arena = Arena.ofConfined()) {
            client.write(arena.allocateFrom("ping"));
            MemorySegment buffer = arena.allocate(16);
            assertThat(server.read(buffer)).isEqualTo(5);
            assertThat(buffer.getString(0)).isEqualTo("ping");
        }
    }

    @Test
    void saysWhyItCanNot() {
        Path missing = folder.resolve("missing");
        assertThatThrownBy(() -> UnixSocket.connect(missing))
                .isInstanceOf(KernelException.class)
                .hasMessageStartingWith("connect " + missing + ": ENOENT (2)");
        assertThatThrownBy(() -> UnixSocket.listen(folder))
                .hasMessageStartingWith("bind " + folder + ": EADDRINUSE (98)");
        assertThatThrownBy(() -> UnixSocket.listen(folder.resolve("n".repeat(108))))
                .isInstanceOf(KernelException.class)
                .hasMessageContaining("ENAMETOOLONG")
                .hasMessageContaining("less than 108 bytes");
        try (UnixSocket.Pair pair = UnixSocket.pair()) {
            assertThatThrownBy(() -> UnixSocket.accept(pair.first()))
                    .hasMessageStartingWith("accept: EINVAL (22)");
        }
        assertThat(Errno.of(Linux.call(Nr.SOCKET, -1, 0, 0))).isEqualTo(Errno.EAFNOSUPPORT);
        assertThat(Errno.of(Linux.call(Nr.SOCKETPAIR, -1, 0, 0, Linux.scratch().address())))
                .isEqualTo(Errno.EAFNOSUPPORT);
        assertThat(Errno.of(Linux.call(Nr.LISTEN, -1, 0, 0))).isEqualTo(Errno.EBADF);
    }
}

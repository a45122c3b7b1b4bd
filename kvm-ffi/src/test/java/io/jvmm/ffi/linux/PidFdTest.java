// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;

@Timeout(60)
class PidFdTest {

    @Test
    void itIsReadableFromTheProcesssEndOn() throws IOException {
        Process process = new ProcessBuilder("cat").start();
        try (PidFd pidFd = PidFd.open((int) process.pid())) {
            assertThat(pidFd.hasEnded()).isFalse();
            process.destroyForcibly();
            assertThat(pidFd.fd().poll(Fd.POLLIN, -1) & Fd.POLLIN).isEqualTo(Fd.POLLIN);
            assertThat(pidFd.hasEnded()).isTrue();
        }
    }

    @Test
    void aProcessThatIsNotThereIsRefused() {
        assertThatThrownBy(() -> PidFd.open(Integer.MAX_VALUE))
                .isInstanceOf(KernelException.class)
                .hasMessageStartingWith("pidfd_open: ESRCH");
    }

    @Test
    void theOtherEndOfASocketIsKnown(@TempDir Path folder) {
        Path path = folder.resolve("socket");
        try (Fd listening = UnixSocket.listen(path);
                Fd socket = UnixSocket.connect(path);
                Fd accepted = UnixSocket.accept(listening);
                PidFd listener = PidFd.ofPeer(socket).orElseThrow();
                PidFd caller = PidFd.ofPeer(accepted).orElseThrow()) {
            int self = (int) ProcessHandle.current().pid();
            assertThat(listener.pid()).isEqualTo(self);
            assertThat(caller.pid()).isEqualTo(self);
            assertThat(caller.hasEnded()).isFalse();
        }
    }
}

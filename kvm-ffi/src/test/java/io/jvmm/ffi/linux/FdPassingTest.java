// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

class FdPassingTest {

    @Test
    void handsOverAnOpenFile() {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Memfd memory = Memfd.create("passed", 4096);
                Mapping mapping = memory.mapShared();
                EventFd event = EventFd.create()) {
            mapping.segment().set(ValueLayout.JAVA_INT, 0, 99);
            FdPassing.send(pair.first(), new byte[] {1, 2}, List.of(memory.fd(), event.fd()));
            try (FdPassing.Message message = FdPassing.receive(pair.second(), 16, 2)) {
                assertThat(message.payload()).containsExactly(1, 2);
                assertThat(message.descriptors()).hasSize(2);
                Fd received = message.descriptors().getFirst();
                assertThat(received.number()).isNotEqualTo(memory.fd().number());
                assertThat(Memfd.isSizeSealed(received)).isTrue();
                try (Mapping again = Mapping.shared(received, 0, 4096)) {
                    assertThat(again.segment().get(ValueLayout.JAVA_INT, 0)).isEqualTo(99);
                }
            }
        }
    }

    @Test
    void carriesBytesAlone() {
        try (UnixSocket.Pair pair = UnixSocket.pair()) {
            FdPassing.send(pair.first(), new byte[] {7, 8, 9}, List.of());
            try (FdPassing.Message message = FdPassing.receive(pair.second(), 2, 1)) {
                assertThat(message.payload()).containsExactly(7, 8);
                assertThat(message.descriptors()).isEmpty();
            }
            pair.first().close();
            try (FdPassing.Message rest = FdPassing.receive(pair.second(), 2, 0)) {
                assertThat(rest.payload()).containsExactly(9);
            }
            try (FdPassing.Message end = FdPassing.receive(pair.second(), 2, 1)) {
                assertThat(end.payload()).isEmpty();
            }
        }
    }

    @Test
    void leavesNoDescriptorOpenThatWasNotExpected() throws IOException {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                EventFd event = EventFd.create()) {
            for (int sent = 2; sent <= 4; sent++) {
                long before = openDescriptors();
                Fd[] descriptors = new Fd[sent];
                Arrays.fill(descriptors, event.fd());
                FdPassing.send(pair.first(), new byte[1], List.of(descriptors));
                assertThatThrownBy(() -> FdPassing.receive(pair.second(), 1, 1))
                        .isInstanceOf(KernelException.class)
                        .hasMessage("recvmsg: EMSGSIZE (90): accept more than 1 descriptors");
                assertThat(openDescriptors()).isEqualTo(before);
            }
        }
    }

    @Test
    void failsOnASocketThatIsGone() {
        try (UnixSocket.Pair pair = UnixSocket.pair()) {
            pair.second().close();
            assertThatThrownBy(() -> FdPassing.send(pair.first(), new byte[1], List.of()))
                    .isInstanceOf(KernelException.class)
                    .hasMessageStartingWith("sendmsg: EPIPE (32)");
            assertThatThrownBy(() -> FdPassing.send(pair.first(), new byte[0], List.of()))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        try (Fd fd = Fd.open("/dev/null", Fd.O_RDWR)) {
            assertThatThrownBy(() -> FdPassing.receive(fd, 1, 1))
                    .hasMessageStartingWith("recvmsg: ENOTSOCK (88)");
        }
    }

    private static long openDescriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }
}

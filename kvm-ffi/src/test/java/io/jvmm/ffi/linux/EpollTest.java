// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

class EpollTest {

    private static final long FIRST = 0x1122334455667788L;
    private static final long SECOND = -1;

    @Test
    void tellsWhoIsReady() {
        try (Epoll epoll = Epoll.create(4);
                EventFd first = EventFd.create();
                EventFd second = EventFd.create()) {
            epoll.add(first.fd(), Epoll.EPOLLIN, FIRST);
            epoll.add(second.fd(), Epoll.EPOLLIN | Epoll.EPOLLET, SECOND);
            assertThat(epoll.await(0)).isZero();

            second.signal();
            assertThat(epoll.await(-1)).isEqualTo(1);
            assertThat(epoll.data(0)).isEqualTo(SECOND);
            assertThat(epoll.events(0)).isEqualTo(Epoll.EPOLLIN);
            assertThat(epoll.await(0)).as("edges are told once").isZero();

            first.signal();
            second.signal();
            assertThat(epoll.await(-1)).isEqualTo(2);
            assertThat(epoll.data(0) + epoll.data(1)).isEqualTo(FIRST + SECOND);
        }
    }

    @Test
    void changesAndForgetsMembers() {
        try (Epoll epoll = Epoll.create(1);
                EventFd event = EventFd.create()) {
            event.signal();
            epoll.add(event.fd(), Epoll.EPOLLIN, FIRST);
            epoll.modify(event.fd(), Epoll.EPOLLIN, SECOND);
            assertThat(epoll.await(-1)).isEqualTo(1);
            assertThat(epoll.data(0)).isEqualTo(SECOND);
            epoll.remove(event.fd());
            assertThat(epoll.await(0)).isZero();
        }
    }

    @Test
    void aRegularFileCannotBePolled(@TempDir Path folder) {
        try (Epoll epoll = Epoll.create(1);
                Fd file = Fd.open(folder.resolve("file").toString(), Fd.O_WRONLY | Fd.O_CREAT);
                EventFd event = EventFd.create()) {
            assertThat(epoll.tryAdd(file, Epoll.EPOLLOUT, FIRST)).isEqualTo(-Errno.EPERM.number());
            assertThat(epoll.tryAdd(event.fd(), Epoll.EPOLLIN, FIRST)).isZero();
        }
    }

    @Test
    void namesTheCallThatFailed() {
        try (Epoll epoll = Epoll.create(1);
                EventFd event = EventFd.create()) {
            epoll.add(event.fd(), Epoll.EPOLLIN, FIRST);
            assertThatThrownBy(() -> epoll.add(event.fd(), Epoll.EPOLLIN, FIRST))
                    .isInstanceOf(KernelException.class)
                    .hasMessageStartingWith("EPOLL_CTL_ADD: EEXIST (17)");
            epoll.remove(event.fd());
            assertThatThrownBy(() -> epoll.remove(event.fd()))
                    .hasMessageStartingWith("EPOLL_CTL_DEL: ENOENT (2)");
            assertThatThrownBy(() -> epoll.modify(event.fd(), 0, 0))
                    .hasMessageStartingWith("EPOLL_CTL_MOD: ENOENT (2)");
        }
        assertThatThrownBy(() -> Epoll.create(0)).isInstanceOf(IllegalArgumentException.class);
        assertThat(Errno.of(Linux.call(Nr.EPOLL_CREATE1, -1, 0, 0))).isEqualTo(Errno.EINVAL);
        assertThat(Errno.of(Linux.call(Nr.EPOLL_WAIT, -1, 0, 1, 0))).isEqualTo(Errno.EBADF);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static io.jvmm.ffi.uffd.FaultedMemory.BYTES;
import static io.jvmm.ffi.uffd.FaultedMemory.PAGE;
import static io.jvmm.ffi.uffd.FaultedMemory.errno;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.Signals;
import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.Test;

import java.io.IOException;

/** Why the descriptor must outlive all that may touch the memory. */
@RequiresUserfaultfd
class LifetimeTest {

    @Test
    void closingTurnsMissingPagesIntoZeros() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            Waiter reader = m.reader(4);
            m.message();
            m.uffd.close();
            assertThat(reader.result()).isZero();
            assertThat(m.byteOf(4)).isZero();
            assertThat(errno(m.copy(5, 0))).isEqualTo(Errno.EBADF);
            assertThat(errno(m.uffd.tryRead(m.messages))).isEqualTo(Errno.EBADF);
            assertThat(errno(m.uffd.tryWake(m.address(5), PAGE))).isEqualTo(Errno.EBADF);
            assertThat(errno(m.uffd.tryWriteProtect(m.address(5), PAGE, 0))).isEqualTo(Errno.EBADF);
        }
    }

    @Test
    void aDuplicateKeepsItOpen() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            Waiter reader = m.reader(4);
            m.message();
            try (Fd duplicate = m.uffd.fd().duplicate();
                    Userfaultfd heir = Userfaultfd.adopt(duplicate)) {
                m.uffd.close();
                assertThat(reader.isWaiting()).isTrue();
                assertThat(heir.tryCopy(m.address(4), m.from(), 4 * PAGE, PAGE, 0)).isEqualTo(PAGE);
                assertThat(reader.result()).isZero();
                assertThat(m.byteOf(4)).isEqualTo((byte) 5);
            }
        }
    }

    @Test
    void aReadUnderWayKeepsItOpen() throws IOException {
        try (FaultedMemory m = FaultedMemory.anonymous();
                Kick kick = Kick.install()) {
            Waiter waiter = m.reader(4);
            m.message();
            m.uffd.setNonBlocking(false);
            Waiter reader =
                    Waiter.start(() -> {
                        Signals.unblock(kick.signal());
                        return m.uffd.tryRead(m.messages);
                    });
            reader.awaitRead();
            m.uffd.close();
            assertThat(waiter.isWaiting()).isTrue();
            kick.send(reader.threadId());
            assertThat(errno(reader.result())).isEqualTo(Errno.EINTR);
            assertThat(waiter.result()).isZero();
            assertThat(m.byteOf(4)).isZero();
        }
    }

    @Test
    void unregisteringLetsWaitersGo() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            Waiter reader = m.reader(4);
            m.message();
            m.uffd.unregister(m.address(0), BYTES);
            assertThat(reader.result()).isZero();
            assertThat(m.byteOf(4)).isZero();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static io.jvmm.ffi.uffd.FaultedMemory.PAGE;
import static io.jvmm.ffi.uffd.FaultedMemory.errno;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.FdPassing;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.UnixSocket;
import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** A userfaultfd of another process, which lives, forks and dies. */
@RequiresUserfaultfd
class OtherProcessTest {

    @TempDir Path folder;

    @Test
    @Timeout(60)
    void servesTheMemoryOfAnotherProcess() throws IOException, InterruptedException {
        Path path = folder.resolve("socket");
        try (Fd listening = UnixSocket.listen(path);
                Mapping source = Mapping.anonymous(PAGE)) {
            source.segment().fill((byte) 0x5A);
            Process process = PagedProcess.start(path);
            try (Fd socket = UnixSocket.accept(listening);
                    FdPassing.Message handshake = FdPassing.receive(socket, Long.BYTES, 1);
                    Userfaultfd uffd = Userfaultfd.adopt(handshake.descriptors().getFirst())) {
                assertThat(uffd.features()).isEmpty();
                uffd.setNonBlocking(true);
                long address =
                        MemorySegment.ofArray(handshake.payload()).get(JAVA_LONG_UNALIGNED, 0);
                FaultMessages messages = new FaultMessages(4);

                FaultMessage forked = FaultedMemory.message(uffd, messages);
                assertThat(forked.event()).isEqualTo(UffdConstants.UFFD_EVENT_FORK);
                try (Userfaultfd child = Userfaultfd.adopt(forked.takeForkedDescriptor())) {
                    assertThat(child.fd().number()).isNotEqualTo(uffd.fd().number());
                }

                FaultMessage fault = FaultedMemory.message(uffd, messages);
                assertThat(fault.isPageFault()).isTrue();
                assertThat(fault.address()).isEqualTo(address);
                assertThat(uffd.tryCopy(address, source.segment(), 0, PAGE, 0)).isEqualTo(PAGE);
                try (FdPassing.Message content = FdPassing.receive(socket, 4096, 0)) {
                    assertThat(content.payload()).hasSize(4096).containsOnly(0x5A);
                }

                assertThat(process.isAlive()).isTrue();
                process.destroyForcibly().waitFor();
                assertThat(errno(uffd.tryCopy(address + PAGE, source.segment(), 0, PAGE, 0)))
                        .isEqualTo(Errno.ESRCH);
                assertThat(errno(uffd.tryZeropage(address + PAGE, PAGE, 0))).isEqualTo(Errno.ESRCH);
            } finally {
                process.destroyForcibly().waitFor();
            }
        }
    }
}

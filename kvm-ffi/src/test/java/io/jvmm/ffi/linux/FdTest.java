// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

class FdTest {

    private static final long FIONREAD = 0x541B;

    @TempDir Path folder;

    @Test
    void writesAndReadsAFile() throws Exception {
        String path = folder.resolve("file").toString();
        try (Arena arena = Arena.ofConfined();
                Fd fd = Fd.open(path, Fd.O_RDWR | Fd.O_CREAT | Fd.O_EXCL)) {
            fd.write(arena.allocateFrom("hello"));
            assertThat(fd.tryWrite(arena.allocateFrom("J"), 0)).isEqualTo(2);
            MemorySegment buffer = arena.allocate(16);
            assertThat(fd.tryRead(buffer, 2)).isEqualTo(4);
            assertThat(buffer.getString(0)).isEqualTo("llo");
            assertThat(fd.read(buffer)).as("at the end of the file").isZero();
            assertThat(fd.tryRead(buffer)).isZero();
        }
        assertThat(Files.readString(Path.of(path))).isEqualTo("J\0llo\0");
    }

    @Test
    void namesTheFileThatItCanNotOpen() {
        String path = folder.resolve("missing").toString();
        assertThatThrownBy(() -> Fd.open(path, Fd.O_RDONLY))
                .isInstanceOf(KernelException.class)
                .hasMessage("open " + path + ": ENOENT (2): No such file or directory");
        assertThatThrownBy(() -> Fd.open(folder.toString(), Fd.O_RDWR))
                .hasMessageContaining("EISDIR");
    }

    @Test
    void answersBadDescriptorOnceClosed() {
        Fd fd = Fd.open("/dev/null", Fd.O_RDWR);
        assertThat(fd.isOpen()).isTrue();
        fd.close();
        fd.close();
        assertThat(fd.isOpen()).isFalse();
        assertThat(Errno.EBADF.is(fd.tryIoctl(FIONREAD, 0))).isTrue();
        assertThatThrownBy(fd::duplicate).hasMessageStartingWith("F_DUPFD_CLOEXEC: EBADF (9)");
        assertThatThrownBy(fd::number)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("/dev/null is closed");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(1);
            assertThat(Errno.EBADF.is(fd.tryRead(buffer))).isTrue();
            assertThat(Errno.EBADF.is(fd.tryWrite(buffer))).isTrue();
            assertThat(Errno.EBADF.is(fd.tryRead(buffer, 0))).isTrue();
            assertThat(Errno.EBADF.is(fd.tryWrite(buffer, 0))).isTrue();
            assertThatThrownBy(() -> fd.read(buffer)).hasMessageContaining("EBADF");
            assertThatThrownBy(() -> fd.write(buffer)).hasMessageContaining("EBADF");
            assertThatThrownBy(() -> fd.setNonBlocking(true)).hasMessageContaining("EBADF");
        }
    }

    @Test
    void closesOnlyWhatItOwns() {
        try (Fd owner = Fd.open("/dev/null", Fd.O_RDONLY)) {
            Fd.borrow("borrowed", owner.number()).close();
            try (Fd copy = owner.duplicate()) {
                assertThat(copy.number()).isNotEqualTo(owner.number());
            }
        }
    }

    @Test
    void controlsADevice() {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Arena arena = Arena.ofConfined()) {
            pair.first().write(arena.allocate(5));
            MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
            assertThat(pair.second().ioctl("FIONREAD", FIONREAD, count)).isZero();
            assertThat(count.get(ValueLayout.JAVA_INT, 0)).isEqualTo(5);
            count.fill((byte) 0);
            pair.second().ioctl("FIONREAD", FIONREAD, count.address());
            assertThat(count.get(ValueLayout.JAVA_INT, 0)).isEqualTo(5);
        }
    }

    @Test
    void namesTheRequestThatFailed() {
        try (Fd fd = Fd.open("/dev/null", Fd.O_RDONLY)) {
            assertThatThrownBy(() -> fd.ioctl("FIONREAD", FIONREAD, 0))
                    .isInstanceOf(KernelException.class)
                    .hasMessage("FIONREAD: ENOTTY (25): Inappropriate ioctl for device");
            assertThatThrownBy(() -> fd.ioctlForFd("KVM_CREATE_VM", Ioctl.io(0xAE, 1), 0))
                    .hasMessageStartingWith("KVM_CREATE_VM: ENOTTY (25)");
            MemorySegment heap = MemorySegment.ofArray(new byte[4]);
            assertThatThrownBy(() -> fd.ioctl("FIONREAD", FIONREAD, heap))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() ->
                            fd.ioctlForFd("KVM_CREATE_VM", Ioctl.io(0xAE, 1), Linux.scratch()))
                    .hasMessageStartingWith("KVM_CREATE_VM: ENOTTY (25)");
        }
    }

    @Test
    void waitsUntilThereIsSomething() {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Arena arena = Arena.ofConfined()) {
            assertThat(pair.second().poll(Fd.POLLIN, 0)).isZero();
            pair.first().write(arena.allocate(1));
            assertThat(pair.second().poll(Fd.POLLIN, -1)).isEqualTo(Fd.POLLIN);
            pair.first().close();
            assertThat(pair.second().poll(Fd.POLLOUT, -1) & Fd.POLLHUP).isEqualTo(Fd.POLLHUP);
            // What the kernel itself says to more descriptors than the process may have.
            assertThat(Errno.of(Linux.call(Nr.POLL, 0, Integer.MAX_VALUE, 0)))
                    .isEqualTo(Errno.EINVAL);
        }
    }

    @Test
    void doesNotWaitWhenToldSo() {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(1);
            pair.first().setNonBlocking(true);
            assertThat(Errno.of(pair.first().tryRead(buffer))).isEqualTo(Errno.EAGAIN);
            pair.first().setNonBlocking(false);
            pair.second().write(buffer);
            assertThat(pair.first().read(buffer)).isEqualTo(1);
        }
    }

    @Test
    void findsTheHolesOfASparseFile() {
        try (Memfd file = Memfd.create("sparse", 16 * 4096)) {
            Fd fd = file.fd();
            assertThat(fd.sizeBytes()).isEqualTo(16 * 4096);
            assertThat(fd.nextData(0)).as("all of it is a hole").isEqualTo(-1);
            try (Arena arena = Arena.ofConfined()) {
                fd.tryWrite(arena.allocate(2 * 4096), 3 * 4096);
            }
            assertThat(fd.nextData(0)).isEqualTo(3 * 4096);
            assertThat(fd.nextHole(0)).isZero();
            assertThat(fd.nextHole(3 * 4096)).isEqualTo(5 * 4096);
            assertThat(fd.nextData(5 * 4096)).isEqualTo(-1);
            assertThatThrownBy(() -> fd.nextHole(17 * 4096)).isInstanceOf(KernelException.class);
        }
    }

    @Test
    void readsIntoAPartOfABuffer() {
        try (Memfd file = Memfd.create("part", 4096);
                Arena arena = Arena.ofConfined()) {
            MemorySegment content = arena.allocate(8);
            content.fill((byte) 0x3C);
            file.fd().tryWrite(content, 100);
            MemorySegment buffer = arena.allocate(16);
            assertThat(file.fd().tryRead(buffer, 4, 8, 100)).isEqualTo(8);
            assertThat(buffer.get(ValueLayout.JAVA_BYTE, 3)).isZero();
            assertThat(buffer.get(ValueLayout.JAVA_BYTE, 4)).isEqualTo((byte) 0x3C);
            assertThat(buffer.get(ValueLayout.JAVA_BYTE, 11)).isEqualTo((byte) 0x3C);
            assertThat(buffer.get(ValueLayout.JAVA_BYTE, 12)).isZero();
            assertThatThrownBy(() -> file.fd().tryRead(buffer, 9, 8, 100))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(file.fd().tryWrite(buffer, 11, 2, 200)).isEqualTo(2);
            assertThat(file.fd().tryRead(buffer, 200)).isEqualTo(16);
            assertThat(buffer.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 0x3C);
            assertThat(buffer.get(ValueLayout.JAVA_BYTE, 1)).isZero();
            assertThatThrownBy(() -> file.fd().tryWrite(buffer, 9, 8, 100))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }
}

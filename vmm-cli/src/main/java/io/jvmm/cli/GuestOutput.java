package io.jvmm.cli;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * The guest's console on standard output, and nothing else.
 *
 * <p>The Java runtime writes a thread dump (after SIGQUIT) and warnings on descriptor 1. So the
 * guest gets a duplicate of it, and the descriptor itself is made a second standard error. For one
 * thread at a time.
 */
final class GuestOutput extends OutputStream {

    private static final int CHUNK = 8192;
    private static final int UNTIL_READY = -1;

    private final Fd fd;
    private final MemorySegment buffer = Arena.ofAuto().allocate(CHUNK);

    private GuestOutput(Fd fd) {
        this.fd = fd;
    }

    /** Takes standard output over for the guest. If it was closed, its bytes are dropped. */
    static OutputStream take() {
        if (!StandardStream.OUT.isOpen()) {
            return OutputStream.nullOutputStream();
        }
        Fd out = Fd.borrow("standard output", StandardStream.OUT.descriptor()).duplicate();
        if (StandardStream.ERR.isOpen()) {
            Fd.borrow("standard error", StandardStream.ERR.descriptor())
                    .redirect(StandardStream.OUT.descriptor());
        } else {
            try (Fd none = Fd.open("/dev/null", Fd.O_WRONLY)) {
                none.redirect(StandardStream.OUT.descriptor());
            }
        }
        return new GuestOutput(out);
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        int done = 0;
        while (done < length) {
            int step = Math.min(CHUNK, length - done);
            MemorySegment.copy(bytes, offset + done, buffer, ValueLayout.JAVA_BYTE, 0, step);
            writeBuffer(step);
            done += step;
        }
    }

    private void writeBuffer(int length) throws IOException {
        int done = 0;
        while (done < length) {
            long result = fd.tryWritePart(buffer, done, (long) length - done);
            if (result >= 0) {
                done += (int) result;
            } else if (Errno.EAGAIN.is(result)) {
                // Another process may have made the open file non-blocking.
                int _ = fd.poll(Fd.POLLOUT, UNTIL_READY);
            } else if (!Errno.EINTR.is(result)) {
                throw new IOException(
                        new KernelException("write standard output", Errno.of(result)));
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** Writes to a descriptor that belongs to another owner, and waits as long as that takes. */
final class DescriptorStream extends OutputStream {

    private final Fd descriptor;

    DescriptorStream(int number) {
        this.descriptor = Fd.borrow("descriptor " + number, number);
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(length);
            chunk.copyFrom(MemorySegment.ofArray(bytes).asSlice(offset, length));
            descriptor.write(chunk);
        } catch (KernelException e) {
            throw new IOException(e.getMessage(), e);
        }
    }
}

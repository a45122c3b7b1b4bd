// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** A descriptor that whoever started the command waits at. */
record ReadyDescriptor(int number) implements PageServing.Ready {

    @Override
    public void tell(String text) {
        try (Fd fd = Fd.adopt("--ready-fd", number);
                Arena arena = Arena.ofConfined()) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            MemorySegment buffer = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            fd.write(buffer);
        } catch (KernelException e) {
            throw new CommandException(ExitCode.USAGE, "--ready-fd: " + e.getMessage(), e);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.FdPassing;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.uffd.Userfaultfd;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.List;

/**
 * The handler's side: whose faults it is to serve. Closing it closes the descriptor; the machine
 * has its own.
 *
 * @param uffd of the machine's process: destinations are addresses there
 * @param regions what is registered, and where its content is in the file
 */
public record Handover(Userfaultfd uffd, List<HandlerRegion> regions) implements AutoCloseable {

    private static final int MAX_DESCRIPTORS = 16;

    /**
     * Waits for the machine's message on a connection that it has made.
     *
     * @param within how long it may take in all
     * @throws HandlerException if it does not come in time, or is not what it must be
     */
    public static Handover receive(Fd socket, Duration within) {
        long deadline = System.nanoTime() + within.toNanos();
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        Fd descriptor = null;
        try {
            while (descriptor == null || !HandlerMessage.mayBeWhole(text.toByteArray())) {
                descriptor = part(socket, deadline, text, descriptor);
            }
            List<HandlerRegion> regions = HandlerMessage.decode(text.toByteArray());
            Userfaultfd uffd = Userfaultfd.adopt(descriptor);
            descriptor = null;
            return new Handover(uffd, regions);
        } finally {
            if (descriptor != null) {
                descriptor.close();
            }
        }
    }

    private static @Nullable Fd part(
            Fd socket, long deadline, ByteArrayOutputStream text, @Nullable Fd before) {
        awaitInput(socket, deadline);
        FdPassing.Message part =
                FdPassing.receive(
                        socket, HandlerMessage.MAX_BYTES + 1 - text.size(), MAX_DESCRIPTORS);
        if (part.payload().length == 0) {
            part.close();
            throw new HandlerException("the machine has closed before it said what to serve");
        }
        text.writeBytes(part.payload());
        if (text.size() > HandlerMessage.MAX_BYTES) {
            part.close();
            throw new HandlerException("the machine says too much");
        }
        if (part.descriptors().isEmpty()) {
            return before;
        }
        if (before != null) {
            part.close();
            throw new HandlerException("the machine has sent two descriptors");
        }
        // Some monitors send another one with it, such as the file behind the memory.
        part.descriptors().stream().skip(1).forEach(Fd::close);
        return part.descriptors().getFirst();
    }

    private static void awaitInput(Fd socket, long deadline) {
        while (true) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                throw new HandlerException("the machine has not said in time what to serve");
            }
            int events = socket.poll(Fd.POLLIN, (int) Math.min(60_000, left / 1_000_000 + 1));
            if (events > 0) {
                return;
            }
            if (events < 0 && !Errno.EINTR.is(events)) {
                throw new KernelException("poll", Errno.of(events));
            }
        }
    }

    @Override
    public void close() {
        uffd.close();
    }
}

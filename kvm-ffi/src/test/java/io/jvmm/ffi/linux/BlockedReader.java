// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A thread that waits in {@code read(2)} for bytes that never come. */
final class BlockedReader {

    private final CompletableFuture<Integer> threadId = new CompletableFuture<>();
    private final CompletableFuture<Long> result = new CompletableFuture<>();

    private BlockedReader() {}

    /** Starts the thread and waits until the kernel says that it sleeps in the call. */
    static BlockedReader start(Fd fd, MemorySegment buffer) {
        BlockedReader reader = new BlockedReader();
        // The handles must be linked before, or the thread might sleep somewhere else.
        fd.poll(Fd.POLLIN, 0);
        Thread.ofPlatform()
                .daemon()
                .start(() -> {
                    Signals.unblock(Signals.SIGUSR1);
                    Linux.OnBuffer.call(Nr.READ, -1, buffer, 0);
                    reader.threadId.complete(NativeThread.id());
                    reader.result.complete(fd.tryRead(buffer));
                });
        Path call = Path.of("/proc/self/task/" + reader.threadId.join() + "/syscall");
        while (!reader.isIn(call)) {
            Thread.onSpinWait();
        }
        return reader;
    }

    private boolean isIn(Path call) {
        try {
            // The number of the call and its first argument, or "running".
            return Files.readString(call).startsWith(Nr.READ + " 0x");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int threadId() {
        return threadId.join();
    }

    /** Kicks once and returns what the call returned. */
    long kickOut(Kick kick) {
        kick.send(threadId());
        return result.orTimeout(10, TimeUnit.SECONDS).join();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Carries a console's output to a pipe, a terminal or a socket, as a client of the {@link
 * EventLoop}.
 *
 * <p>The descriptor given may be shared with other processes and with other parts of this one, so
 * that its flags are left alone. A pipe or a terminal is opened once more, non-blocking; a socket,
 * which cannot be, is written to by {@code send} with {@code MSG_DONTWAIT}.
 */
final class DescriptorOutput implements ConsoleOutput {

    private static final int CHUNK = 16 * 1024;

    /** After so many chunks other clients of the loop have their turn. */
    private static final int CHUNKS_PER_TURN = 4;

    private static final int WRITABLE = Epoll.EPOLLOUT | Epoll.EPOLLONESHOT;

    private final ConsoleBuffer from;
    private final Fd to;
    private final boolean isSocket;
    private final Owner owner;
    private final MemorySegment chunk = Arena.ofAuto().allocate(CHUNK);
    private final LoopClient client;
    private final LoopTask task;
    private final DescriptorWatch watch;

    private volatile boolean started;
    private volatile @Nullable String givenUp;
    private boolean told; // on the loop's thread

    private DescriptorOutput(
            ConsoleBuffer from, Fd to, boolean isSocket, String name, Owner owner) {
        this.from = from;
        this.to = to;
        this.isSocket = isSocket;
        this.owner = owner;
        this.client = EventLoop.open(name, this::failed);
        try {
            this.task = client.task(this::carry);
            // Errors are reported whatever is watched for; the next write meets them, too.
            this.watch = client.watch(to, Epoll.EPOLLONESHOT, _ -> carry());
        } catch (RuntimeException | Error e) {
            client.close();
            throw e;
        }
    }

    /** {@return the output; null if the descriptor can only be written to by waiting} */
    static @Nullable DescriptorOutput tryStart(
            ConsoleBuffer from, int number, String name, Owner owner) {
        Fd given = Fd.borrow("descriptor " + number, number);
        Fd own = null;
        try {
            boolean isSocket = given.isSocket();
            if (!isSocket && !isPollable(given)) {
                return null;
            }
            own = isSocket ? given.duplicate() : given.openAgain(Fd.O_WRONLY | Fd.O_NONBLOCK);
            DescriptorOutput output = new DescriptorOutput(from, own, isSocket, name, owner);
            output.started = true;
            from.setListener(output.task::submit);
            return output;
        } catch (KernelException _) {
            // Such as a terminal of another user's: the thread that waits can write there.
            if (own != null) {
                own.close();
            }
            return null;
        }
    }

    /** A regular file is not, and to open it again would begin at its start. */
    private static boolean isPollable(Fd descriptor) {
        try (Epoll epoll = Epoll.create(1);
                Fd duplicate = descriptor.duplicate()) {
            return epoll.tryAdd(duplicate, 0, 0) >= 0;
        }
    }

    /** Writes until there is nothing left, or no room. On the loop's thread. */
    private void carry() {
        if (!started) {
            // An error of the descriptor was reported at once; the first write meets it, too.
            return;
        }
        for (int turn = 0; turn < CHUNKS_PER_TURN; turn++) {
            String why = givenUp;
            if (why != null) {
                abandon(why);
                return;
            }
            int count = from.peek(chunk);
            if (count == 0) {
                if (from.isAtEnd()) {
                    end(null);
                }
                return;
            }
            long result = isSocket ? to.trySend(chunk, count) : to.tryWritePart(chunk, 0, count);
            if (result >= 0) {
                from.consume((int) result);
            } else if (Errno.EAGAIN.is(result)) {
                watch.watchFor(WRITABLE);
                return;
            } else if (!Errno.EINTR.is(result)) {
                String error = describe(Errno.of(result));
                owner.broken(error);
                abandon(error);
                return;
            }
        }
        task.submit();
    }

    private static String describe(Errno errno) {
        return "write: " + errno + ": " + errno.text();
    }

    private void abandon(String why) {
        from.abandon();
        end(why);
    }

    private void end(@Nullable String why) {
        if (!told) {
            told = true;
            owner.ended(why);
        }
    }

    private void failed(Throwable cause) {
        from.abandon();
        end(cause.toString());
        owner.failed(cause);
    }

    @Override
    public void giveUp(String why) {
        givenUp = why;
        task.submit();
    }

    @Override
    public void close() {
        client.close();
        to.close();
        // Nothing runs on the loop any more.
        String why = givenUp;
        abandon(why != null ? why : "the machine was closed");
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.backend.ConsoleBuffer.WhenFull;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.UnixSocket;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

@Timeout(60)
class DescriptorOutputTest {

    private static final int CAPACITY = 1000;
    private static final String TEXT = "0123456789".repeat(20_000);

    private final ConsoleBuffer buffer = new ConsoleBuffer(CAPACITY, WhenFull.WAIT);
    private final EndOfOutput end = new EndOfOutput();

    @AfterEach
    void theLoopHasEnded() {
        assertThat(EventLoop.threads()).isZero();
        assertThat(end.failures()).isZero();
    }

    private Thread guestWrites(String text) {
        return Thread.ofPlatform()
                .name("guest")
                .start(() -> {
                    for (byte b : text.getBytes(US_ASCII)) {
                        buffer.write(b);
                        buffer.awaitRoom(() -> false);
                    }
                });
    }

    private ConsoleOutput start(Fd to) {
        return ConsoleOutput.toDescriptor(buffer, to.number(), "output", end);
    }

    private static String readAll(Fd from) {
        ByteArrayOutputStream seen = new ByteArrayOutputStream();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(4096);
            for (long n = from.read(chunk); n > 0; n = from.read(chunk)) {
                seen.writeBytes(chunk.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE));
            }
        }
        return seen.toString(US_ASCII);
    }

    /** The reading end of a pipe in another process, as a shell makes it. */
    private static Process pipe(String reader) throws Exception {
        return new ProcessBuilder("sh", "-c", reader)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    @Test
    void everythingReachesASocketWhoseFlagsAreNotChanged() throws Exception {
        try (UnixSocket.Pair pair = UnixSocket.pair()) {
            ConsoleOutput output = start(pair.first());
            Thread guest = guestWrites(TEXT);
            Thread ender =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    ThreadState.awaitEnd(guest);
                                } catch (InterruptedException e) {
                                    throw new AssertionError(e);
                                }
                                buffer.end();
                                end.await();
                                output.close();
                                pair.first().close();
                            });
            assertThat(readAll(pair.second())).isEqualTo(TEXT);
            ThreadState.awaitEnd(ender);
            assertThat(end.await()).isEmpty();
        }
    }

    @Test
    void aSocketThatIsNotReadHoldsTheGuestAndNothingIsLostOrDoubled() throws Exception {
        try (UnixSocket.Pair pair = UnixSocket.pair()) {
            ConsoleOutput output = start(pair.first());
            String text = TEXT.repeat(5);
            Thread guest = guestWrites(text);
            ThreadState.awaitWaiting(guest);
            assertThat(guest.isAlive()).as("more is written than a socket holds").isTrue();
            ByteArrayOutputStream seen = new ByteArrayOutputStream();
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment chunk = arena.allocate(333);
                while (seen.size() < text.length()) {
                    long n = pair.second().read(chunk);
                    seen.writeBytes(chunk.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE));
                }
            }
            ThreadState.awaitEnd(guest);
            buffer.end();
            assertThat(end.await()).isEmpty();
            assertThat(seen.toString(US_ASCII)).isEqualTo(text);
            output.close();
        }
    }

    @Test
    void aReaderThatIsGoneIsToldAndTheGuestGoesOn() throws Exception {
        try (UnixSocket.Pair pair = UnixSocket.pair()) {
            ConsoleOutput output = start(pair.first());
            pair.second().close();
            ThreadState.awaitEnd(guestWrites(TEXT));
            buffer.end();
            assertThat(end.await()).hasValueSatisfying(why -> assertThat(why).contains("EPIPE"));
            assertThat(end.broken()).isEqualTo(1);
            assertThat(buffer.lost()).isEqualTo(TEXT.length());
            output.close();
        }
    }

    @Test
    void whatIsGivenUpIsCounted() throws Exception {
        try (UnixSocket.Pair pair = UnixSocket.pair()) {
            ConsoleOutput output = start(pair.first());
            String text = TEXT.repeat(5);
            Thread guest = guestWrites(text);
            ThreadState.awaitWaiting(guest);
            output.giveUp("tired");
            ThreadState.awaitEnd(guest);
            assertThat(end.await()).contains("tired");
            buffer.end();
            output.close();
            pair.first().close();
            assertThat(readAll(pair.second())).hasSize((int) (text.length() - buffer.lost()));
        }
    }

    @Test
    void aPipeIsOpenedAgainAndStaysBlockingForItsOwner() throws Exception {
        Process cat = pipe("cat");
        Path pipe = Path.of("/proc/self/fd");
        Fd to = Fd.open("/proc/%d/fd/0".formatted(cat.pid()), Fd.O_WRONLY);
        try (InputStream from = cat.getInputStream()) {
            ConsoleOutput output = start(to);
            assertThat(output).isInstanceOf(DescriptorOutput.class);
            Thread guest = guestWrites(TEXT);
            Thread ender =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    ThreadState.awaitEnd(guest);
                                    buffer.end();
                                    end.await();
                                    output.close();
                                    to.close();
                                    cat.getOutputStream().close();
                                } catch (Exception e) {
                                    throw new AssertionError(e);
                                }
                            });
            String flags = Files.readString(pipe.resolveSibling("fdinfo/" + to.number()));
            assertThat(from.readAllBytes()).asString(US_ASCII).isEqualTo(TEXT);
            ThreadState.awaitEnd(ender);
            assertThat(flags).containsPattern("flags:\\s+0100001|flags:\\s+02100001");
        } finally {
            cat.destroyForcibly();
        }
    }

    @Test
    void aRegularFileIsWrittenFromWhereItsDescriptorStands(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("file");
        try (Fd to = Fd.open(file.toString(), Fd.O_WRONLY | Fd.O_CREAT);
                Arena arena = Arena.ofConfined()) {
            to.write(arena.allocateFrom("before ", US_ASCII).asSlice(0, 7));
            ConsoleOutput output = start(to);
            assertThat(output).isInstanceOf(ConsolePump.class);
            ThreadState.awaitEnd(guestWrites("after"));
            buffer.end();
            assertThat(end.await()).isEmpty();
            output.close();
        }
        assertThat(Files.readString(file)).isEqualTo("before after");
    }

    @Test
    void aDeviceThatIsFullIsToldWithItsError() throws Exception {
        try (Fd full = Fd.open("/dev/full", Fd.O_WRONLY)) {
            ConsoleOutput output = start(full);
            ThreadState.awaitEnd(guestWrites(TEXT));
            buffer.end();
            assertThat(end.await()).hasValueSatisfying(why -> assertThat(why).contains("ENOSPC"));
            assertThat(buffer.lost()).isEqualTo(TEXT.length());
            output.close();
        }
    }
}

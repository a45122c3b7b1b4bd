// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

class KickTest {

    private static final long SIG_DFL = 0;
    private static final long SIG_IGN = 1;
    private static final int SIGKILL = 9;
    private static final int SIGSEGV = 11;
    private static final int SIGWINCH = 28;

    @Test
    void interruptsACall() {
        try (Kick kick = Kick.install();
                UnixSocket.Pair pair = UnixSocket.pair();
                Arena arena = Arena.ofShared()) {
            BlockedReader reader = BlockedReader.start(pair.first(), arena.allocate(1));
            assertThat(Errno.of(reader.kickOut(kick))).isEqualTo(Errno.EINTR);
        }
    }

    @Test
    void leavesTheThreadAsItWas() {
        try (Kick kick = Kick.install()) {
            Signals.unblock(kick.signal());
            int self = NativeThread.id();
            for (int i = 0; i < 1_000; i++) {
                kick.send(self);
            }
            assertThat(NativeThread.id()).isEqualTo(self);
        }
    }

    @Test
    void isInstalledWhileAnybodyNeedsIt() throws IOException {
        assertThat(isCaught(SIGWINCH)).isFalse();
        Kick first = Kick.install(SIGWINCH);
        Kick second = Kick.install(SIGWINCH);
        assertThat(isCaught(SIGWINCH)).isTrue();
        first.close();
        first.close();
        assertThat(isCaught(SIGWINCH)).isTrue();
        second.close();
        assertThat(isCaught(SIGWINCH)).isFalse();
    }

    @Test
    void discardsLateKicksWhenItGoes() {
        // The default action of SIGUSR1 would end this process.
        Kick kick = Kick.install();
        Signals.block(kick.signal());
        kick.send(NativeThread.id());
        kick.close();
        Signals.unblock(Signals.SIGUSR1);
        assertThatThrownBy(() -> kick.send(NativeThread.id()))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void refusesASignalThatSomebodyHandles() {
        assertThatThrownBy(() -> Kick.install(SIGSEGV))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("signal 11 has a handler already; choose another one for kicks");
        assertThatThrownBy(() -> Kick.install(SIGKILL))
                .isInstanceOf(KernelException.class)
                .hasMessageContaining("EINVAL");
        assertThatThrownBy(() -> Kick.install(65)).isInstanceOf(IllegalArgumentException.class);
    }

    /** The default action would end this process, and an ignored signal is a lost kick. */
    @ParameterizedTest
    @ValueSource(longs = {SIG_DFL, SIG_IGN})
    void puttingNoHandlerInItsPlaceIsUndoneAndTold(long none) {
        try (Kick kick = Kick.install();
                UnixSocket.Pair pair = UnixSocket.pair();
                Arena arena = Arena.ofShared()) {
            setAction(kick.signal(), none);
            assertThat(kick.handler()).isEqualTo(Kick.Handler.NONE);
            BlockedReader reader = BlockedReader.start(pair.first(), arena.allocate(1));
            assertThat(Errno.of(reader.kickOut(kick))).isEqualTo(Errno.EINTR);
            assertThat(kick.handler()).isEqualTo(Kick.Handler.OURS);
            assertThat(kick.takeover()).isEqualTo(Kick.Handler.NONE);
            assertThat(kick.takeover()).as("told once").isEqualTo(Kick.Handler.OURS);
        }
        assertThat(handlerOf(Signals.SIGUSR1)).isEqualTo(none);
        setAction(Signals.SIGUSR1, SIG_DFL);
    }

    @Test
    void leavesAHandlerThatSomebodyHasSetSinceAndStillInterrupts() {
        // As harmless as the one that it takes the place of.
        long others = Linux.addressOf("abs");
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Arena arena = Arena.ofShared()) {
            Kick kick = Kick.install();
            assertThat(kick.takeover()).isEqualTo(Kick.Handler.OURS);
            setAction(kick.signal(), others);
            BlockedReader reader = BlockedReader.start(pair.first(), arena.allocate(1));
            assertThat(Errno.of(reader.kickOut(kick))).isEqualTo(Errno.EINTR);
            assertThat(kick.takeover()).isEqualTo(Kick.Handler.ANOTHER);
            assertThatThrownBy(Kick::install)
                    .as("for another machine, beside one that had it before")
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("has a handler already");
            kick.close();
            assertThat(handlerOf(Signals.SIGUSR1)).isEqualTo(others);
        } finally {
            setAction(Signals.SIGUSR1, SIG_DFL);
        }
    }

    /** As the application's own {@code sigaction} would. */
    private static void setAction(int signal, long handler) {
        MemorySegment action = Linux.scratch();
        // Flags and the way back from the handler stay.
        KernelException.check(
                "rt_sigaction",
                Linux.call(Nr.RT_SIGACTION, signal, 0, action.address(), Signals.SET_BYTES));
        action.set(JAVA_LONG, 0, handler);
        KernelException.check(
                "rt_sigaction",
                Linux.call(Nr.RT_SIGACTION, signal, action.address(), 0, Signals.SET_BYTES));
    }

    private static long handlerOf(int signal) {
        MemorySegment action = Linux.scratch();
        KernelException.check(
                "rt_sigaction",
                Linux.call(Nr.RT_SIGACTION, signal, 0, action.address(), Signals.SET_BYTES));
        return action.get(JAVA_LONG, 0);
    }

    @Test
    void tellsWhenTheThreadIsGone() {
        try (Kick kick = Kick.install()) {
            // No process of that number can be there: the kernel's limit is 2^22.
            int nobody = 1 << 23;
            assertThat(Errno.ESRCH.is(kick.trySend(nobody))).isTrue();
            assertThatThrownBy(() -> kick.send(nobody))
                    .isInstanceOf(KernelException.class)
                    .hasMessageStartingWith("tgkill: ESRCH (3)");
        }
    }

    private static boolean isCaught(int signal) throws IOException {
        try (Stream<String> status = Files.lines(Path.of("/proc/self/status"))) {
            String mask =
                    status.filter(line -> line.startsWith("SigCgt:"))
                            .map(line -> line.substring(line.indexOf(':') + 1).strip())
                            .findAny()
                            .orElseThrow();
            return (Long.parseUnsignedLong(mask, 16) & Signals.bit(signal)) != 0;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.FdPassing;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.UnixSocket;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.Userfaultfd;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The handshake from both sides. The handler is another process, so this one may touch missing
 * pages from Java: what it waits for does not depend on its own threads.
 */
@RequiresUserfaultfd
@Timeout(120)
class HandlerTest {

    private static final int PAGE = 4096;
    private static final int PAGES = 256;

    @TempDir Path folder;

    private final List<Process> processes = new ArrayList<>();
    private final Mapping low = Mapping.anonymous(PAGES * (long) PAGE);
    private final Mapping high = Mapping.anonymous(PAGES * (long) PAGE);
    private final Userfaultfd uffd = Userfaultfd.open(Set.of(Feature.EVENT_REMOVE));
    private final List<HandlerRegion> regions =
            List.of(
                    new HandlerRegion(low.address(), low.sizeBytes(), 0, PAGE),
                    new HandlerRegion(high.address(), high.sizeBytes(), low.sizeBytes(), PAGE));
    private Path file = Path.of("");

    @BeforeEach
    void prepare() throws IOException {
        file = folder.resolve("memory");
        ByteBuffer content = ByteBuffer.allocate(2 * PAGES * PAGE).order(ByteOrder.nativeOrder());
        for (int page = 0; page < 2 * PAGES; page++) {
            content.putLong(page * PAGE, 0xBEEF_0000L + page);
        }
        Files.write(file, content.array());
        uffd.register(low.address(), low.sizeBytes(), Set.of(Tracking.MISSING));
        uffd.register(high.address(), high.sizeBytes(), Set.of(Tracking.MISSING));
    }

    @AfterEach
    void close() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
        uffd.close();
        low.close();
        high.close();
    }

    private static HandlerLink handOver(Path path, Userfaultfd uffd, List<HandlerRegion> regions) {
        return HandlerLink.handOver(path, uffd, regions, Duration.ofSeconds(60), () -> true);
    }

    private Process handler(String socket) throws IOException {
        Process process = HandlerProcess.start(folder.resolve(socket), file);
        processes.add(process);
        return process;
    }

    private static long word(Mapping memory, int page) {
        return memory.segment().get(JAVA_LONG, page * (long) PAGE);
    }

    @Test
    void aHandlerServesAllRegionsAndEndsWithTheMachine() throws IOException, InterruptedException {
        Process handler = handler("socket");
        try (HandlerLink link = handOver(folder.resolve("socket"), uffd, regions)) {
            for (int page = PAGES - 1; page >= 0; page--) {
                assertThat(word(low, page)).isEqualTo(0xBEEF_0000L + page);
                assertThat(word(high, page)).isEqualTo(0xBEEF_0000L + PAGES + page);
            }
            assertThat(link.awaitEnd(Duration.ZERO)).isFalse();
        }
        uffd.unregister(low.address(), low.sizeBytes());
        uffd.unregister(high.address(), high.sizeBytes());
        assertThat(handler.waitFor()).isZero();
    }

    @Test
    void aMachineThatHasClosedItsSocketIsServedOn() throws IOException {
        Process handler = handler("socket");
        handOver(folder.resolve("socket"), uffd, regions).close();
        for (int page = 0; page < PAGES; page++) {
            assertThat(word(low, page)).isEqualTo(0xBEEF_0000L + page);
        }
        assertThat(handler.isAlive()).isTrue();
    }

    @Test
    void aHandlerIsNotLostWhileItsProcessLives() throws IOException {
        Path path = folder.resolve("here");
        try (Fd listening = UnixSocket.listen(path);
                HandlerLink link = handOver(path, uffd, regions)) {
            UnixSocket.accept(listening).close();
            assertThat(link.socketEnd()).isNotNull();
            assertThat(link.awaitEnd(Duration.ZERO)).isFalse();
        }
    }

    /** A listener that accepts nothing, and whose backlog is full. */
    @Test
    void aHandlerThatAcceptsNothingIsNotWaitedForForEver() throws IOException {
        Path path = folder.resolve("full");
        List<Fd> connected = new ArrayList<>();
        try (Fd _ = UnixSocket.listen(path)) {
            assertThatExceptionOfType(KernelException.class)
                    .isThrownBy(() -> {
                        while (true) {
                            connected.add(
                                    UnixSocket.connect(path, Duration.ofMillis(100), () -> true));
                        }
                    })
                    .withMessageContaining("ETIMEDOUT");
            assertThatExceptionOfType(KernelException.class)
                    .isThrownBy(() ->
                            HandlerLink.handOver(
                                    path, uffd, regions, Duration.ofDays(1), () -> false))
                    .withMessageContaining("ECANCELED");
        } finally {
            connected.forEach(Fd::close);
        }
    }

    @Test
    void pagesThatAreGivenBackAreZero() throws IOException {
        Process _ = handler("socket");
        try (HandlerLink _ = handOver(folder.resolve("socket"), uffd, regions)) {
            assertThat(word(low, 5)).isEqualTo(0xBEEF_0005L);
            low.advise(Advice.DONTNEED, 4 * PAGE, 3 * PAGE);
            assertThat(word(low, 3)).isEqualTo(0xBEEF_0003L);
            for (int page = 4; page < 7; page++) {
                assertThat(word(low, page)).isZero();
            }
            assertThat(word(low, 7)).isEqualTo(0xBEEF_0007L);
        }
    }

    @Test
    void aHandlersDeathIsNoticedAndAnotherOneTakesOver() throws IOException, InterruptedException {
        Process first = handler("first");
        try (HandlerLink link = handOver(folder.resolve("first"), uffd, regions)) {
            assertThat(word(low, 0)).isEqualTo(0xBEEF_0000L);
            first.destroyForcibly().waitFor();
            assertThat(link.awaitEnd(Duration.ofSeconds(60))).isTrue();
        }
        Process _ = handler("second");
        try (HandlerLink link = handOver(folder.resolve("second"), uffd, regions)) {
            for (int page = 0; page < PAGES; page++) {
                assertThat(word(low, page)).isEqualTo(0xBEEF_0000L + page);
            }
            assertThat(link.awaitEnd(Duration.ZERO)).isFalse();
        }
    }

    @Test
    void whatADeadHandlerHadReadIsAskedForAgain() throws IOException, InterruptedException {
        // A handler that takes the handshake and the fault, and does nothing.
        Path path = folder.resolve("idle");
        Thread reader;
        long[] seen = new long[1];
        try (Fd listening = UnixSocket.listen(path);
                HandlerLink _ = handOver(path, uffd, regions);
                Fd socket = UnixSocket.accept(listening);
                Handover machine = Handover.receive(socket, Duration.ofSeconds(60))) {
            assertThat(machine.regions()).isEqualTo(regions);
            // In a system call, because the one who answers must not wait for a reader in Java.
            reader =
                    Thread.ofPlatform()
                            .start(() -> {
                                low.advise(Advice.POPULATE_READ, 0, PAGE);
                                seen[0] = word(low, 0);
                            });
            FaultMessages messages = new FaultMessages(1);
            assertThat(machine.uffd().fd().poll(Fd.POLLIN, -1)).isEqualTo(Fd.POLLIN);
            assertThat(machine.uffd().tryRead(messages)).isEqualTo(1);
            assertThat(messages.at(0).address()).isEqualTo(low.address());
        }
        Process _ = handler("second");
        try (HandlerLink _ = handOver(folder.resolve("second"), uffd, regions)) {
            reader.join();
            assertThat(seen[0]).isEqualTo(0xBEEF_0000L);
        }
    }

    @Test
    void nobodyThereIsToldAtOnce() {
        assertThatExceptionOfType(KernelException.class)
                .isThrownBy(() -> handOver(folder.resolve("none"), uffd, regions));
    }

    @Test
    void aMachineThatMisbehavesIsRefusedByTheHandler() {
        byte[] good = HandlerMessage.encode(regions);
        assertRefused("before it said", List.of(), List.of());
        assertRefused("before it said", List.of(good), List.of());
        assertRefused(
                "lacks a field", List.of("[{\"size\":1}]".getBytes(US_ASCII)), List.of(uffd.fd()));
        assertRefused(
                "two descriptors", List.of(new byte[] {'['}, good), List.of(uffd.fd(), uffd.fd()));
        assertRefused("too much", List.of(new byte[80_000]), List.of());
    }

    private static void assertRefused(String why, List<byte[]> parts, List<Fd> descriptors) {
        try (UnixSocket.Pair pair = UnixSocket.pair()) {
            for (int i = 0; i < parts.size(); i++) {
                FdPassing.send(
                        pair.first(),
                        parts.get(i),
                        i < descriptors.size() ? List.of(descriptors.get(i)) : List.of());
            }
            pair.first().close();
            assertThatExceptionOfType(HandlerException.class)
                    .isThrownBy(() -> Handover.receive(pair.second(), Duration.ofSeconds(60)))
                    .withMessageContaining(why);
        }
    }

    @Test
    void aDescriptorOfAnotherKindIsRefused() throws IOException {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Fd other = Fd.open(file.toString(), Fd.O_RDONLY)) {
            FdPassing.send(pair.first(), HandlerMessage.encode(regions), List.of(other));
            assertThatExceptionOfType(KernelException.class)
                    .isThrownBy(() -> Handover.receive(pair.second(), Duration.ofSeconds(60)))
                    .withMessageContaining("userfaultfd");
        }
    }

    @Test
    void aMachineThatSaysNothingIsNotWaitedForForEver() {
        try (UnixSocket.Pair pair = UnixSocket.pair()) {
            assertThatExceptionOfType(HandlerException.class)
                    .isThrownBy(() -> Handover.receive(pair.second(), Duration.ofMillis(50)))
                    .withMessageContaining("in time");
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.MeasuresProcess;
import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.it.library.Footprint;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.handler.ExternalPager;
import io.jvmm.paging.handler.HandlerEvent;
import io.jvmm.paging.handler.HandlerServer;
import io.jvmm.paging.handler.MachineEvent;
import io.jvmm.paging.service.FaultService;
import io.jvmm.paging.wire.FileImage;
import io.jvmm.paging.wire.PageLayout;
import io.jvmm.paging.wire.PageServer;
import io.jvmm.paging.wire.PeerAddress;
import io.jvmm.paging.wire.PeerConfig;
import io.jvmm.paging.wire.PeerPageSource;
import io.jvmm.paging.wire.PeerState;
import io.jvmm.paging.wire.ServerLimits;
import io.jvmm.paging.wire.Token;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Servers, handlers and their clients, over and over in one process, some of them ended in the
 * middle: no descriptor, thread or memory stays behind.
 */
@RequiresUserfaultfd
@MeasuresProcess
@Order(Integer.MAX_VALUE - 1)
@Timeout(300)
class PagingLeakTest {

    private static final long MEMORY = 40L << 20;
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int WARM_UP = 10;
    private static final int ROUNDS = Repetitions.of(60);
    private static final long RESIDENT_SLACK = 64L << 20;

    @TempDir static Path folder;
    private static Path image = Path.of("");

    @BeforeAll
    static void writeImage() throws IOException {
        image = MemoryImage.write(folder.resolve("memory"), MEMORY);
    }

    private interface Round {
        void run(int number) throws Exception;
    }

    private static void assertNothingStays(Round round, TestReporter reporter) throws Exception {
        for (int i = 0; i < WARM_UP; i++) {
            round.run(i);
        }
        Footprint before = Footprint.now();
        for (int i = 0; i < ROUNDS; i++) {
            round.run(i);
        }
        Footprint after = settled(before);
        reporter.publishEntry("before", before.toString());
        reporter.publishEntry("after", after.toString());
        assertThat(after.descriptors()).isLessThanOrEqualTo(before.descriptors());
        // The runtime's own compiler and carrier threads come and go.
        assertThat(after.threads()).isLessThan(before.threads() + WARM_UP);
        assertThat(after.residentBytes()).isLessThan(before.residentBytes() + RESIDENT_SLACK);
    }

    /** Threads that have nothing to do any more leave by themselves, a little later. */
    private static Footprint settled(Footprint before) {
        long until = System.nanoTime() + LONG.toNanos();
        Footprint now = Footprint.now();
        while (System.nanoTime() < until
                && (now.descriptors() > before.descriptors() || now.threads() > before.threads())) {
            LockSupport.parkNanos(100_000_000);
            now = Footprint.now();
        }
        return now;
    }

    /** Before its time. */
    private static void end(AutoCloseable it) throws Exception {
        it.close();
    }

    private static GuestRange range(Mapping memory) {
        return new GuestRange(0, memory.address(), memory.sizeBytes());
    }

    @Test
    void handlersAndTheirMachines(TestReporter reporter) throws Exception {
        assertNothingStays(
                number -> {
                    Events<HandlerEvent> events = new Events<>();
                    Events<MachineEvent> machines = new Events<>();
                    Path socket = folder.resolve("faults");
                    try (Fd file = Fd.open(image.toString(), Fd.O_RDONLY);
                            HandlerServer server =
                                    HandlerServer.open(socket, file, 2, LONG, machines);
                            Mapping memory = Mapping.anonymous(MEMORY);
                            ExternalPager pager = new ExternalPager(socket, LONG, events)) {
                        pager.attach(List.of(range(memory)));
                        pager.populate(number << 12, 1 << 20, LONG);
                        machines.await(MachineEvent.Accepted.class);
                        if (number % 2 == 1) {
                            end(server);
                            // This process is the handler's, too, and lives.
                            events.await(HandlerEvent.SocketClosed.class);
                        }
                    }
                },
                reporter);
    }

    @Test
    void serversAndTheirClients(TestReporter reporter) throws Exception {
        PageLayout layout = new PageLayout(List.of(new PageLayout.Range(0, MEMORY)));
        Token token = Token.random();
        PeerAddress address = PeerAddress.unix(folder.resolve("pages"));
        assertNothingStays(
                number -> {
                    Events<PeerState> states = new Events<>();
                    PeerPageSource source =
                            new PeerPageSource(address, token, layout, PeerConfig.DEFAULT, states);
                    try (FileImage file = FileImage.open(image, layout);
                            PageServer server =
                                    PageServer.open(
                                            address,
                                            file,
                                            token,
                                            ServerLimits.DEFAULT,
                                            event -> {});
                            Mapping memory = Mapping.anonymous(MEMORY);
                            FaultService service =
                                    new FaultService(
                                            source, PagingConfig.defaults(), event -> {})) {
                        memory.advise(Advice.NOHUGEPAGE);
                        service.attach(List.of(range(memory)));
                        service.populate(number << 12, 1 << 20, LONG);
                        if (number % 2 == 1) {
                            end(server);
                        } else {
                            states.await(PeerState.Complete.class);
                        }
                    }
                },
                reporter);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.handler.ExternalPager;
import io.jvmm.paging.handler.HandlerEvent;
import io.jvmm.paging.handler.HandlerServer;
import io.jvmm.paging.handler.MachineEvent;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Handlers of other projects differ in what they do with their socket, their process and the
 * descriptor's flags, and so do machines. Each kind is a behaviour of a program in C, and each
 * serves, or is served, to the end. Pages are touched by system calls; no machine is needed.
 */
@RequiresUserfaultfd
@Tag("host")
@Timeout(240)
class HandlerBehaviourTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration OVERDUE = Duration.ofMillis(200);
    private static final long MEMORY = 34L << 20;
    private static final int PAGE = 4096;

    @TempDir static Path shared;
    private static Path program = Path.of("");
    private static Path image = Path.of("");

    @TempDir Path folder;
    private final List<AutoCloseable> owned = new ArrayList<>();
    private final Events<HandlerEvent> events = new Events<>();
    private Mapping memory;

    @BeforeAll
    static void prepare() throws IOException, InterruptedException {
        program = ForeignHandler.compile(shared);
        image = MemoryImage.write(shared.resolve("memory"), MEMORY);
    }

    @AfterEach
    void end() throws Exception {
        for (AutoCloseable each : owned.reversed()) {
            each.close();
        }
    }

    private <T extends AutoCloseable> T own(T made) {
        owned.add(made);
        return made;
    }

    private ForeignHandler handler(String behaviour) throws IOException {
        Path socket = folder.resolve("handler-" + owned.size());
        return own(ForeignHandler.start(program, socket, image, behaviour));
    }

    /** Memory whose pages a handler brings. */
    private ExternalPager attached(ForeignHandler handler) {
        memory = own(Mapping.anonymous(MEMORY));
        ExternalPager pager = own(new ExternalPager(handler.socket(), OVERDUE, events));
        pager.attach(List.of(new GuestRange(0, memory.address(), MEMORY)));
        return pager;
    }

    /** Has some pages brought, which are not there before. */
    private void touch(int from) {
        for (int page = from; page < from + 100; page++) {
            long at = MemoryImage.CHECKED_FROM + (long) page * PAGE;
            assertThat(memory.tryAdvise(Advice.POPULATE_READ, at, PAGE)).isZero();
            assertThat(MemoryImage.isRight(memory.segment(), at)).as("page %d", page).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"good", "early", "deaf", "strict", "forked", "blocking"})
    void itServesUntilTheMemoryIsGone(String behaviour) throws Exception {
        ForeignHandler handler = handler(behaviour);
        if (behaviour.equals("forked")) {
            long child = Long.parseLong(String.valueOf(handler.readLine()));
            own(() -> ProcessHandle.of(child).ifPresent(ProcessHandle::destroyForcibly));
        }
        ExternalPager pager = attached(handler);
        assertThat(events.await(HandlerEvent.Served.class).pid()).isEqualTo(handler.pid());
        touch(0);
        if (behaviour.equals("early")) {
            assertThat(events.await(HandlerEvent.SocketClosed.class).pid())
                    .isEqualTo(handler.pid());
        }
        if (behaviour.equals("forked")) {
            handler.signal("USR1");
            assertThat(handler.awaitExit()).isZero();
        }
        touch(100);
        assertThat(events.hasNo(HandlerEvent.Lost.class)).isTrue();
        pager.close();
        assertThat(events.hasNo(HandlerEvent.Lost.class)).isTrue();
    }

    /** It sends SIGKILL to the process whose end of the socket it sees. */
    @Test
    void aHandlerThatTakesTheSocketsEndForAnErrorNeverSeesIt() throws Exception {
        ForeignHandler first = handler("strict");
        ExternalPager pager = attached(first);
        touch(0);
        ForeignHandler second = handler("strict");
        pager.handOver(second.socket());
        touch(100);
        pager.close();
        for (ForeignHandler handler : List.of(first, second)) {
            handler.signal("USR1");
            assertThat(handler.readLine()).isEqualTo("open");
            assertThat(handler.isAlive()).isTrue();
        }
    }

    @Test
    void aHandlerIsLostWhenItsSocketAndItsProcessAreGone() throws Exception {
        ForeignHandler handler = handler("early");
        ExternalPager pager = attached(handler);
        events.await(HandlerEvent.SocketClosed.class);
        touch(0);
        handler.signal("KILL");
        assertThat(events.await(HandlerEvent.Lost.class))
                .isEqualTo(new HandlerEvent.Lost(handler.pid(), HandlerEvent.Cause.EXITED));
        pager.handOver(handler("good").socket());
        touch(100);
    }

    @Test
    void theNextHandlerFindsTheFlagsAsItNeedsThem() throws Exception {
        ForeignHandler first = handler("blocking");
        ExternalPager pager = attached(first);
        touch(0);
        first.signal("KILL");
        events.await(HandlerEvent.Lost.class);
        pager.handOver(handler("good").socket());
        touch(100);
    }

    /** It says nothing of page sizes, sends two descriptors, and closes its socket at once. */
    @Test
    void aMachineOfAnotherProjectIsServedUntilItsProcessEnds() throws Exception {
        Path machine = ForeignHandler.compile(folder, "foreign_machine");
        Path socket = folder.resolve("faults");
        Events<MachineEvent> machines = new Events<>();
        Fd file = own(Fd.open(image.toString(), Fd.O_RDONLY));
        own(HandlerServer.open(socket, file, 1, LONG, machines));
        for (int round = 0; round < 2; round++) {
            Process process =
                    new ProcessBuilder(machine.toString(), socket.toString(), image.toString())
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            own(() -> process.destroyForcibly().waitFor());
            assertThat(process.inputReader().readLine()).isEqualTo("right");
            process.getOutputStream().close();
            assertThat(process.waitFor()).isZero();
            MachineEvent.Ended ended = machines.await(MachineEvent.Ended.class);
            assertThat(ended.bytes()).isEqualTo(MEMORY);
            assertThat((long) ended.pid()).isEqualTo(process.pid());
        }
    }
}

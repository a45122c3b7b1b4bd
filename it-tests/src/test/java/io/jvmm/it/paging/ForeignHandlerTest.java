// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.guest.Payload;
import io.jvmm.guest.PayloadPages;
import io.jvmm.machine.DeadlineException;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;
import io.jvmm.machine.MemoryBacking;
import io.jvmm.machine.Standstill;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PagingException;
import io.jvmm.paging.handler.ExternalPager;
import io.jvmm.paging.handler.HandlerEvent;
import io.jvmm.paging.handler.HandlerEvent.Cause;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A handler that knows Firecracker's document and nothing of jvmm serves a machine; it is killed,
 * stopped, replaced, and goes wrong in every way it can. On the host alone, which has the compiler.
 */
@RequiresKvm
@RequiresUserfaultfd
@Tag("host")
@Timeout(240)
class ForeignHandlerTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration OVERDUE = Duration.ofMillis(200);
    private static final long MEMORY = 64L << 20;
    private static final String HOLD = "hold=" + (48L << 20);

    @TempDir static Path shared;
    private static Path program = Path.of("");
    private static Path image = Path.of("");

    @TempDir Path folder;
    private final List<ForeignHandler> handlers = new ArrayList<>();
    private final Events<HandlerEvent> events = new Events<>();

    @BeforeAll
    static void prepare() throws IOException, InterruptedException {
        program = ForeignHandler.compile(shared);
        image = MemoryImage.write(shared.resolve("memory"), MEMORY);
    }

    @AfterEach
    void endHandlers() {
        handlers.forEach(ForeignHandler::close);
    }

    private ForeignHandler handler(String behaviour) throws IOException {
        Path socket = folder.resolve("handler-" + handlers.size());
        ForeignHandler handler = ForeignHandler.start(program, socket, image, behaviour);
        handlers.add(handler);
        return handler;
    }

    private ExternalPager pagerAt(ForeignHandler handler) {
        return new ExternalPager(handler.socket(), OVERDUE, events);
    }

    private static MachineConfig.Builder config(ExternalPager pager) {
        return MachineConfig.builder()
                .name("foreign")
                .kernel("verify", Payload.VERIFY.bytes())
                .commandLine("sequential 64")
                .memoryBytes(MEMORY)
                .pager(pager);
    }

    /** A machine whose vCPU waits for a page that its handler does not bring. */
    private Machine stuck(MachineConfig config) throws Exception {
        Machine machine = Machine.create(config);
        machine.start();
        assertThat(machine.consoleOutput().read()).isEqualTo('R');
        HandlerEvent.Overdue overdue = events.await(HandlerEvent.Overdue.class);
        assertThat(overdue.waited()).isGreaterThanOrEqualTo(OVERDUE);
        return machine;
    }

    private static void awaitPass(Machine machine) throws IOException {
        assertThat(machine.consoleOutput().read()).isEqualTo('.');
    }

    private static void answersAPause(Machine machine, TestReporter reporter) throws Exception {
        long begin = System.nanoTime();
        Standstill standstill = machine.pause(LONG);
        reporter.publishEntry("pause while stuck", millisSince(begin));
        assertThat(standstill.isComplete()).isTrue();
        machine.resume();
    }

    private static String millisSince(long begin) {
        return (System.nanoTime() - begin) / 1_000_000 + " ms";
    }

    @ParameterizedTest
    @CsvSource({
        "sequential 64, good, ANONYMOUS",
        "random 64, good, ANONYMOUS",
        "random 64, good, MEMFD",
        "random 64, clumsy, ANONYMOUS"
    })
    void itServesAMachineToTheEnd(String order, String behaviour, MemoryBacking backing)
            throws Exception {
        ForeignHandler handler = handler(behaviour);
        try (Machine machine =
                Machine.create(
                        config(pagerAt(handler))
                                .commandLine(order)
                                .memoryBacking(backing)
                                .build())) {
            machine.start();
            assertThat(machine.consoleOutput().read()).isEqualTo('R');
            awaitPass(machine);
            awaitPass(machine);
            assertThat(events.await(HandlerEvent.Served.class).pid()).isEqualTo(handler.pid());
            assertThat(events.hasNo(HandlerEvent.Lost.class)).isTrue();
        }
        // It keeps its socket: the end of its machine is no error that it must bear.
        assertThat(handler.isAlive()).isTrue();
    }

    @Test
    void itIsKilledAndAnotherTakesOver(TestReporter reporter) throws Exception {
        ForeignHandler first = handler(HOLD);
        ExternalPager pager = pagerAt(first);
        try (Machine machine = stuck(config(pager).build())) {
            long begin = System.nanoTime();
            first.signal("KILL");
            HandlerEvent.Lost lost = events.await(HandlerEvent.Lost.class);
            reporter.publishEntry("death noticed", millisSince(begin));
            assertThat(lost).isEqualTo(new HandlerEvent.Lost(first.pid(), Cause.EXITED));
            assertThat(lost.toString()).contains("process " + first.pid(), "has ended");
            assertThat(pager.handler()).isZero();
            answersAPause(machine, reporter);

            ForeignHandler second = handler("good");
            pager.handOver(second.socket());
            awaitPass(machine);
            awaitPass(machine);
            assertThat(pager.handler()).isEqualTo(second.pid());
        }
    }

    @Test
    void itIsKilledAndTheMachineStops(TestReporter reporter) throws Exception {
        ForeignHandler handler = handler(HOLD);
        try (Machine machine = stuck(config(pagerAt(handler)).build())) {
            handler.signal("KILL");
            events.await(HandlerEvent.Lost.class);
            long begin = System.nanoTime();
            machine.stop();
            assertThat(machine.await(LONG)).contains(new MachineExit.Stopped());
            reporter.publishEntry("stop while stuck", millisSince(begin));
        }
    }

    @Test
    void itIsStoppedAndGoesOn(TestReporter reporter) throws Exception {
        ForeignHandler handler = handler(HOLD);
        try (Machine machine = stuck(config(pagerAt(handler)).build())) {
            handler.signal("STOP");
            handler.signal("USR1");
            events.await(HandlerEvent.Overdue.class);
            answersAPause(machine, reporter);
            assertThat(events.hasNo(HandlerEvent.Lost.class)).isTrue();
            handler.signal("CONT");
            awaitPass(machine);
            awaitPass(machine);
        }
    }

    @Test
    void itIsStoppedAndAnotherTakesOver() throws Exception {
        ForeignHandler first = handler(HOLD);
        ExternalPager pager = pagerAt(first);
        try (Machine machine = stuck(config(pager).build())) {
            first.signal("STOP");
            pager.handOver(handler("good").socket());
            awaitPass(machine);
            // It finds that what it held back was answered.
            first.signal("CONT");
            awaitPass(machine);
            assertThat(events.hasNo(HandlerEvent.Lost.class)).isTrue();
        }
    }

    /** The machine cannot know; its guest does. */
    @Test
    void itBringsWrongPagesAndTheGuestFindsThem() throws Exception {
        try (Machine machine = Machine.create(config(pagerAt(handler("wrong"))).build())) {
            machine.start();
            assertThat(machine.consoleOutput().read()).isEqualTo('R');
            assertThat(machine.consoleOutput().read()).isEqualTo('X');
            assertThat(machine.await(LONG)).contains(new MachineExit.GuestPanic());
        }
    }

    @Test
    void itNeverAnswersAndTheMachineEndsAllTheSame(TestReporter reporter) throws Exception {
        Machine machine = stuck(config(pagerAt(handler("silent"))).build());
        answersAPause(machine, reporter);
        events.await(HandlerEvent.Overdue.class);
        long begin = System.nanoTime();
        machine.close();
        reporter.publishEntry("close while stuck", millisSince(begin));
        assertThat(machine.await()).isEqualTo(new MachineExit.Stopped());
    }

    @ParameterizedTest
    @ValueSource(strings = {"talk", "hang-up"})
    void itBreaksTheProtocolAndAnotherTakesOver(String behaviour) throws Exception {
        ForeignHandler first = handler(behaviour);
        ExternalPager pager = pagerAt(first);
        try (Machine machine = Machine.create(config(pager).build())) {
            machine.start();
            if (behaviour.equals("talk")) {
                assertThat(events.await(HandlerEvent.Lost.class))
                        .isEqualTo(new HandlerEvent.Lost(first.pid(), Cause.TALKED));
            } else {
                assertThat(events.await(HandlerEvent.SocketClosed.class).pid())
                        .isEqualTo(first.pid());
                events.await(HandlerEvent.Overdue.class);
            }
            pager.handOver(handler("good").socket());
            assertThat(machine.consoleOutput().read()).isEqualTo('R');
            awaitPass(machine);
        }
    }

    @Test
    void nobodyListensAndTheMachineIsNotMade() {
        ExternalPager pager = new ExternalPager(folder.resolve("nobody"), OVERDUE, events);
        MachineConfig config = config(pager).build();
        assertThatThrownBy(
                        () -> {
                            try (Machine machine = Machine.create(config)) {
                                machine.start();
                            }
                        })
                .isInstanceOf(KernelException.class)
                .hasMessageContaining("connect")
                .hasMessageContaining("ENOENT");
    }

    /** In ring 0 of a host without nested paging the kernel itself waits for the page. */
    @ParameterizedTest
    @ValueSource(strings = {"ring0", "ring3"})
    void aVcpuThatTheKernelHoldsInAFaultIsKnownToStandStill(String ring, TestReporter reporter)
            throws Exception {
        ForeignHandler handler = handler("hold=" + MemoryImage.CHECKED_FROM);
        MachineConfig config =
                config(pagerAt(handler))
                        .kernel("lazy", Payload.LAZY.bytes())
                        .commandLine(ring)
                        .build();
        try (Machine machine = stuck(config)) {
            long begin = System.nanoTime();
            Standstill standstill = machine.pause(LONG);
            reporter.publishEntry("pause in " + ring, millisSince(begin));
            if (!standstill.isComplete()) {
                assertThat(standstill.vcpus()).containsExactly(Standstill.Rest.IN_FAULT);
                assertThatThrownBy(() -> machine.save(Duration.ofMillis(200)))
                        .isInstanceOf(DeadlineException.class);
            }
            machine.resume();
            handler.signal("USR1");
            awaitPass(machine);
            awaitPass(machine);
        }
    }

    /** Memory without a machine, whose pages Java code wants. */
    private void withMemory(String behaviour, MemoryUser user) throws Exception {
        try (Mapping memory = Mapping.anonymous(MEMORY);
                ExternalPager pager = pagerAt(handler(behaviour))) {
            pager.attach(
                    List.of(
                            new GuestRange(0, memory.address(), MEMORY / 2),
                            new GuestRange(4L << 30, memory.address() + MEMORY / 2, MEMORY / 2)));
            user.use(memory, pager);
        }
    }

    private interface MemoryUser {
        void use(Mapping memory, ExternalPager pager) throws Exception;
    }

    @Test
    void javaCodeHasPagesBroughtBeforeItTouchesThem() throws Exception {
        withMemory(
                "good",
                (memory, pager) -> {
                    assertThat(pager.allPresent()).isFalse();
                    for (int i = 0; i < 100; i++) {
                        long at = i * 37L * 4096;
                        pager.populate((4L << 30) + at + 8, 8000, LONG);
                        assertThat(word(memory, MEMORY / 2 + at))
                                .isEqualTo(PayloadPages.wordAt(MEMORY / 2 + at));
                        pager.populate(at, 1, LONG);
                        assertThat(word(memory, at)).isZero();
                    }
                    assertThatExceptionOfType(PagingException.class)
                            .isThrownBy(() -> pager.populate(MEMORY, 1, LONG))
                            .satisfies(e -> assertThat(e.reason()).isEqualTo(UNKNOWN));
                });
    }

    private static final PagingException.Reason UNKNOWN = PagingException.Reason.UNKNOWN;

    private static long word(Mapping memory, long at) {
        return memory.segment().get(java.lang.foreign.ValueLayout.JAVA_LONG, at);
    }

    @ParameterizedTest
    @EnumSource(
            value = PagingException.Reason.class,
            names = {"OVERDUE", "ENDED"})
    void javaCodeGetsAnAnswerWhenThePageDoesNotCome(PagingException.Reason reason)
            throws Exception {
        withMemory(
                "silent",
                (memory, pager) -> {
                    if (reason == PagingException.Reason.ENDED) {
                        pager.letGo();
                    }
                    // More than there are threads for it.
                    for (int i = 0; i < 12; i++) {
                        long gpa = i * 4096L;
                        assertThatExceptionOfType(PagingException.class)
                                .isThrownBy(() -> pager.populate(gpa, 4096, OVERDUE))
                                .satisfies(e -> assertThat(e.reason()).isEqualTo(reason));
                    }
                    System.gc();
                });
    }

    @Test
    void whatJavaCodeWaitsForComesFromTheNextHandler() throws Exception {
        withMemory(
                "hold=0",
                (memory, pager) -> {
                    Thread waiter =
                            Thread.ofPlatform().start(() -> pager.populate(4L << 30, 4096, LONG));
                    events.await(HandlerEvent.Overdue.class);
                    System.gc();
                    handlers.getFirst().signal("KILL");
                    events.await(HandlerEvent.Lost.class);
                    pager.handOver(handler("good").socket());
                    waiter.join();
                    assertThat(word(memory, MEMORY / 2)).isEqualTo(PayloadPages.wordAt(MEMORY / 2));
                });
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

@RequiresKvm
@Timeout(120)
class MachineConsoleTest {

    private static final String GREETING = "Hello from inside the virtual machine!";
    private static final String GOODBYE = "Powering off.";

    private static Machine hello(ConsoleTarget console) {
        return Machine.create(TestGuests.machine(Payload.HELLO).console(console).build());
    }

    private static void runToItsEnd(Machine machine) throws InterruptedException {
        machine.start();
        assertThat(machine.await()).isEqualTo(new MachineExit.PowerOff());
    }

    @Test
    void buffersOutputUntilItIsRead() throws Exception {
        try (Machine machine = hello(new ConsoleTarget.Buffered())) {
            runToItsEnd(machine);
            String output = new String(machine.consoleOutput().readAllBytes(), US_ASCII);
            assertThat(output).contains(GREETING, GOODBYE);
            assertThat(machine.consoleOutput().read()).isEqualTo(-1);
        }
    }

    @Test
    void bufferedOutputOutlivesTheMachine() throws Exception {
        Machine machine = hello(new ConsoleTarget.Buffered());
        runToItsEnd(machine);
        machine.close();
        assertThat(new String(machine.consoleOutput().readAllBytes(), US_ASCII))
                .contains(GREETING, GOODBYE);
    }

    @Test
    void anUnreadConsoleNeverStopsAGuest() throws Exception {
        try (Machine machine =
                Machine.create(TestGuests.machine("flood", TestGuests.FLOOD).build())) {
            machine.start();
            // More than the buffer's 1 MiB would take long on slow hosts; more than a ring's worth
            // of a waiting console will do.
            awaitPortExits(machine, 70_000);
            machine.stop();
            assertThat(machine.await()).isEqualTo(new MachineExit.Stopped());
            assertThat(machine.consoleOutput().readAllBytes())
                    .hasSizeGreaterThanOrEqualTo(70_000)
                    .containsOnly('x');
        }
    }

    @Test
    void writesToAStreamAndLeavesItOpen() throws Exception {
        boolean[] closed = new boolean[1];
        ByteArrayOutputStream stream =
                new ByteArrayOutputStream() {
                    @Override
                    public void close() {
                        closed[0] = true;
                    }
                };
        try (Machine machine = hello(new ConsoleTarget.ToStream(stream))) {
            runToItsEnd(machine);
            assertThatThrownBy(machine::consoleOutput)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("ConsoleTarget.Buffered");
        }
        assertThat(stream.toString(US_ASCII)).contains(GREETING, GOODBYE);
        assertThat(closed[0]).isFalse();
    }

    @Test
    void writesToAFileWhichItEmptiesFirst(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("console");
        Files.writeString(file, "old ".repeat(10_000));
        try (Machine machine = hello(new ConsoleTarget.ToFile(file))) {
            runToItsEnd(machine);
        }
        assertThat(Files.readString(file)).contains(GREETING, GOODBYE).doesNotContain("old");
    }

    @Test
    void refusesAFileThatCannotBeWritten(@TempDir Path folder) {
        assertThatThrownBy(() -> hello(new ConsoleTarget.ToFile(folder)))
                .isInstanceOf(MachineException.class)
                .hasMessageContaining(folder.toString());
    }

    @Test
    void dropsOutput() throws Exception {
        try (Machine machine = hello(new ConsoleTarget.None())) {
            runToItsEnd(machine);
            assertThatThrownBy(machine::consoleOutput).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void aStreamThatFailsDoesNotStopTheGuest() throws Exception {
        OutputStream broken =
                new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        throw new IOException("planted");
                    }
                };
        try (Machine machine = hello(new ConsoleTarget.ToStream(broken))) {
            runToItsEnd(machine);
        }
    }

    /** The guest waits for its console; stop and close do not. */
    @Test
    void aStreamThatBlocksKeepsNobodyFromStopping() throws Exception {
        BlockingStream stream = new BlockingStream();
        Machine machine =
                Machine.create(
                        TestGuests.machine("blocked", TestGuests.FLOOD)
                                .console(new ConsoleTarget.ToStream(stream))
                                .build());
        machine.start();
        assertThat(stream.entered.await(60, TimeUnit.SECONDS)).isTrue();
        // What the buffer holds, and a little less than what the stream has taken.
        awaitPortExits(machine, 64 * 1024);
        machine.stop();
        assertThat(machine.await(Duration.ofSeconds(30))).contains(new MachineExit.Stopped());
        long start = System.nanoTime();
        machine.close();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(30));
        stream.free.countDown();
    }

    private static final class BlockingStream extends OutputStream {
        private final CountDownLatch entered = new CountDownLatch(1);
        private final CountDownLatch free = new CountDownLatch(1);

        @Override
        public void write(int b) throws IOException {
            entered.countDown();
            try {
                free.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
    }

    private static void awaitPortExits(Machine machine, long count) throws InterruptedException {
        while (machine.exitStatistics().getFirst().port() < count) {
            assertThat(machine.await(Duration.ofMillis(1))).isEmpty();
        }
    }

    /** More than the port's FIFO holds, in one piece, comes back whole. */
    @Test
    void whatIsTypedReachesTheGuest() throws Exception {
        String text = "abcdefghijklmnoprstuvwxyz ".repeat(40);
        try (Machine machine =
                Machine.create(TestGuests.machine("echo", TestGuests.ECHO).build())) {
            machine.start();
            machine.consoleInput().write((text + "q").getBytes(US_ASCII));
            assertThat(machine.await(Duration.ofSeconds(60))).contains(new MachineExit.PowerOff());
            assertThat(new String(machine.consoleOutput().readAllBytes(), US_ASCII))
                    .isEqualTo(text + "q");
            assertThatThrownBy(() -> machine.consoleInput().write('x'))
                    .isInstanceOf(IOException.class)
                    .hasMessage("the console is closed");
        }
    }

    /** A break arrives as a zero byte, marked in the line status, which this guest ignores. */
    @Test
    void aBreakReachesTheGuest() throws Exception {
        try (Machine machine =
                Machine.create(TestGuests.machine("echo", TestGuests.ECHO).build())) {
            machine.start();
            machine.sendBreak();
            machine.consoleInput().write('q');
            assertThat(machine.await(Duration.ofSeconds(60))).contains(new MachineExit.PowerOff());
            assertThat(machine.consoleOutput().readAllBytes()).containsExactly(0, 'q');
        }
    }
}

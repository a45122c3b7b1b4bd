// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.FdPassing;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.UnixSocket;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
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
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Machines of every kind at a server of their page faults. They are of this process, so pages are
 * touched by system calls.
 */
@RequiresUserfaultfd
@Timeout(120)
class HandlerServerTest {

    private static final int PAGE = 4096;
    private static final int PAGES = 64;
    private static final Duration LONG = Duration.ofSeconds(60);

    @TempDir Path folder;

    private final BlockingQueue<MachineEvent> events = new LinkedBlockingQueue<>();
    private final List<AutoCloseable> owned = new ArrayList<>();
    private Path path = Path.of("");
    private HandlerServer server;

    @BeforeEach
    void serve() throws IOException {
        Path image = folder.resolve("memory");
        ByteBuffer content = ByteBuffer.allocate(PAGES * PAGE).order(ByteOrder.nativeOrder());
        for (int page = 0; page < PAGES; page++) {
            content.putLong(page * PAGE, 0xBEEF_0000L + page);
        }
        Files.write(image, content.array());
        path = folder.resolve("faults");
        Fd file = own(Fd.open(image.toString(), Fd.O_RDONLY));
        server = HandlerServer.open(path, file, 2, LONG, events::add);
    }

    @AfterEach
    void close() throws Exception {
        server.close();
        for (AutoCloseable each : owned.reversed()) {
            each.close();
        }
    }

    private <T extends AutoCloseable> T own(T made) {
        owned.add(made);
        return made;
    }

    private <T extends MachineEvent> T await(Class<T> kind) throws InterruptedException {
        while (true) {
            MachineEvent event = events.take();
            if (kind.isInstance(event)) {
                return kind.cast(event);
            }
        }
    }

    /** Memory whose faults a handler answers. */
    private static final class Machine implements AutoCloseable {
        private final Mapping memory = Mapping.anonymous((long) PAGES * PAGE);
        private final Userfaultfd uffd = Userfaultfd.open(Set.of());
        private final List<HandlerRegion> regions =
                List.of(new HandlerRegion(memory.address(), memory.sizeBytes(), 0, PAGE));

        Machine() {
            uffd.register(memory.address(), memory.sizeBytes(), Set.of(Tracking.MISSING));
        }

        long touch(int page) {
            long result = memory.tryAdvise(Advice.POPULATE_READ, (long) page * PAGE, PAGE);
            return result < 0 ? result : memory.segment().get(JAVA_LONG, (long) page * PAGE);
        }

        HandlerLink handOver(Path path) {
            return HandlerLink.handOver(path, uffd, regions, LONG, () -> true);
        }

        /** As a machine does that ends while its process goes on. */
        void end() {
            uffd.unregister(memory.address(), memory.sizeBytes());
        }

        @Override
        public void close() {
            uffd.close();
            memory.close();
        }
    }

    /** A machine that shares the flags of the descriptor, and makes every read block. */
    private Machine hostile() {
        Machine machine = own(new Machine());
        HandlerLink link = own(machine.handOver(path));
        assertThat(link.pid()).isPositive();
        for (int page = 0; page < PAGES; page++) {
            machine.uffd.setNonBlocking(false);
            assertThat(machine.touch(page)).isEqualTo(0xBEEF_0000L + page);
        }
        machine.uffd.setNonBlocking(false);
        return machine;
    }

    @Test
    void machinesThatMakeReadsBlockKeepNoPlaceWhenTheyHaveEnded() throws InterruptedException {
        hostile().end();
        hostile().end();
        await(MachineEvent.Ended.class);
        await(MachineEvent.Ended.class);
        Machine honest = own(new Machine());
        own(honest.handOver(path));
        assertThat(honest.touch(3)).isEqualTo(0xBEEF_0003L);
    }

    @Test
    void itEndsAlthoughAMachineMakesReadsBlock() {
        Machine machine = hostile();
        Thread flipper =
                Thread.ofPlatform()
                        .start(() -> {
                            while (!Thread.currentThread().isInterrupted()) {
                                machine.uffd.setNonBlocking(false);
                            }
                        });
        try {
            server.close();
            assertThat(server.machines()).isZero();
        } finally {
            flipper.interrupt();
        }
    }

    @Test
    void flagsAreSetAgainForTheNextHandler() {
        Machine machine = own(new Machine());
        own(machine.handOver(path));
        assertThat(machine.touch(0)).isEqualTo(0xBEEF_0000L);
        machine.uffd.setNonBlocking(false);
        own(machine.handOver(path));
        // Only a descriptor that does not block can be polled.
        assertThat(machine.uffd.fd().poll(Fd.POLLIN, 0) & Fd.POLLERR).isZero();
        assertThat(machine.touch(1)).isEqualTo(0xBEEF_0001L);
    }

    @Test
    void strangersTakeNoMachinesPlaceAndTheOldestGoesFirst() throws InterruptedException {
        List<Fd> strangers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            strangers.add(own(UnixSocket.connect(path)));
        }
        for (int i = 0; i < 4; i++) {
            assertThat(await(MachineEvent.Refused.class).message()).contains("the oldest of");
            assertThat(strangers.get(i).poll(Fd.POLLIN, -1) & Fd.POLLHUP).isNotZero();
        }
        Machine first = own(new Machine());
        own(first.handOver(path));
        Machine second = own(new Machine());
        own(second.handOver(path));
        assertThat(first.touch(5)).isEqualTo(0xBEEF_0005L);
        assertThat(second.touch(6)).isEqualTo(0xBEEF_0006L);
        Machine third = own(new Machine());
        own(third.handOver(path));
        String message = await(MachineEvent.Refused.class).message();
        while (message.contains("the oldest of")) {
            message = await(MachineEvent.Refused.class).message();
        }
        assertThat(message).contains("too many machines");
    }

    @Test
    void ofTwoDescriptorsInOneMessageTheFirstIsTaken() {
        Machine machine = own(new Machine());
        Fd socket = own(UnixSocket.connect(path));
        machine.uffd.setNonBlocking(true);
        FdPassing.send(
                socket,
                HandlerMessage.encode(machine.regions),
                List.of(machine.uffd.fd(), own(Fd.open(folder.toString(), 0))));
        assertThat(machine.touch(7)).isEqualTo(0xBEEF_0007L);
    }

    @Test
    void pagesThatCannotBeReadComeOnceTheFileIsRestored() throws Exception {
        Path image = folder.resolve("memory");
        byte[] content = Files.readAllBytes(image);
        Machine machine = own(new Machine());
        own(machine.handOver(path));
        await(MachineEvent.Accepted.class);
        Files.write(image, new byte[0]);
        FutureTask<Long> touched = new FutureTask<>(() -> machine.touch(8));
        Thread _ = Thread.ofPlatform().start(touched);
        assertThat(await(MachineEvent.Unreadable.class).message()).contains("ends before");
        Files.write(image, content);
        assertThat(touched.get()).isEqualTo(0xBEEF_0008L);
    }

    @Test
    void aListenerThatThrowsLeavesTheServerAsItWas() throws IOException {
        Path other = folder.resolve("other");
        Fd file = own(Fd.open(folder.resolve("memory").toString(), Fd.O_RDONLY));
        try (HandlerServer _ =
                HandlerServer.open(
                        other,
                        file,
                        1,
                        LONG,
                        event -> {
                            throw new IllegalStateException("a listener of the application");
                        })) {
            try (Machine machine = new Machine();
                    HandlerLink _ = machine.handOver(other)) {
                assertThat(machine.touch(9)).isEqualTo(0xBEEF_0009L);
                machine.end();
            }
        }
    }
}

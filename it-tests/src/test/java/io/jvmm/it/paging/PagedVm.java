// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.guest.Payload;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;
import io.jvmm.machine.Standstill;
import io.jvmm.paging.OverduePolicy;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.service.FaultService;
import io.jvmm.paging.wire.PageLayout;
import io.jvmm.paging.wire.PeerAddress;
import io.jvmm.paging.wire.PeerConfig;
import io.jvmm.paging.wire.PeerPageSource;
import io.jvmm.paging.wire.Token;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A process with a machine whose memory comes from a page server: {@code ADDRESS TOKEN-FILE MIB
 * ORDER [slow]}; slow is a page at a time, and only what is touched. Says on standard output what
 * the guest and the source say ({@code guest .}, {@code source Away[…]}), and obeys standard input:
 *
 * <ul>
 *   <li>{@code stuck}: waits until a vCPU waits for a page, answers {@code stuck}
 *   <li>{@code pause}: pauses and resumes, answers {@code paused in N ms, …}
 *   <li>{@code stop}: stops, answers {@code stopped in N ms}, and ends
 * </ul>
 */
public final class PagedVm {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration SILENCE = Duration.ofSeconds(2);

    private PagedVm() {}

    public static void main(String[] args) throws Exception {
        long bytes = Long.parseLong(args[2]) << 20;
        PeerPageSource source =
                new PeerPageSource(
                        address(args[0]),
                        Token.parse(Files.readString(Path.of(args[1]))),
                        new PageLayout(List.of(new PageLayout.Range(0, bytes))),
                        PeerConfig.DEFAULT.withTimes(Duration.ofSeconds(10), SILENCE),
                        state -> System.out.println("source " + state));
        PagingConfig config =
                PagingConfig.defaults()
                        .withDeadline(Duration.ofSeconds(1), OverduePolicy.KEEP_WAITING);
        FaultService service =
                new FaultService(
                        source,
                        args.length > 4 ? config.withUnit(1, 1).withSweep(false) : config,
                        event -> System.out.println("paging " + event));
        MachineConfig shape =
                MachineConfig.builder()
                        .name("paged")
                        .kernel("verify", Payload.VERIFY.bytes())
                        .commandLine(args[3] + " " + args[2])
                        .memoryBytes(bytes)
                        .pager(service)
                        .build();
        try (Machine machine = Machine.create(shape)) {
            Thread.ofPlatform().daemon().start(() -> relay(machine));
            machine.start();
            obey(machine, service);
        }
        System.out.println("closed");
    }

    private static PeerAddress address(String text) {
        String[] parts = text.split(":", -1);
        return parts[0].equals("unix")
                ? PeerAddress.unix(Path.of(parts[1]))
                : PeerAddress.tcp(parts[1], Integer.parseInt(parts[2]));
    }

    private static void relay(Machine machine) {
        try {
            for (int letter = machine.consoleOutput().read();
                    letter >= 0;
                    letter = machine.consoleOutput().read()) {
                System.out.println("guest " + (char) letter);
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void obey(Machine machine, FaultService service) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, US_ASCII));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            switch (line) {
                case "stuck" -> awaitStuck(service);
                case "pause" -> pause(machine);
                case "stop" -> {
                    stop(machine);
                    return;
                }
                default -> throw new IllegalArgumentException(line);
            }
        }
    }

    private static void awaitStuck(FaultService service) {
        // Nobody tells of a wait's begin.
        while (service.statistics().waiting() == 0) {
            LockSupport.parkNanos(1_000_000);
        }
        System.out.println("stuck");
    }

    private static void pause(Machine machine) {
        long begin = System.nanoTime();
        Standstill standstill = machine.pause(LONG);
        long millis = (System.nanoTime() - begin) / 1_000_000;
        machine.resume();
        System.out.println("paused in %d ms, %s".formatted(millis, standstill));
    }

    private static void stop(Machine machine) throws InterruptedException {
        long begin = System.nanoTime();
        machine.stop();
        MachineExit exit = machine.await(LONG).orElseThrow();
        long millis = (System.nanoTime() - begin) / 1_000_000;
        System.out.println("stopped in %d ms, %s".formatted(millis, exit));
    }
}

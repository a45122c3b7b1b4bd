// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.cli.Session;
import io.jvmm.guest.Payload;
import io.jvmm.machine.ConsoleTarget;
import io.jvmm.machine.MachineConfig;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;

/**
 * A process with a machine in the foreground, as the command has it, whose vCPU waits for a page
 * that does not come: argument {@code ring0} or {@code ring3}. Says so on its error stream, and
 * supplies the page when it reads a line.
 */
final class StuckVm {

    static final String HELD = "held";

    private StuckVm() {}

    public static void main(String[] args) throws Exception {
        HoldingPager pager = new HoldingPager();
        MachineConfig config =
                MachineConfig.builder()
                        .kernel("lazy", Payload.LAZY.bytes())
                        .commandLine(args[0])
                        .memoryBytes(64 << 20)
                        .pager(pager)
                        .console(
                                new ConsoleTarget.ToStream(
                                        new FileOutputStream(FileDescriptor.out)))
                        .build();
        Thread.ofPlatform().daemon(true).start(() -> converse(pager));
        System.exit(new Session(config, false, null).run());
    }

    private static void converse(HoldingPager pager) {
        try {
            pager.awaitHeld();
            System.err.println(HELD);
            if (new BufferedReader(new InputStreamReader(System.in, US_ASCII)).readLine() != null) {
                pager.serve();
            }
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}

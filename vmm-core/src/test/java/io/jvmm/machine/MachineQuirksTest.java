// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.host.HostProfiles;
import io.jvmm.host.HostQuirks;
import io.jvmm.layout.GuestLayout;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/** What a machine does about a host that cannot carry out all of ring 0. */
@RequiresKvm
@Timeout(60)
class MachineQuirksTest {

    private static final HostQuirks COMPLETE = new HostQuirks("", true, false, 100);
    private static final HostQuirks HINT = new HostQuirks("clearcpuid=rare", false, false, 100);

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void whatTheHostLacksIsCompleted(int cpus) throws InterruptedException {
        assertThat(endOf(COMPLETE, cpus)).isEqualTo(new MachineExit.PowerOff());
    }

    @Test
    void withoutCompletionAMachineEndsWhereTheHostGivesUp() throws InterruptedException {
        boolean lacking = new HostProfiles(folder).quirks().completeInstructions();

        MachineExit exit = endOf(HostQuirks.NONE, 1);

        if (lacking) {
            assertThat(exit)
                    .isInstanceOfSatisfying(
                            MachineExit.Failed.class,
                            failed ->
                                    assertThat(failed.reason())
                                            .contains("(9b", "interprets kernel code"));
        } else {
            assertThat(exit).isEqualTo(new MachineExit.PowerOff());
        }
    }

    @Test
    void aLinuxIsToldBeforeItsUsersOwnWords() throws IOException {
        // what is compressed as a whole is taken for a Linux
        byte[] linux = gzip(TestGuests.RARE_INSTRUCTIONS);

        assertThat(commandLineOf(linux)).isEqualTo("clearcpuid=rare mine=1");
    }

    @Test
    void anotherKernelIsToldNothing() {
        assertThat(commandLineOf(TestGuests.RARE_INSTRUCTIONS)).isEqualTo("mine=1");
    }

    private static MachineExit endOf(HostQuirks quirks, int cpus) throws InterruptedException {
        try (Machine machine = Machine.create(rare(quirks, cpus))) {
            machine.start();
            return machine.await();
        }
    }

    private static MachineConfig rare(HostQuirks quirks, int cpus) {
        return TestGuests.machine("rare", TestGuests.RARE_INSTRUCTIONS)
                .cpus(cpus)
                .hostQuirks(quirks)
                .build();
    }

    private static String commandLineOf(byte[] kernel) {
        MachineConfig config =
                TestGuests.machine("told", kernel).commandLine("mine=1").hostQuirks(HINT).build();
        try (Machine machine = Machine.create(config)) {
            byte[] line = new byte[64];
            machine.memory().copyOut(GuestLayout.COMMAND_LINE, line);
            String text = new String(line, StandardCharsets.US_ASCII);
            return text.substring(0, text.indexOf('\0'));
        }
    }

    private static byte[] gzip(byte[] content) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(content);
        }
        return packed.toByteArray();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.it.example.OwnDevice.Mailbox;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineException;
import io.jvmm.machine.MachineExit;
import io.jvmm.machine.MemoryLoader;
import io.jvmm.machine.SavedMachine;
import io.jvmm.state.StateException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;

/** A device that an application adds by one class and one line is like any other. */
@RequiresKvm
@Timeout(240)
class OwnDeviceTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Mailbox.State FULL = new Mailbox.State('A', 0x1234, 1);
    private static final Mailbox.State EMPTY = new Mailbox.State(0, 0, 0);

    /** Waits until its mailbox has a byte, and then does what the example's guest does. */
    private static final String WAITING_GUEST =
            "66ba00c0 ec 84c0 74fb" // mov dx, 0xc000; in al, dx; test al, al; jz to the in
                    + OwnDevice.GUEST;

    private static final int OCTET = 0;
    private static final int WORD = 1;

    private final Mailbox[] mailbox = new Mailbox[1];

    private static MachineConfig.Builder machine(Mailbox[] built) {
        return OwnDevice.machine(WAITING_GUEST, built);
    }

    private static void write(Mailbox to, int range, int value) {
        to.ranges().get(range).answers().write(0, range == OCTET ? 1 : 4, value);
    }

    @Test
    void isReachedByPortMemoryAndDoorbellAndInterrupts() throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = System.out;
        System.setOut(new PrintStream(printed, true, UTF_8));
        try {
            OwnDevice.main(new String[0]);
        } finally {
            System.setOut(out);
        }
        assertThat(printed.toString(UTF_8))
                .isEqualTo("PowerOff[]\n" + FULL + System.lineSeparator());
    }

    @Test
    void isDescribedToTheGuestsKernel() {
        try (Machine machine = Machine.create(machine(mailbox).build())) {
            byte[] tables = new byte[0x1_0000];
            machine.memory().copyOut(0xE_0000, tables);
            String text = new String(tables, ISO_8859_1);
            assertThat(text).contains("MBOX").contains("JVMM0001").contains("COM1");
            assertThat(text.indexOf("COM1")).isLessThan(text.indexOf("MBOX"));
        }
    }

    /** Doorbells and lines are those of the new virtual machine in the kernel. */
    @Test
    void isAsAfterPowerOnOnceTheMachineIsReset() throws Exception {
        try (Machine machine = Machine.create(machine(mailbox).build())) {
            machine.start();
            for (int i = 0; i < 3; i++) {
                write(mailbox[0], WORD, 0x77);
                machine.reset();
                assertThat(mailbox[0].state()).isEqualTo(EMPTY);
            }
            write(mailbox[0], OCTET, 1);
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
            assertThat(mailbox[0].state()).isEqualTo(FULL);
        }
    }

    /** A ring that was on its way is not saved, so each doorbell rings when the copy goes on. */
    @Test
    void goesOnWhereItWasSaved() throws Exception {
        Mailbox[] copied = new Mailbox[1];
        try (Machine source = Machine.create(machine(mailbox).build())) {
            source.start();
            write(mailbox[0], WORD, 0x77);
            source.pause(LONG);
            SavedMachine saved = source.save(LONG);
            try (Machine copy =
                    Machine.restore(machine(copied).build(), saved, MemoryLoader.copyOf(source))) {
                assertThat(copied[0].state()).isEqualTo(new Mailbox.State(0, 0x77, 0));
                copy.resume();
                while (copied[0].state().seen() == 0) {
                    Thread.sleep(1);
                }
                write(copied[0], OCTET, 1);
                assertThat(copy.await(LONG)).contains(new MachineExit.PowerOff());
                assertThat(copied[0].state().octet()).isEqualTo('A');
                assertThat(copied[0].state().word()).isEqualTo(0x1234);
            }
            MachineConfig without =
                    MachineConfig.builder()
                            .kernel("none", new byte[] {0})
                            .memoryBytes(source.config().memoryBytes())
                            .build();
            assertThatExceptionOfType(StateException.class)
                    .isThrownBy(() -> Machine.restore(without, saved, MemoryLoader.copyOf(source)))
                    .withMessageContaining("no place for saved example-mailbox/0");
        }
    }

    @Test
    void cannotHaveTheNameOrTheInterruptOfAnotherOne() {
        MachineConfig twice = machine(mailbox).device(Mailbox::new).build();
        assertThatExceptionOfType(MachineException.class)
                .isThrownBy(() -> Machine.create(twice))
                .withMessageContaining("interrupt line 5 is taken");
    }
}

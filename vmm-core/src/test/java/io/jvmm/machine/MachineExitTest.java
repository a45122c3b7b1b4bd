// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.stream.Stream;

/** Why a machine ended, told for every way in which a guest can end it. */
@RequiresKvm
@Timeout(60)
class MachineExitTest {

    static Stream<Arguments> ends() {
        return Stream.of(
                Arguments.of(Payload.END_POWER_OFF, new MachineExit.PowerOff()),
                Arguments.of(Payload.HELLO, new MachineExit.PowerOff()),
                Arguments.of(Payload.END_RESET_PORT, new MachineExit.Reset("reset port")),
                Arguments.of(Payload.END_RESET_I8042, new MachineExit.Reset("i8042")),
                Arguments.of(Payload.END_PANIC, new MachineExit.GuestPanic()),
                Arguments.of(Payload.END_TRIPLE_FAULT, new MachineExit.TripleFault(0)));
    }

    @ParameterizedTest
    @MethodSource("ends")
    void tellsWhy(Payload payload, MachineExit why) throws Exception {
        // A second vCPU, which waits for a start that never comes, ends with the first.
        try (Machine machine = Machine.create(TestGuests.machine(payload).cpus(2).build())) {
            machine.start();
            assertThat(machine.await()).isEqualTo(why);
        }
    }

    @Test
    void tellsWhatKvmCannotDo() throws Exception {
        try (Machine machine =
                Machine.create(TestGuests.machine("nowhere", TestGuests.NOWHERE).build())) {
            machine.start();
            assertThat(machine.await())
                    .isInstanceOfSatisfying(
                            MachineExit.Failed.class,
                            failed -> {
                                assertThat(failed.reason())
                                        .startsWith(
                                                "vCPU 0: KVM cannot fetch the guest's next"
                                                        + " instruction")
                                        .doesNotContain("\n");
                                assertThat(failed.details())
                                        .contains("rip 00000000e0000000", "rax", "cr3", "efer");
                                assertThat(failed.cause()).isNull();
                            });
            assertThat(machine.state()).isEqualTo(MachineState.ENDED);
            assertThat(machine.consoleOutput().readAllBytes()).isEmpty();
        }
    }
}

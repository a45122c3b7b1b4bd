// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.example;

import io.jvmm.guest.Payload;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;

/** The shortest program that boots a guest and reads its console. */
public final class BootAGuest {

    private BootAGuest() {}

    public static void main(String[] args) throws Exception {
        MachineConfig config =
                MachineConfig.builder().kernel("hello", Payload.HELLO.bytes()).cpus(2).build();
        try (Machine machine = Machine.create(config)) {
            machine.start();
            machine.consoleOutput().transferTo(System.out);
            MachineExit exit = machine.await();
            System.out.println(exit);
        }
    }
}

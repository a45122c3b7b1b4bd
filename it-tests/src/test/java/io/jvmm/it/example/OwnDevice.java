// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.example;

import io.jvmm.bus.AcpiDevice;
import io.jvmm.bus.AcpiResource;
import io.jvmm.bus.AddressSpace;
import io.jvmm.bus.Device;
import io.jvmm.bus.Doorbell;
import io.jvmm.bus.IoDevice;
import io.jvmm.bus.IoRange;
import io.jvmm.bus.IrqLine;
import io.jvmm.machine.DeviceResources;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.state.ComponentState;
import io.jvmm.state.StateCodec;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;

/** A machine with a device of the program's own: one class, and one line that adds it. */
public final class OwnDevice {

    /**
     * A mailbox: the guest writes a byte to a port and a word to memory, rings, and is interrupted
     * when the mail has been seen.
     */
    static final class Mailbox implements Device {

        /** Interrupt 5 of the ISA bus. */
        static final int IRQ = 5;

        /** Offset of the doorbell, which rings for one value only. */
        static final int DOORBELL = 8;

        static final int RING = 7;

        /** What is saved of it. */
        record State(int octet, int word, int seen) {

            static final StateCodec<State> CODEC =
                    new StateCodec<>() {
                        @Override
                        public String kind() {
                            return "example-mailbox";
                        }

                        @Override
                        public int version() {
                            return 1;
                        }

                        @Override
                        public void write(State state, StateWriter out) {
                            out.u8(state.octet()).i32(state.word()).i32(state.seen());
                        }

                        @Override
                        public State read(int version, StateReader in) {
                            return new State(in.u8(), in.i32(), in.i32());
                        }
                    };
        }

        private final int port;
        private final long gpa;
        private final IrqLine line;
        private State state = new State(0, 0, 0); // guarded by this

        Mailbox(DeviceResources resources) {
            port = resources.ports(1);
            gpa = resources.mmio(4096);
            line = resources.interrupt(IRQ);
        }

        synchronized State state() {
            return state;
        }

        private synchronized void change(UnaryOperator<State> how) {
            state = how.apply(state);
        }

        @Override
        public String name() {
            return "mailbox";
        }

        @Override
        public List<IoRange> ranges() {
            IoDevice octet =
                    new IoDevice() {
                        @Override
                        public long read(long offset, int size) {
                            return state().octet();
                        }

                        @Override
                        public void write(long offset, int size, long value) {
                            change(old -> new State((int) value & 0xFF, old.word(), old.seen()));
                        }
                    };
            IoDevice word =
                    new IoDevice() {
                        @Override
                        public long read(long offset, int size) {
                            return offset == 0 ? state().word() : IoDevice.allOnes(size);
                        }

                        @Override
                        public void write(long offset, int size, long value) {
                            if (offset == 0) {
                                change(old -> new State(old.octet(), (int) value, old.seen()));
                            }
                        }
                    };
            return List.of(IoRange.ports(port, 1, octet), IoRange.mmio(gpa, 4096, word));
        }

        @Override
        public List<Doorbell> doorbells() {
            return List.of(
                    new Doorbell(
                            AddressSpace.MMIO,
                            gpa + DOORBELL,
                            4,
                            OptionalLong.of(RING),
                            this::rung));
        }

        private void rung() {
            change(old -> new State(old.octet(), old.word(), old.seen() + 1));
            line.pulse();
        }

        @Override
        public List<AcpiDevice> acpi() {
            return List.of(
                    AcpiDevice.of("MBOX", "JVMM0001")
                            .with(new AcpiResource.Ports(port, 1))
                            .with(new AcpiResource.Memory(gpa, 4096))
                            .with(new AcpiResource.IsaInterrupt(IRQ)));
        }

        @Override
        public void reset() {
            change(old -> new State(0, 0, 0));
        }

        @Override
        public ComponentState savedState() {
            return ComponentState.required(
                    State.CODEC, this::state, (saved, passed) -> change(old -> saved));
        }
    }

    /** A guest that sends mail, waits for its interrupt, and switches itself off. */
    static final String GUEST =
            "66ba00c0 b041 ee" // mov dx, 0xc000; mov al, 'A'; out dx, al
                    + "bb000000d1 c70334120000" // mov ebx, 0xd1000000; mov dword [rbx], 0x1234
                    + "c7430806000000" // mov dword [rbx + 8], 6: the doorbell, not its value
                    + "c7430807000000" // mov dword [rbx + 8], 7
                    + "b00a e620 e420 a820 74f6" // until the interrupt controller has interrupt 5
                    + "66ba0406 66b80034 66ef ebfe"; // power off

    private OwnDevice() {}

    /** A configuration of a machine with a mailbox, whose guest is some instructions. */
    static MachineConfig.Builder machine(String guest, Mailbox[] built) {
        return MachineConfig.builder()
                .name("mail")
                .kernel("mail", elf(guest))
                .memoryBytes(16 << 20)
                .device(resources -> built[0] = new Mailbox(resources));
    }

    /** The least file that can be booted: one segment at 1 MiB, entered behind its headers. */
    private static byte[] elf(String guest) {
        byte[] code = HexFormat.of().parseHex(guest.replace(" ", ""));
        int headers = 64 + 56;
        long base = 1 << 20;
        ByteBuffer elf = ByteBuffer.allocate(headers + code.length).order(ByteOrder.LITTLE_ENDIAN);
        elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
        elf.putShort((short) 2).putShort((short) 62).putInt(1).putLong(base + headers);
        elf.putLong(64).putLong(0).putInt(0);
        elf.putShort((short) 64).putShort((short) 56).putShort((short) 1).position(64);
        elf.putInt(1).putInt(7).putLong(0).putLong(base).putLong(base);
        elf.putLong(elf.capacity()).putLong(elf.capacity()).putLong(4096).put(code);
        return elf.array();
    }

    public static void main(String[] args) throws Exception {
        Mailbox[] mailbox = new Mailbox[1];
        try (Machine machine = Machine.create(machine(GUEST, mailbox).build())) {
            machine.start();
            System.out.println(machine.await());
            System.out.println(mailbox[0].state());
        }
    }
}

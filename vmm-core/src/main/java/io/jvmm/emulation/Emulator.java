// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.memory.GuestMemory;

import java.util.HexFormat;

/**
 * Does one instruction of a guest on a copy of its registers. Knows nothing of KVM.
 *
 * <p>Whatever the guest has in its registers, tables and code, {@link #step} returns, after a
 * bounded number of steps. Belongs to one vCPU's thread; several may work on the same memory.
 */
public final class Emulator {

    /** What became of the instruction. */
    public sealed interface Outcome {

        /**
         * It is complete.
         *
         * @param name its mnemonic
         * @param regs the general registers after it
         * @param trap the exception that it raises now, after it: a breakpoint; or -1
         */
        record Completed(String name, Regs regs, int trap) implements Outcome {}

        /**
         * It raises an exception before it does anything.
         *
         * @param address the linear address, of a page fault
         */
        record Faulted(int vector, boolean hasErrorCode, int errorCode, long address)
                implements Outcome {}

        /**
         * It needs a page of memory that is not there yet, and nothing has changed: the same step
         * is to be made again when the page has come.
         *
         * @param gpa guest-physical address in the page
         */
        record Missing(long gpa) implements Outcome {}

        /**
         * It cannot be completed, and nothing has changed.
         *
         * @param reason a clause that begins in lower case and names the instruction's bytes
         */
        record Refused(String reason) implements Outcome {}
    }

    private final LinearMemory memory;
    private final ExtendedState state;
    private final XsaveLayout layout;
    private final InstructionTable table = InstructionTable.INSTANCE;

    /**
     * @param physicalBits the width of the guest's physical addresses
     */
    Emulator(
            GuestMemory memory,
            int physicalBits,
            ExtendedState state,
            XsaveLayout layout,
            WideCompareExchange wide) {
        this.memory = new LinearMemory(memory, new PageWalker(memory, physicalBits), wide);
        this.state = state;
        this.layout = layout;
    }

    /**
     * Does the instruction at RIP. Extended registers are written back here if it is complete,
     * general ones are in the outcome.
     *
     * @param given the instruction's first bytes, as far as they are known; the rest is fetched
     */
    public Outcome step(Regs regs, Sregs system, byte[] given) {
        Registers cpu = new Registers(regs, system);
        ExtendedRegisters extended = new ExtendedRegisters(state, layout);
        InstructionBytes bytes =
                new InstructionBytes(
                        given, (offset, atMost) -> fetch(cpu, extended, offset, atMost));
        try {
            requireMode(cpu);
            Instruction instruction = new Decoder(table, bytes, cpu.longMode()).decode();
            Execution execution = new Execution(cpu, extended, memory, instruction);
            execution.perform();
            extended.commit();
            long next = cpu.rip() + instruction.length();
            cpu.rip(cpu.longMode() ? next : next & 0xFFFF_FFFFL);
            cpu.flag(Flags.RF, false);
            return new Outcome.Completed(
                    instruction.entry().name(), cpu.toRegs(), execution.trap());
        } catch (GuestFault fault) {
            return new Outcome.Faulted(
                    fault.vector(), fault.hasErrorCode(), fault.errorCode(), fault.address());
        } catch (MissingPage page) {
            return new Outcome.Missing(page.gpa());
        } catch (Refusal refusal) {
            return new Outcome.Refused(
                    "%s (at 0x%x: %s)"
                            .formatted(
                                    refusal.reason(),
                                    regs.rip(),
                                    HexFormat.ofDelimiter(" ").formatHex(bytes.known())));
        }
    }

    private static void requireMode(Registers cpu) {
        boolean code32 = cpu.system().cs().db() != 0 && cpu.system().cs().l() == 0;
        if (!cpu.cr0(ControlBits.CR0_PE) || !(cpu.longMode() || code32)) {
            throw new Refusal("an instruction of 16-bit code");
        }
    }

    private byte[] fetch(Registers cpu, ExtendedRegisters extended, int offset, int atMost) {
        long at = cpu.rip() + offset;
        long linear = cpu.longMode() ? at : at + cpu.system().cs().base() & 0xFFFF_FFFFL;
        return memory.fetch(cpu, linear, atMost, extended);
    }
}

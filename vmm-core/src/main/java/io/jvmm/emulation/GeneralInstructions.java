// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.emulation.TableEntry.Needs;

import java.security.SecureRandom;

/** Breakpoints, waits, flags, exchanges: what needs general registers only. */
final class GeneralInstructions {

    /** The x87 status: an unmasked exception waits. */
    private static final int STATUS_ERROR = 1 << 7;

    /** Made when the first guest asks. */
    private static final class Entropy {
        static final SecureRandom SOURCE = new SecureRandom();
    }

    private GeneralInstructions() {}

    static void addTo(InstructionTable table) {
        table.add("* CC", "int3", x -> x.trap(GuestFault.BREAKPOINT));
        table.add("* 9B", "fwait", GeneralInstructions::wait);
        table.add("* 0F 0B", "ud2", GeneralInstructions::undefined);
        table.add("* 0F B9 /r", "ud1", GeneralInstructions::undefined);
        table.add("* 0F FF /r", "ud0", GeneralInstructions::undefined);
        table.add("NP 0F 01 CA", "clac", x -> alignmentCheck(x, false));
        table.add("NP 0F 01 CB", "stac", x -> alignmentCheck(x, true));
        table.add("* 0F C7 /1 mem W0", "cmpxchg8b", GeneralInstructions::exchange8);
        table.add("* 0F C7 /1 mem REX.W", "cmpxchg16b", GeneralInstructions::exchange16);
        table.add("NP 0F C3 /r mem", "movnti", GeneralInstructions::moveNonTemporal);
        table.add("66 0F AE /6 mem", "clwb", GeneralInstructions::cacheLine);
        table.add("66 0F AE /7 mem", "clflushopt", GeneralInstructions::cacheLine);
        table.add(
                "NP 0F AE /2 mem",
                "ldmxcsr",
                Needs.SSE,
                TableEntry.Alignment.NONE,
                x -> x.extended().mxcsr((int) x.load(Integer.BYTES)));
        table.add(
                "NP 0F AE /3 mem",
                "stmxcsr",
                Needs.SSE,
                TableEntry.Alignment.NONE,
                x -> x.store(Integer.BYTES, x.extended().mxcsr()));
        table.add(
                "VEX.128.NP.0F AE /2 mem",
                "ldmxcsr",
                Needs.AVX,
                TableEntry.Alignment.NONE,
                x -> x.extended().mxcsr((int) x.load(Integer.BYTES)));
        table.add(
                "VEX.128.NP.0F AE /3 mem",
                "stmxcsr",
                Needs.AVX,
                TableEntry.Alignment.NONE,
                x -> x.store(Integer.BYTES, x.extended().mxcsr()));
        table.add("NP 0F C7 /6 reg", "rdrand", GeneralInstructions::random);
        table.add("66 0F C7 /6 reg", "rdrand", GeneralInstructions::random);
        table.add("NP 0F C7 /7 reg", "rdseed", GeneralInstructions::random);
        table.add("66 0F C7 /7 reg", "rdseed", GeneralInstructions::random);
    }

    private static void undefined(Execution x) {
        throw GuestFault.invalidOpcode();
    }

    /** SDM volume 2, WAIT/FWAIT. */
    private static void wait(Execution x) {
        if (x.cpu().cr0(ControlBits.CR0_MP) && x.cpu().cr0(ControlBits.CR0_TS)) {
            throw GuestFault.deviceNotAvailable();
        }
        if ((x.extended().statusWord() & STATUS_ERROR) != 0) {
            if (!x.cpu().cr0(ControlBits.CR0_NE)) {
                throw new Refusal("an x87 exception that is told by an interrupt (CR0.NE clear)");
            }
            throw GuestFault.floatingPoint();
        }
    }

    private static void alignmentCheck(Execution x, boolean value) {
        if (x.cpu().privilege() != 0) {
            throw GuestFault.invalidOpcode();
        }
        x.cpu().flag(Flags.AC, value);
    }

    private static void exchange8(Execution x) {
        Registers cpu = x.cpu();
        long expected = pair(cpu, Registers.RAX, Registers.RDX);
        long replacement = pair(cpu, Registers.RBX, Registers.RCX);
        long linear = x.address(Long.BYTES, true);
        long found;
        if ((linear & 7) == 0) {
            found = x.compareExchange(linear, expected, replacement);
        } else if (x.instruction().lock()) {
            throw new Refusal("an atomic access that is not aligned");
        } else {
            x.probeWrite(linear, Long.BYTES);
            found = x.load(Long.BYTES);
            // A write comes in any case; of what was there, if it was not what was expected.
            x.store(Long.BYTES, found == expected ? replacement : found);
        }
        cpu.flag(Flags.ZF, found == expected);
        if (found != expected) {
            cpu.general(Registers.RAX, Integer.BYTES, found);
            cpu.general(Registers.RDX, Integer.BYTES, found >>> Integer.SIZE);
        }
    }

    private static long pair(Registers cpu, int low, int high) {
        return (cpu.general(low) & 0xFFFF_FFFFL) | cpu.general(high) << Integer.SIZE;
    }

    private static void exchange16(Execution x) {
        Registers cpu = x.cpu();
        long linear = x.address(2 * Long.BYTES, true);
        if ((linear & 15) != 0) {
            throw GuestFault.generalProtection();
        }
        long[] expected = {cpu.general(Registers.RAX), cpu.general(Registers.RDX)};
        long[] replacement = {cpu.general(Registers.RBX), cpu.general(Registers.RCX)};
        boolean equal = x.compareExchange(linear, expected, replacement);
        cpu.flag(Flags.ZF, equal);
        if (!equal) {
            cpu.general(Registers.RAX, Long.BYTES, expected[0]);
            cpu.general(Registers.RDX, Long.BYTES, expected[1]);
        }
    }

    private static void moveNonTemporal(Execution x) {
        int size = x.instruction().operandSize() == Long.BYTES ? Long.BYTES : Integer.BYTES;
        x.store(size, x.cpu().general(x.instruction().reg()));
    }

    /** Memory here is always coherent; what is left of the instruction is its page fault. */
    private static void cacheLine(Execution x) {
        x.load(1);
    }

    private static void random(Execution x) {
        int size = x.instruction().operandSize();
        x.cpu().general(x.instruction().rm(), size, Entropy.SOURCE.nextLong());
        x.cpu().flag(Flags.ARITHMETIC, false);
        x.cpu().flag(Flags.CF, true);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.emulation.Emulator.Outcome;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Every instruction of the table does what the processor of this host does: the same bytes on the
 * same registers, flags and memory, in ring 3 natively and by the emulator; results, flags, memory
 * and exceptions are compared.
 *
 * <p>{@code -Djvmm.emulation.cases=1000000} for more cases, {@code -Djvmm.emulation.seed} for
 * others.
 */
@RequiresKvm
class NativeComparisonTest {

    private static final int MOST_SHOWN = 12;
    private static final long NOT_MAPPED = 0x2000_0000;

    /** Protection keys, among the components of the extended state. */
    private static final long PKRU = 1 << 9;

    /** Of the first three components. */
    private static final int AREA = 832;

    private static final long NOT_CANONICAL = 0x8000_0000_0000L;

    /** Flags that the manual leaves undefined. */
    private static final Map<String, Long> UNDEFINED =
            Map.of(
                    "lzcnt", Flags.OF | Flags.SF | Flags.PF | Flags.AF,
                    "tzcnt", Flags.OF | Flags.SF | Flags.PF | Flags.AF,
                    "andn", Flags.PF | Flags.AF);

    /**
     * These KVM's interpreter knows, and on a host with shadow paging completes them where the
     * processor has raised a general protection fault.
     */
    private static final Set<String> KNOWN_TO_KVM = Set.of("fxsave", "fxrstor", "cmpxchg8b");

    /** What these give is not the emulator's to know. */
    private static final Set<String> RANDOM = Set.of("rdrand", "rdseed");

    private final GuestMemory copy =
            new GuestMemory(
                    List.of(new MemoryRegion(0, Arena.ofAuto().allocate(NativeCpu.MEMORY, 4096))));
    private final List<String> differences = new ArrayList<>();
    private final Map<String, Integer> completed = new TreeMap<>();
    private long compared;
    private long faults;

    @Test
    void everyInstructionDoesWhatTheProcessorDoes() {
        long cases = Long.getLong("jvmm.emulation.cases", Repetitions.of(60_000, 600_000, 6_000));
        long seed = Long.getLong("jvmm.emulation.seed", 1);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        List<TableEntry> table = InstructionTable.INSTANCE.all();
        try (NativeCpu cpu = new NativeCpu()) {
            NativeCpu.prepare(copy);
            XsaveLayout layout = new XsaveLayout(cpu.kvm.supportedCpuid());
            int next = 0;
            while (compared < cases && differences.size() < MOST_SHOWN) {
                TableEntry[] entries = new TableEntry[NativeCpu.CASES];
                byte[][] code = new byte[NativeCpu.CASES][];
                for (int i = 0; i < NativeCpu.CASES; i++) {
                    entries[i] = table.get(next++ % table.size());
                    code[i] = prepare(cpu, i, entries[i], random);
                }
                cpu.run(NativeCpu.CASES);
                for (int i = 0; i < NativeCpu.CASES; i++) {
                    compare(cpu, layout, i, entries[i], code[i]);
                }
            }
        }
        System.Logger log = System.getLogger(getClass().getName());
        log.log(
                System.Logger.Level.INFO,
                "{0} cases, {1} exceptions, {2} mnemonics",
                compared,
                faults,
                completed.size());
        assertThat(differences).as("seed %d", seed).isEmpty();
        assertThat(completed.keySet()).hasSizeGreaterThan(150);
    }

    private byte[] prepare(NativeCpu cpu, int index, TableEntry entry, RandomGenerator random) {
        long at = NativeCpu.address(index);
        byte[] page = new byte[TestCase.SIZE];
        random.nextBytes(page);
        if (random.nextInt(4) == 0) {
            // Small numbers and repeated ones: comparisons, saturation, counts.
            for (int i = TestCase.DATA; i < page.length; i++) {
                page[i] = (byte) (random.nextInt(3) - 1);
            }
        }
        extended(page, entry, random);
        boolean stack = random.nextInt(8) == 0;
        RandomInstruction instruction = RandomInstruction.of(entry, random, stack);
        long operand = operand(at, KNOWN_TO_KVM.contains(entry.name()), random);
        LittleEndian.putLong(page, (stack ? Registers.RSP : RandomInstruction.BASE) * 8, operand);
        int offset = (int) (operand - at);
        boolean ours = offset >= 0 && offset < TestCase.SIZE;
        if (ours && entry.name().startsWith("xrstor")) {
            area(page, offset, random);
        }
        if (ours && entry.name().equals("fxrstor")) {
            x87(page, offset, entry, random);
            LittleEndian.putInt(page, offset + ExtendedRegisters.MXCSR, mxcsr(random));
        }
        if (entry.name().endsWith("ldmxcsr") && random.nextInt(4) != 0 && ours) {
            LittleEndian.putInt(page, offset, mxcsr(random));
        }
        if (entry.name().startsWith("cmpxchg") && random.nextBoolean() && ours) {
            boolean wide = entry.name().equals("cmpxchg16b");
            LittleEndian.putLong(page, 0, LittleEndian.get(page, offset, wide ? 8 : 4));
            LittleEndian.putLong(
                    page, 16, LittleEndian.get(page, offset + (wide ? 8 : 4), wide ? 8 : 4));
        }
        if (entry.name().startsWith("x")) {
            // An area of more components than the first three would not fit. No processor has one
            // beyond bit 19.
            LittleEndian.putLong(
                    page,
                    0,
                    random.nextInt(16) == 0 ? random.nextInt() & ~0xF_FFF8 : random.nextInt(8));
            LittleEndian.putLong(page, 8, random.nextInt(3));
        }
        long flags = (random.nextLong() & (Flags.ARITHMETIC | 1 << 10)) | 0x3002;
        LittleEndian.putLong(page, TestCase.FLAGS, flags);
        byte[] bytes = instruction.bytes;
        System.arraycopy(bytes, 0, page, TestCase.CODE, bytes.length);
        int jump = TestCase.CODE + bytes.length;
        page[jump] = (byte) 0xE9;
        LittleEndian.putInt(
                page, jump + 1, (int) (NativeCpu.PROGRAM + ProgramBytes.AFTER - at - jump - 5));
        cpu.memory.copyIn(at, page);
        copy.copyIn(at, page);
        return bytes;
    }

    /** Mostly memory of the case, aligned or not; seldom somewhere that raises an exception. */
    private static long operand(long at, boolean known, RandomGenerator random) {
        int slack = TestCase.DATA_SIZE - 1024;
        long offset =
                (long) TestCase.DATA
                        + (random.nextInt(slack) & (random.nextInt(6) == 0 ? -1 : -64));
        return switch (random.nextInt(80)) {
            case 0 -> NOT_MAPPED + (known ? offset & -64 : offset);
            case 1 -> known ? at + (offset & -64) : NOT_CANONICAL + (offset & -64);
            default -> at + (known ? offset & -64 : offset);
        };
    }

    private static int mxcsr(RandomGenerator random) {
        return random.nextInt() & 0xFFFF;
    }

    /** The extended state before the instruction. */
    private static void extended(byte[] page, TableEntry entry, RandomGenerator random) {
        int at = TestCase.EXTENDED;
        for (int i = XsaveLayout.LEGACY_SIZE; i < XsaveLayout.EXTENDED; i++) {
            page[at + i] = 0;
        }
        int valid = random.nextInt(4) == 0 ? random.nextInt(8) : 7;
        LittleEndian.putLong(page, at + ExtendedRegisters.XSTATE_BV, valid);
        LittleEndian.putInt(
                page,
                at + ExtendedRegisters.MXCSR,
                (valid & 6) == 0 ? ExtendedRegisters.MXCSR_INITIAL : mxcsr(random));
        x87(page, at, entry, random);
    }

    /** Exceptions pend, and are masked or not, as the status says. */
    private static void x87(byte[] page, int at, TableEntry entry, RandomGenerator random) {
        boolean pending = entry.name().equals("fwait") && random.nextBoolean();
        int control = pending ? 0x340 : 0x37F;
        int status = random.nextInt() & 0x7F7F & (pending ? -1 : ~0x3F);
        if (pending && (status & 0x3F) != 0) {
            status |= 0x8080;
        }
        LittleEndian.put(page, at, 2, control);
        LittleEndian.put(page, at + 2, 2, status);
        LittleEndian.put(page, at + 4, 2, random.nextInt(256));
        // AMD keeps the pointers only while an exception pends; Intel always. Zero suits both.
        java.util.Arrays.fill(page, at + 6, at + 24, (byte) 0);
        for (int register = 0; register < 8; register++) {
            LittleEndian.put(page, at + 32 + register * 16 + 10, 6, 0);
        }
    }

    /** An area for XRSTOR: good in most cases, in either form. */
    private static void area(byte[] page, int offset, RandomGenerator random) {
        x87(page, offset, InstructionTable.INSTANCE.all().getFirst(), random);
        LittleEndian.putInt(page, offset + ExtendedRegisters.MXCSR, mxcsr(random));
        java.util.Arrays.fill(
                page, offset + XsaveLayout.LEGACY_SIZE, offset + XsaveLayout.EXTENDED, (byte) 0);
        boolean compact = random.nextBoolean();
        long present = compact ? random.nextInt(8) : 0;
        long valid = random.nextInt(8) & (compact ? present : 7);
        if (random.nextInt(10) == 0) {
            valid = random.nextInt(16);
        }
        if (random.nextInt(16) == 0) {
            page[offset + XsaveLayout.LEGACY_SIZE + 8 + random.nextInt(56)] = 1;
        }
        LittleEndian.putLong(page, offset + ExtendedRegisters.XSTATE_BV, valid);
        if (compact) {
            LittleEndian.putLong(page, offset + ExtendedRegisters.XCOMP_BV, present | 1L << 63);
        }
    }

    private void compare(
            NativeCpu cpu, XsaveLayout layout, int index, TableEntry entry, byte[] code) {
        compared++;
        byte[] before = new byte[TestCase.SIZE];
        copy.copyOut(NativeCpu.address(index), before);
        FakeExtendedState state = new FakeExtendedState();
        state.xcr0 = cpu.xcr0;
        System.arraycopy(before, TestCase.EXTENDED, state.registers, 0, TestCase.EXTENDED_SIZE);
        byte[] expected = new byte[TestCase.SIZE];
        cpu.memory.copyOut(NativeCpu.address(index), expected);
        // One processor knows a bit of MXCSR more than another.
        int mask = TestCase.RESULT_EXTENDED + ExtendedRegisters.MXCSR_MASK;
        LittleEndian.putInt(
                state.registers,
                ExtendedRegisters.MXCSR_MASK,
                cpu.exception(index) == null ? LittleEndian.getInt(expected, mask) : 0xFFFF);
        Emulator emulator = new Emulator(copy, 48, state, layout, WideCompareExchange.SINGLE_VCPU);
        Regs regs = regs(before, NativeCpu.address(index));
        // As KVM may give all bytes, some, or none.
        byte[] given = java.util.Arrays.copyOf(code, index % (code.length + 1));
        Outcome outcome = emulator.step(regs, cpu.system(), given);
        String difference =
                switch (outcome) {
                    case Outcome.Refused refused -> refused.reason();
                    case Outcome.Missing missing -> missing.toString();
                    case Outcome.Faulted fault ->
                            compareFault(cpu.exception(index), fault, sizeOf(entry));
                    case Outcome.Completed done -> compareResult(cpu, index, state, done, expected);
                };
        if (!difference.isEmpty() && differences.size() < MOST_SHOWN) {
            differences.add(
                    "%s %s: %s"
                            .formatted(
                                    entry.name(),
                                    HexFormat.ofDelimiter(" ").formatHex(code),
                                    difference));
        }
    }

    private static Regs regs(byte[] page, long at) {
        long[] g = new long[16];
        for (int i = 0; i < g.length; i++) {
            g[i] = LittleEndian.getLong(page, i * 8);
        }
        return new Regs(
                g[0],
                g[3],
                g[1],
                g[2],
                g[6],
                g[7],
                g[4],
                g[5],
                g[8],
                g[9],
                g[10],
                g[11],
                g[12],
                g[13],
                g[14],
                g[15],
                at + TestCase.CODE,
                LittleEndian.getLong(page, TestCase.FLAGS));
    }

    private String compareFault(
            NativeCpu.@org.jspecify.annotations.Nullable Raised expected,
            Outcome.Faulted fault,
            int size) {
        faults++;
        NativeCpu.Raised found =
                new NativeCpu.Raised(fault.vector(), fault.errorCode(), fault.address(), 0);
        if (expected == null) {
            return "raised " + found + ", the processor nothing";
        }
        if (expected.vector() == GuestFault.INVALID_OPCODE
                && (fault.vector() == GuestFault.GENERAL_PROTECTION
                        || fault.vector() == GuestFault.STACK)) {
            // KVM with shadow paging tries its interpreter after such a fault of ring 3, finds that
            // it does not know the instruction, and reports that instead.
            return "";
        }
        boolean same =
                expected.vector() == found.vector()
                        && expected.errorCode() == found.errorCode()
                        && expected.address() - found.address() >= 0
                        && expected.address() - found.address() < size;
        return same ? "" : "raised " + found + ", the processor " + expected;
    }

    /** A processor may report any byte of an area that it saves or restores. */
    private static int sizeOf(TableEntry entry) {
        return switch (entry.name()) {
            case "fxsave", "fxrstor" -> XsaveLayout.LEGACY_SIZE;
            case "xsave", "xsaveopt", "xsavec", "xrstor" -> AREA;
            default -> 1;
        };
    }

    private String compareResult(
            NativeCpu cpu,
            int index,
            FakeExtendedState state,
            Outcome.Completed done,
            byte[] expected) {
        completed.merge(done.name(), 1, Integer::sum);
        NativeCpu.Raised exception = cpu.exception(index);
        if (exception != null || done.trap() >= 0) {
            boolean same =
                    exception != null
                            && exception.vector() == done.trap()
                            && exception.rip() == done.regs().rip();
            return same ? "" : "trap " + done + ", the processor " + exception;
        }
        if (RANDOM.contains(done.name())) {
            return "";
        }
        StringBuilder text = new StringBuilder();
        long flagMask = Flags.ARITHMETIC & ~UNDEFINED.getOrDefault(done.name(), 0L);
        difference(
                text,
                "flags",
                done.regs().rflags() & flagMask,
                LittleEndian.getLong(expected, TestCase.RESULT_FLAGS) & flagMask);
        Registers found = new Registers(done.regs(), cpu.system());
        // The processor tells of what the host has turned on, and of the host's protection keys.
        long known = done.name().equals("xgetbv") ? cpu.xcr0 & ~PKRU : -1;
        for (int i = 0; i < 16; i++) {
            long mask = i == 0 ? known : -1;
            difference(
                    text,
                    "r" + i,
                    found.general(i) & mask,
                    LittleEndian.getLong(expected, TestCase.RESULT + i * 8) & mask);
        }
        byte[] memory = new byte[TestCase.SIZE];
        copy.copyOut(NativeCpu.address(index), memory);
        for (int i = TestCase.DATA; i < TestCase.SIZE; i += 8) {
            difference(
                    text,
                    "memory+" + Integer.toHexString(i),
                    LittleEndian.getLong(memory, i),
                    LittleEndian.getLong(expected, i));
        }
        compareExtended(text, state, expected);
        return text.toString();
    }

    private static void compareExtended(
            StringBuilder text, FakeExtendedState state, byte[] expected) {
        ExtendedRegisters found = new ExtendedRegisters(state, LAYOUT);
        byte[] after = found.image();
        // The processor's XSAVE left initial components as they are in the area: it wrote them all.
        for (int i = 0; i < TestCase.EXTENDED_SIZE; i += 8) {
            boolean compared = (i < 416 && i != ExtendedRegisters.MXCSR) || i >= 576;
            if (compared) {
                difference(
                        text,
                        "extended+" + i,
                        LittleEndian.getLong(after, i),
                        LittleEndian.getLong(expected, TestCase.RESULT_EXTENDED + i));
            }
        }
        difference(
                text,
                "mxcsr",
                found.mxcsr(),
                LittleEndian.getInt(expected, TestCase.RESULT_EXTENDED + ExtendedRegisters.MXCSR));
    }

    private static final XsaveLayout LAYOUT = layout();

    private static XsaveLayout layout() {
        try (io.jvmm.ffi.kvm.Kvm kvm = io.jvmm.ffi.kvm.Kvm.open()) {
            return new XsaveLayout(kvm.supportedCpuid());
        }
    }

    private static void difference(StringBuilder text, String what, long found, long expected) {
        if (found != expected && text.length() < 400) {
            text.append("%s %x not %x; ".formatted(what, found, expected));
        }
    }
}

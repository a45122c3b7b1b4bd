// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.emulation.Emulator.Outcome;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Segment;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.util.HexFormat;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** What ring 3 cannot show: privileges, control registers, pages, and hostile state. */
class EmulatorTest {

    private static final long SIZE = 1 << 20;
    private static final long TABLES = 0x1000;
    private static final long CODE = 0x5_0000;
    private static final long DATA = 0x6_0000;

    private static final long PAGE = 4096;

    private final GuestMemory memory =
            new GuestMemory(List.of(new MemoryRegion(0, Arena.ofAuto().allocate(SIZE, 4096))));
    private final FakeExtendedState state = new FakeExtendedState();
    private final Emulator emulator =
            new Emulator(
                    memory, 40, state, new XsaveLayout(List.of()), WideCompareExchange.SINGLE_VCPU);

    private long cr0 = ControlBits.CR0_PE | ControlBits.CR0_PG | ControlBits.CR0_WP;
    private long cr4 = ControlBits.CR4_PAE | ControlBits.CR4_OSFXSR;
    private long rflags = 2;
    private int privilege;

    /** Maps the first MiB one to one, page by page. */
    EmulatorTest() {
        memory.writeU64(TABLES, TABLES + PAGE | 7);
        memory.writeU64(TABLES + PAGE, TABLES + 2 * PAGE | 7);
        memory.writeU64(TABLES + 2 * PAGE, TABLES + 3 * PAGE | 7);
        for (long page = 0; page < SIZE; page += PAGE) {
            memory.writeU64(entry(page), page | 3);
        }
        state.registers[24] = (byte) 0x80;
        state.registers[25] = 0x1F;
    }

    private static long entry(long linear) {
        return TABLES + 3 * PAGE + linear / PAGE * 8;
    }

    private Sregs system() {
        Segment data = Segment.data(16);
        Segment stack = new Segment(0, -1, 16, 3, 1, privilege, 1, 1, 0, 1, 0, 0);
        Sregs.DescriptorTable none = new Sregs.DescriptorTable(0, 0);
        return new Sregs(
                Segment.code64(8),
                data,
                data,
                data,
                data,
                stack,
                data,
                data,
                none,
                none,
                cr0,
                0,
                TABLES,
                cr4,
                0,
                ControlBits.EFER_LMA | ControlBits.EFER_NXE,
                0);
    }

    private Outcome step(String hex, long rsi) {
        byte[] code = HexFormat.ofDelimiter(" ").parseHex(hex);
        return emulator.step(Regs.atEntry(CODE, 0x9000, rsi).withRflags(rflags), system(), code);
    }

    private static int vector(Outcome outcome) {
        return outcome instanceof Outcome.Faulted fault ? fault.vector() : -1;
    }

    private static Outcome.Completed completed(Outcome outcome) {
        assertThat(outcome).isInstanceOf(Outcome.Completed.class);
        return (Outcome.Completed) outcome;
    }

    @Test
    void alignmentCheckIsSetAndClearedInRing0Only() {
        assertThat(completed(step("0f 01 cb", 0)).regs().rflags()).isEqualTo(Flags.AC | 2);
        rflags = Flags.AC | 2;
        assertThat(completed(step("0f 01 ca", 0)).regs().rflags()).isEqualTo(2);
        privilege = 3;
        assertThat(vector(step("0f 01 ca", 0))).isEqualTo(GuestFault.INVALID_OPCODE);
    }

    @Test
    void theResumeFlagIsClearedByAnyInstruction() {
        rflags = Flags.RF | 2;
        assertThat(completed(step("9b", 0)).regs().rflags()).isEqualTo(2);
    }

    @Test
    void aBreakpointIsATrap() {
        Outcome.Completed done = completed(step("cc", 0));
        assertThat(done.trap()).isEqualTo(GuestFault.BREAKPOINT);
        assertThat(done.regs().rip()).isEqualTo(CODE + 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"66 0f ef c0", "0f ae 16", "f3 0f 6f 06", "66 48 0f 6e c6"})
    void vectorsNeedTheirControlBits(String hex) {
        cr4 = ControlBits.CR4_PAE;
        assertThat(vector(step(hex, DATA))).isEqualTo(GuestFault.INVALID_OPCODE);
        cr4 |= ControlBits.CR4_OSFXSR;
        assertThat(vector(step(hex, DATA))).isEqualTo(-1);
        cr0 |= ControlBits.CR0_TS;
        assertThat(vector(step(hex, DATA))).isEqualTo(GuestFault.DEVICE_NOT_AVAILABLE);
        cr0 |= ControlBits.CR0_EM;
        assertThat(vector(step(hex, DATA))).isEqualTo(GuestFault.INVALID_OPCODE);
    }

    @Test
    void wideVectorsNeedXcr0() {
        assertThat(vector(step("c5 f9 ef c0", 0))).isEqualTo(GuestFault.INVALID_OPCODE);
        cr4 |= ControlBits.CR4_OSXSAVE;
        assertThat(vector(step("c5 f9 ef c0", 0))).isEqualTo(-1);
        state.xcr0 = 3;
        assertThat(vector(step("c5 f9 ef c0", 0))).isEqualTo(GuestFault.INVALID_OPCODE);
    }

    @Test
    void waitingNeedsNoDeviceOnlyIfMonitored() {
        cr0 |= ControlBits.CR0_TS;
        assertThat(vector(step("9b", 0))).isEqualTo(-1);
        cr0 |= ControlBits.CR0_MP;
        assertThat(vector(step("9b", 0))).isEqualTo(GuestFault.DEVICE_NOT_AVAILABLE);
    }

    @Test
    void anOperandMayStraddleTwoPagesThatAreApart() {
        long apart = DATA + 8 * PAGE;
        memory.writeU64(entry(DATA + PAGE), apart | 3);
        memory.writeU32(DATA + PAGE - 4, 0x1234_5678);
        memory.writeU32(apart, 0x9ABC_DEF0L);
        Outcome.Completed done = completed(step("f3 48 0f b8 06", DATA + PAGE - 4));
        assertThat(done.regs().rax())
                .isEqualTo(Integer.bitCount(0x1234_5678) + Integer.bitCount(0x9ABC_DEF0));
    }

    @Test
    void aWriteWhoseSecondPageFaultsWritesNothing() {
        memory.writeU64(entry(DATA + PAGE), 0);
        Outcome outcome = step("0f c3 06", DATA + PAGE - 2);
        assertThat(outcome)
                .isEqualTo(
                        new Outcome.Faulted(
                                GuestFault.PAGE, true, PageWalker.ERROR_WRITE, DATA + PAGE));
        assertThat(memory.readU16(DATA + PAGE - 2)).isZero();
    }

    @Test
    void bytesThatWereNotGivenAreFetchedAcrossPages() {
        memory.copyIn(CODE, new byte[] {(byte) 0xF3, 0x48, 0x0F, (byte) 0xB8, (byte) 0xC6});
        assertThat(completed(step("f3", 0xFF)).regs().rax()).isEqualTo(8);
        long last = CODE + PAGE - 2;
        memory.copyIn(last, new byte[] {(byte) 0xF3, 0x0F, (byte) 0xB8, (byte) 0xC6});
        Regs regs = Regs.atEntry(last, 0, 7);
        assertThat(completed(emulator.step(regs, system(), new byte[0])).regs().rax()).isEqualTo(3);
        memory.writeU64(entry(CODE + PAGE), 0);
        assertThat(emulator.step(regs, system(), new byte[0]))
                .isEqualTo(
                        new Outcome.Faulted(
                                GuestFault.PAGE, true, PageWalker.ERROR_FETCH, CODE + PAGE));
    }

    @Test
    void anOperandThatIsNotMemoryIsRefused() {
        memory.writeU64(entry(DATA), 0xFEE0_0000L | 3);
        assertThat(step("f3 0f b8 06", DATA))
                .isInstanceOfSatisfying(
                        Outcome.Refused.class,
                        refused -> assertThat(refused.reason()).contains("0xfee00000"));
    }

    @ParameterizedTest
    @CsvSource({
        "0, false", // x87 must be on
        "1, true",
        "3, true",
        "5, false", // AVX without SSE
        "7, true",
        "231, true",
        "199, false", // AVX-512 in part
        "135, false",
        "262151, false", // a tile's data without its shape
    })
    void extendedControlTakesWhatBelongsTogether(long value, boolean valid) {
        assertThat(StateInstructions.valid(value, 0x60FFL)).isEqualTo(valid);
    }

    @Test
    void hostileStateNeverMakesItFailOrHang() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
        List<TableEntry> table = InstructionTable.INSTANCE.all();
        cr4 |= ControlBits.CR4_OSXSAVE;
        byte[] page = new byte[(int) PAGE];
        for (int i = 0; i < 200_000; i++) {
            byte[] code =
                    RandomInstruction.of(table.get(random.nextInt(table.size())), random, false)
                            .bytes;
            if (i % 256 == 0) {
                random.nextBytes(page);
                memory.copyIn(DATA, page);
                random.nextBytes(state.registers);
                // Entries of every kind, none of which names a table of tables.
                memory.writeU64(entry(DATA + PAGE), random.nextLong());
                cr0 = (cr0 & ~0xEL) | (random.nextInt(8) == 0 ? random.nextInt(16) & 0xE : 0);
            }
            long address = random.nextBoolean() ? DATA + random.nextInt(8192) : random.nextLong();
            Regs regs = Regs.atEntry(CODE, random.nextLong(), address);
            assertThat(emulator.step(regs, system(), code)).isNotNull();
        }
    }
}

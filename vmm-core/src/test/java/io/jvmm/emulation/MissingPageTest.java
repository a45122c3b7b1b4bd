// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.emulation.Emulator.Outcome;
import io.jvmm.ffi.kvm.CpuidEntry;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Segment;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;
import io.jvmm.paging.PageGate;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.BitSet;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * Instructions whose pages come one by one. Each attempt names the page that it lacks, waits for
 * nothing and changes nothing; the last one does what the instruction does where all is there.
 */
class MissingPageTest {

    private static final int PAGE = 4096;
    private static final int SIZE = 1 << 20;
    private static final long TABLES = 0x1000;
    private static final long CODE = 0x5_0000;

    /** Operands of more than 16 bytes reach into the next page. */
    private static final long DATA = 0x6_0FF0;

    /** At {@code [rsi - 112]}. */
    private static final long XSAVE_AREA = DATA - 112;

    private static final int COMPONENTS = 7;
    private static final long ACCESSED_AND_DIRTY = 0x60;

    /** Memory of which nothing is there before it is brought. */
    private static final class Machine {

        final BitSet present = new BitSet();
        final GuestMemory memory =
                new GuestMemory(List.of(new MemoryRegion(0, Arena.ofAuto().allocate(SIZE, PAGE))));
        final FakeExtendedState state = new FakeExtendedState();
        final Emulator emulator =
                new Emulator(
                        memory,
                        40,
                        state,
                        new XsaveLayout(
                                List.of(
                                        new CpuidEntry(0xD, 0, 1, 7, 0, 0, 0),
                                        new CpuidEntry(0xD, 2, 1, 256, 576, 0, 0))),
                        WideCompareExchange.SINGLE_VCPU);

        /** Maps the first MiB one to one, page by page. */
        Machine(byte[] code) {
            memory.writeU64(TABLES, TABLES + PAGE | 7);
            memory.writeU64(TABLES + PAGE, TABLES + 2 * PAGE | 7);
            memory.writeU64(TABLES + 2 * PAGE, TABLES + 3 * PAGE | 7);
            for (long page = 0; page < SIZE; page += PAGE) {
                memory.writeU64(TABLES + 3 * PAGE + page / PAGE * 8, page | 3);
            }
            memory.copyIn(CODE, code);
            for (long at = DATA - 16; at < DATA + PAGE; at++) {
                memory.writeU8(at, (int) ((at * 31) >>> 2));
            }
            memory.writeU64(DATA + 24, 0x1F80);
            for (long at = XSAVE_AREA + 512; at < XSAVE_AREA + 576; at += 8) {
                memory.writeU64(at, at == XSAVE_AREA + 512 ? COMPONENTS : 0);
            }
            state.registers[24] = (byte) 0x80;
            state.registers[25] = 0x1F;
        }

        void gate() {
            memory.gate(
                    new PageGate() {
                        @Override
                        public boolean allPresent() {
                            return false;
                        }

                        @Override
                        public void populate(long gpa, long length, Duration deadline) {
                            if (!isPresent(gpa, length)) {
                                throw new AssertionError("waits for 0x%x".formatted(gpa));
                            }
                        }

                        @Override
                        public boolean isPresent(long gpa, long length) {
                            int first = (int) (gpa / PAGE);
                            int end = (int) ((gpa + length - 1) / PAGE) + 1;
                            return present.nextClearBit(first) >= end;
                        }
                    },
                    Duration.ZERO);
        }

        /** All that an instruction may not change before it is done. */
        byte[] content() {
            memory.gate(null, Duration.ZERO);
            byte[] content = new byte[SIZE];
            memory.copyOut(0, content);
            for (long at = TABLES; at < TABLES + 4 * PAGE; at += 8) {
                content[(int) at] &= (byte) ~ACCESSED_AND_DIRTY;
            }
            return content;
        }

        Outcome step() {
            Regs regs =
                    new Regs(
                            COMPONENTS,
                            0x1234,
                            0x5678,
                            0,
                            DATA,
                            0,
                            0x9000,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            CODE,
                            Regs.RFLAGS_RESERVED);
            return emulator.step(regs, system(), new byte[0]);
        }

        private static Sregs system() {
            Segment data = Segment.data(16);
            Segment stack = new Segment(0, -1, 16, 3, 1, 0, 1, 1, 0, 1, 0, 0);
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
                    ControlBits.CR0_PE | ControlBits.CR0_PG | ControlBits.CR0_WP,
                    0,
                    TABLES,
                    ControlBits.CR4_PAE | ControlBits.CR4_OSFXSR | ControlBits.CR4_OSXSAVE,
                    0,
                    ControlBits.EFER_LMA | ControlBits.EFER_NXE,
                    0);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "popcnt load, f3480fb806, 6",
        "popcnt load across pages, f3480fb8460c, 7",
        "cmpxchg16b, 480fc70e, 6",
        "movntdq store, 660fe706, 6",
        "movups store across pages, 0f114608, 7",
        "fxsave, 480fae06, 7",
        "fxrstor, 480fae0e, 7",
        "xsave across pages, 480fae6690, 7",
        "xrstor across pages, 480fae6e90, 7"
    })
    void anInstructionHasNoEffectBeforeAllItsPagesAreThere(
            String name, String code, int pagesAtLeast) {
        byte[] bytes = HexFormat.of().parseHex(code);
        Machine whole = new Machine(bytes);
        assertThat(whole.step()).as(name).isInstanceOf(Outcome.Completed.class);

        Machine lazy = new Machine(bytes);
        byte[] before = lazy.content();
        byte[] registers = lazy.state.registers.clone();
        Set<Long> asked = new HashSet<>();
        lazy.gate();
        Outcome outcome = lazy.step();
        while (outcome instanceof Outcome.Missing missing) {
            assertThat(lazy.content()).isEqualTo(before);
            assertThat(lazy.state.registers).isEqualTo(registers);
            lazy.gate();
            assertThat(asked.add(missing.gpa() / PAGE)).as("page at 0x%x", missing.gpa()).isTrue();
            lazy.present.set((int) (missing.gpa() / PAGE));
            outcome = lazy.step();
        }

        assertThat(outcome).isInstanceOf(Outcome.Completed.class);
        assertThat(asked).as("tables, code and operand").hasSizeGreaterThanOrEqualTo(pagesAtLeast);
        assertThat(lazy.content()).isEqualTo(whole.content());
        assertThat(lazy.state.registers).isEqualTo(whole.state.registers);
        assertThat(((Outcome.Completed) outcome).regs())
                .isEqualTo(((Outcome.Completed) whole.step()).regs());
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Every paging mode, page size, permission and error code (SDM volume 3, chapter 4). */
class PageWalkerTest {

    private static final long SIZE = 1 << 20;
    private static final long ROOT = 0x1000;
    private static final long P = 1;
    private static final long W = 2;
    private static final long U = 4;
    private static final long LARGE = 0x80;
    private static final long NX = 1L << 63;
    private static final long ALL = P | W | U;
    private static final int NO_KEYS = 0;

    private final GuestMemory memory =
            new GuestMemory(List.of(new MemoryRegion(0, Arena.ofAuto().allocate(SIZE, 4096))));
    private final PageWalker walker = new PageWalker(memory, 40);

    private long cr0 = ControlBits.CR0_PE | ControlBits.CR0_PG | ControlBits.CR0_WP;
    private long cr4 = ControlBits.CR4_PAE;
    private long efer = ControlBits.EFER_LMA | ControlBits.EFER_NXE;
    private long rflags = 2;
    private int pkru = NO_KEYS;

    private Registers cpu() {
        Segment code = Segment.code64(8);
        Segment data = Segment.data(16);
        Sregs.DescriptorTable none = new Sregs.DescriptorTable(0, 0);
        return new Registers(
                Regs.atEntry(0, 0, 0).withRflags(rflags),
                new Sregs(
                        code, data, data, data, data, data, data, data, none, none, cr0, 0, ROOT,
                        cr4, 0, efer, 0));
    }

    private long translate(long linear, int access) {
        return walker.translate(cpu(), linear, access, () -> pkru);
    }

    private int errorCode(long linear, int access) {
        try {
            translate(linear, access);
        } catch (GuestFault fault) {
            assertThat(fault.vector()).isEqualTo(GuestFault.PAGE);
            assertThat(fault.address()).isEqualTo(linear);
            return fault.errorCode();
        }
        throw new AssertionError("no fault");
    }

    /** Tables for linear address 0x12_3456_7xxx, down to a page of 4 KiB at 0x8000. */
    private static final long LINEAR = 0x12_3456_7ABCL;

    private long entry(int level) {
        return ROOT * (5 - level) + (LINEAR >>> (3 + 9 * level) & 0x1FF) * 8;
    }

    private void fourLevels(long leaf) {
        for (int level = 4; level > 1; level--) {
            memory.writeU64(entry(level), ROOT * (6 - level) | ALL);
        }
        memory.writeU64(entry(1), leaf);
    }

    @Test
    void withoutPagingAddressesAreTheirOwn() {
        cr0 = ControlBits.CR0_PE;
        assertThat(translate(0x1_2345_6789L, PageWalker.WRITE)).isEqualTo(0x2345_6789L);
    }

    @Test
    void fourLevelsLeadToAPage() {
        fourLevels(0x8000 | ALL);
        assertThat(translate(LINEAR, PageWalker.READ)).isEqualTo(0x8ABC);
    }

    @Test
    void aReadMarksTheWayAccessed() {
        fourLevels(0x8000 | ALL);
        translate(LINEAR, PageWalker.READ);
        for (int level = 4; level >= 1; level--) {
            assertThat(memory.readU64(entry(level)) & 0x60).as("level %d", level).isEqualTo(0x20);
        }
    }

    @Test
    void aWriteMarksThePageDirtyAndNothingElse() {
        fourLevels(0x8000 | ALL);
        translate(LINEAR, PageWalker.WRITE);
        assertThat(memory.readU64(entry(1)) & 0x60).isEqualTo(0x60);
        assertThat(memory.readU64(entry(2)) & 0x60).isEqualTo(0x20);
    }

    @Test
    void aFaultMarksNothing() {
        fourLevels(0x8000 | P);
        errorCode(LINEAR, PageWalker.WRITE);
        for (int level = 4; level >= 1; level--) {
            assertThat(memory.readU64(entry(level)) & 0x60).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void anAbsentEntryFaultsAtEveryLevel(int level) {
        fourLevels(0x8000 | ALL);
        memory.writeU64(entry(level), memory.readU64(entry(level)) & ~P);
        assertThat(errorCode(LINEAR, PageWalker.READ)).isZero();
        assertThat(errorCode(LINEAR, PageWalker.WRITE)).isEqualTo(PageWalker.ERROR_WRITE);
        assertThat(errorCode(LINEAR, PageWalker.USER)).isEqualTo(PageWalker.ERROR_USER);
        assertThat(errorCode(LINEAR, PageWalker.FETCH)).isEqualTo(PageWalker.ERROR_FETCH);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void aReservedBitFaultsAtEveryLevel(int level) {
        fourLevels(0x8000 | ALL);
        memory.writeU64(entry(level), memory.readU64(entry(level)) | 1L << 41);
        assertThat(errorCode(LINEAR, PageWalker.READ))
                .isEqualTo(PageWalker.ERROR_PRESENT | PageWalker.ERROR_RESERVED);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void writeProtectionCountsAtEveryLevel(int level) {
        fourLevels(0x8000 | ALL);
        memory.writeU64(entry(level), memory.readU64(entry(level)) & ~W);
        assertThat(errorCode(LINEAR, PageWalker.WRITE))
                .isEqualTo(PageWalker.ERROR_PRESENT | PageWalker.ERROR_WRITE);
        cr0 &= ~ControlBits.CR0_WP;
        assertThat(translate(LINEAR, PageWalker.WRITE)).isEqualTo(0x8ABC);
        assertThat(errorCode(LINEAR, PageWalker.WRITE | PageWalker.USER))
                .isEqualTo(
                        PageWalker.ERROR_PRESENT | PageWalker.ERROR_WRITE | PageWalker.ERROR_USER);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void theSupervisorBitCountsAtEveryLevel(int level) {
        fourLevels(0x8000 | ALL);
        memory.writeU64(entry(level), memory.readU64(entry(level)) & ~U);
        assertThat(translate(LINEAR, PageWalker.READ)).isEqualTo(0x8ABC);
        assertThat(errorCode(LINEAR, PageWalker.USER))
                .isEqualTo(PageWalker.ERROR_PRESENT | PageWalker.ERROR_USER);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void noExecuteCountsAtEveryLevel(int level) {
        fourLevels(0x8000 | ALL);
        memory.writeU64(entry(level), memory.readU64(entry(level)) | NX);
        assertThat(translate(LINEAR, PageWalker.WRITE)).isEqualTo(0x8ABC);
        assertThat(errorCode(LINEAR, PageWalker.FETCH))
                .isEqualTo(PageWalker.ERROR_PRESENT | PageWalker.ERROR_FETCH);
    }

    @Test
    void noExecuteIsReservedUntilItIsTurnedOn() {
        efer = ControlBits.EFER_LMA;
        fourLevels(0x8000 | ALL | NX);
        assertThat(errorCode(LINEAR, PageWalker.READ))
                .isEqualTo(PageWalker.ERROR_PRESENT | PageWalker.ERROR_RESERVED);
    }

    @Test
    void theSupervisorKeepsOutOfUserPages() {
        fourLevels(0x8000 | ALL);
        cr4 |= ControlBits.CR4_SMAP | ControlBits.CR4_SMEP;
        assertThat(errorCode(LINEAR, PageWalker.READ)).isEqualTo(PageWalker.ERROR_PRESENT);
        assertThat(errorCode(LINEAR, PageWalker.FETCH))
                .isEqualTo(PageWalker.ERROR_PRESENT | PageWalker.ERROR_FETCH);
        rflags |= Flags.AC;
        assertThat(translate(LINEAR, PageWalker.WRITE)).isEqualTo(0x8ABC);
    }

    @ParameterizedTest
    @CsvSource({
        "0, false, false", // no restriction
        "1, true, true", // access disabled
        "2, false, true", // writing disabled
    })
    void protectionKeysRestrictUserPages(int rights, boolean readFaults, boolean writeFaults) {
        fourLevels(0x8000 | ALL | 5L << 59);
        cr4 |= ControlBits.CR4_PKE;
        pkru = rights << 10;
        if (readFaults) {
            assertThat(errorCode(LINEAR, PageWalker.USER) & PageWalker.ERROR_KEY).isNotZero();
        } else {
            assertThat(translate(LINEAR, PageWalker.USER)).isEqualTo(0x8ABC);
        }
        int write = PageWalker.USER | PageWalker.WRITE;
        if (writeFaults) {
            assertThat(errorCode(LINEAR, write) & PageWalker.ERROR_KEY).isNotZero();
        } else {
            assertThat(translate(LINEAR, write)).isEqualTo(0x8ABC);
        }
    }

    @ParameterizedTest
    @CsvSource({"2, 21", "3, 30"})
    void largePagesEndTheWalkEarly(int level, int bits) {
        fourLevels(0);
        long base = 1L << 35;
        memory.writeU64(entry(level), base | ALL | LARGE | 1 << 12);
        long offset = LINEAR & (1L << bits) - 1;
        assertThat(translate(LINEAR, PageWalker.WRITE)).isEqualTo(base | offset);
        assertThat(memory.readU64(entry(level)) & 0x60).isEqualTo(0x60);
        memory.writeU64(entry(level), base | ALL | LARGE | 1 << 13);
        assertThat(errorCode(LINEAR, PageWalker.READ))
                .isEqualTo(PageWalker.ERROR_PRESENT | PageWalker.ERROR_RESERVED);
    }

    @Test
    void aLargePageOfTheHighestLevelIsReserved() {
        fourLevels(0x8000 | ALL);
        memory.writeU64(entry(4), memory.readU64(entry(4)) | LARGE);
        assertThat(errorCode(LINEAR, PageWalker.READ))
                .isEqualTo(PageWalker.ERROR_PRESENT | PageWalker.ERROR_RESERVED);
    }

    @Test
    void fiveLevelsLeadToAPage() {
        cr4 |= ControlBits.CR4_LA57;
        long linear = 0x55L << 48;
        memory.writeU64(ROOT + 0x55 * 8, 0x2000 | ALL);
        for (long table = 0x2000; table < 0x5000; table += 0x1000) {
            memory.writeU64(table, table + 0x1000 | ALL);
        }
        memory.writeU64(0x5000, 0x9000 | ALL);
        assertThat(translate(linear | 0x123, PageWalker.READ)).isEqualTo(0x9123);
    }

    @Test
    void physicalAddressExtensionHasThreeLevels() {
        efer = ControlBits.EFER_NXE;
        memory.writeU64(ROOT + 3 * 8, 0x2000 | P);
        memory.writeU64(0x2000, 0x3000 | ALL);
        memory.writeU64(0x3000 + 8, 0xA000 | ALL);
        memory.writeU64(0x2008, 0x20_0000L | ALL | LARGE);
        assertThat(translate(0xC000_1044L, PageWalker.WRITE)).isEqualTo(0xA044);
        assertThat(translate(0xC020_1044L, PageWalker.WRITE)).isEqualTo(0x20_1044);
        // The topmost level has no accessed bit.
        assertThat(memory.readU64(ROOT + 3 * 8)).isEqualTo(0x2000 | P);
        assertThat(errorCode(0x4000_0000L, PageWalker.READ)).isZero();
    }

    @Test
    void thirtyTwoBitPagingHasTwoLevels() {
        efer = 0;
        cr4 = ControlBits.CR4_PSE;
        memory.writeU32(ROOT + 4 * 4, 0x2000 | ALL);
        memory.writeU32(0x2000 + 3 * 4, 0xB000 | ALL);
        memory.writeU32(ROOT + 5 * 4, 0x0040_0000 | 0x7 << 13 | ALL | LARGE);
        assertThat(translate(0x0100_3010L, PageWalker.WRITE)).isEqualTo(0xB010);
        assertThat(memory.readU32(0x2000 + 3 * 4) & 0x60).isEqualTo(0x60);
        assertThat(translate(0x0140_3010L, PageWalker.READ)).isEqualTo(0x7_0040_3010L);
        assertThat(errorCode(0, PageWalker.WRITE)).isEqualTo(PageWalker.ERROR_WRITE);
    }

    @Test
    void aTableOutsideMemoryIsRefused() {
        memory.writeU64(entry(4), 0xFF_0000_0000L | ALL);
        assertThatThrownBy(() -> translate(LINEAR, PageWalker.READ))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("page table");
    }

    @Test
    void randomTablesNeverMakeItFailOrHang() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(7);
        byte[] content = new byte[(int) SIZE];
        for (int round = 0; round < 200; round++) {
            random.nextBytes(content);
            for (int i = 0; i < content.length; i += 8) {
                // Mostly tables that lie in memory, since a walk should get somewhere.
                long entry = LittleEndian.getLong(content, i);
                long kept = round % 2 == 0 ? (entry & ((SIZE - 1) | NX)) | P : entry;
                LittleEndian.putLong(content, i, kept);
            }
            memory.copyIn(0, content);
            cr4 = random.nextLong() & (ControlBits.CR4_PAE | ControlBits.CR4_LA57 | 0x30_0010);
            efer = random.nextBoolean() ? ControlBits.EFER_LMA : ControlBits.EFER_NXE;
            if (efer == ControlBits.EFER_LMA) {
                cr4 |= ControlBits.CR4_PAE;
            }
            for (int i = 0; i < 500; i++) {
                try {
                    translate(random.nextLong(), random.nextInt(8));
                } catch (GuestFault | Refusal expected) {
                    assertThat(expected).isNotNull();
                }
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.emulation.TableEntry.Action;

/** The instructions that turn extended state on, save it, and restore it. */
final class StateInstructions {

    private static final int FXSAVE_ALIGNMENT = 16;
    private static final long EFER_FFXSR = 1L << 14;

    /** What must be on together (SDM volume 1, 13.3). */
    private static final long AVX_512 =
            1 << XsaveLayout.OPMASK | 1 << XsaveLayout.ZMM_HIGH | 1 << XsaveLayout.ZMM_MORE;

    private static final long TILES = 1 << XsaveLayout.TILE_CONFIG | 1 << XsaveLayout.TILE_DATA;
    private static final long BOUNDS = 0x18;

    private StateInstructions() {}

    static void addTo(InstructionTable table) {
        table.add("NP 0F AE /0 mem", "fxsave", StateInstructions::legacySave);
        table.add("NP 0F AE /1 mem", "fxrstor", StateInstructions::legacyRestore);
        state(table, "NP 0F AE /4 mem", "xsave", x -> new XsaveWriter(x).save());
        state(table, "NP 0F AE /6 mem", "xsaveopt", x -> new XsaveWriter(x).saveOptimised());
        state(table, "NP 0F C7 /4 mem", "xsavec", x -> new XsaveWriter(x).saveCompacted());
        state(
                table,
                "NP 0F C7 /5 mem",
                "xsaves",
                x -> {
                    x.requireSupervisor();
                    new XsaveWriter(x).saveCompacted(supervisorComponents(x));
                });
        state(table, "NP 0F AE /5 mem", "xrstor", x -> new XsaveReader(x).restore());
        state(
                table,
                "NP 0F C7 /3 mem",
                "xrstors",
                x -> {
                    x.requireSupervisor();
                    new XsaveReader(x).restoreCompacted(supervisorComponents(x));
                });
        table.add("NP 0F 01 D0", "xgetbv", StateInstructions::getControl);
        table.add("NP 0F 01 D1", "xsetbv", StateInstructions::setControl);
    }

    private static void state(InstructionTable table, String notation, String name, Action action) {
        table.add(
                notation,
                name,
                x -> {
                    requireXsave(x);
                    if (x.cpu().cr0(ControlBits.CR0_TS)) {
                        throw GuestFault.deviceNotAvailable();
                    }
                    action.perform(x);
                });
    }

    private static void requireXsave(Execution x) {
        if (!x.cpu().cr4(ControlBits.CR4_OSXSAVE) || !x.extended().layout().present()) {
            throw GuestFault.invalidOpcode();
        }
    }

    /** XCR0 and IA32_XSS; of the latter no component can be reached from here. */
    private static long supervisorComponents(Execution x) {
        if (x.extended().state().xss() != 0) {
            throw new Refusal("supervisor components of the extended state");
        }
        return x.extended().state().xcr0();
    }

    private static void getControl(Execution x) {
        requireXsave(x);
        long value = x.extended().state().xcr0();
        switch ((int) x.cpu().general(Registers.RCX)) {
            case 0 -> {}
            case 1 -> value &= x.extended().inUseWithMxcsr();
            default -> throw GuestFault.generalProtection();
        }
        x.cpu().general(Registers.RAX, Integer.BYTES, value);
        x.cpu().general(Registers.RDX, Integer.BYTES, value >>> Integer.SIZE);
    }

    private static void setControl(Execution x) {
        requireXsave(x);
        x.requireSupervisor();
        long value = mask(x.cpu());
        if ((int) x.cpu().general(Registers.RCX) != 0
                || !valid(value, x.extended().layout().userComponents())) {
            throw GuestFault.generalProtection();
        }
        x.extended().state().xcr0(value);
    }

    /** EDX:EAX. */
    static long mask(Registers cpu) {
        return (cpu.general(Registers.RAX) & 0xFFFF_FFFFL)
                | cpu.general(Registers.RDX) << Integer.SIZE;
    }

    /** Whether XCR0 may have this value (SDM volume 1, 13.3). */
    static boolean valid(long value, long supported) {
        boolean avx = (value & 1 << XsaveLayout.AVX) != 0;
        long avx512 = value & AVX_512;
        long tiles = value & TILES;
        long bounds = value & BOUNDS;
        return (value & 1) != 0
                && (value & ~supported) == 0
                && (!avx || (value & 1 << XsaveLayout.SSE) != 0)
                && (avx512 == 0 || (avx512 == AVX_512 && avx))
                && (tiles == 0 || tiles == TILES)
                && (bounds == 0 || bounds == BOUNDS);
    }

    private static boolean withVectors(Registers cpu) {
        boolean fast = cpu.efer(EFER_FFXSR) && cpu.longMode() && cpu.privilege() == 0;
        return cpu.cr4(ControlBits.CR4_OSFXSR) && !fast;
    }

    private static long legacyAddress(Execution x, boolean write) {
        if (x.cpu().cr0(ControlBits.CR0_EM) || x.cpu().cr0(ControlBits.CR0_TS)) {
            throw GuestFault.deviceNotAvailable();
        }
        long linear = x.address(XsaveLayout.LEGACY_SIZE, write);
        if (linear % FXSAVE_ALIGNMENT != 0) {
            throw GuestFault.generalProtection();
        }
        return linear;
    }

    private static void legacySave(Execution x) {
        long linear = legacyAddress(x, true);
        LegacyRegion region = LegacyRegion.of(x);
        int end = withVectors(x.cpu()) ? region.vectorsEnd() : ExtendedRegisters.XMM;
        byte[] area = region.saved();
        x.storeBytes(linear, java.util.Arrays.copyOf(area, end));
    }

    private static void legacyRestore(Execution x) {
        long linear = legacyAddress(x, false);
        LegacyRegion region = LegacyRegion.of(x);
        byte[] area = x.loadBytes(linear, XsaveLayout.LEGACY_SIZE);
        int mxcsr = LittleEndian.getInt(area, ExtendedRegisters.MXCSR);
        if (x.cpu().cr4(ControlBits.CR4_OSFXSR)) {
            x.extended().requireValidMxcsr(mxcsr);
        }
        region.restoreX87(area);
        if (x.cpu().cr4(ControlBits.CR4_OSFXSR)) {
            x.extended().mxcsr(mxcsr);
        }
        if (withVectors(x.cpu())) {
            region.restoreVectors(area);
        }
    }
}

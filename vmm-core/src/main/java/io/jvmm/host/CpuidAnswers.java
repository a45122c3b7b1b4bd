// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import io.jvmm.ffi.kvm.CpuidEntry;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.host.CpuFeature.Register;
import io.jvmm.host.ProbeVm.Ending;
import io.jvmm.host.ProbeVm.Ring;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** What a guest reads by CPUID in the leaves that decide what a kernel uses. */
record CpuidAnswers(CpuidEntry leaf1, CpuidEntry leaf7, CpuidEntry extended1) {

    private static final int LEAF_1 = 1;
    private static final int LEAF_7 = 7;
    private static final int LEAF_EXTENDED_1 = 0x8000_0001;

    /** OSXSAVE mirrors CR4, MONITOR a bit of MISC_ENABLE. */
    private static final int LEAF_1_ECX_MIRRORS = 1 << 27 | 1 << 3;

    /** OSPKE mirrors CR4. */
    private static final int LEAF_7_ECX_MIRRORS = 1 << 4;

    /** What a monitor has set. */
    static CpuidAnswers of(List<CpuidEntry> set) {
        return new CpuidAnswers(find(set, LEAF_1), find(set, LEAF_7), find(set, LEAF_EXTENDED_1));
    }

    /** What a guest of this machine reads in a ring. */
    static CpuidAnswers readBy(ProbeVm vm, Ring ring) {
        return new CpuidAnswers(
                read(vm, ring, LEAF_1), read(vm, ring, LEAF_7), read(vm, ring, LEAF_EXTENDED_1));
    }

    private static CpuidEntry find(List<CpuidEntry> leaves, int function) {
        return leaves.stream()
                .filter(leaf -> leaf.function() == function && leaf.index() == 0)
                .findFirst()
                .orElse(new CpuidEntry(function, 0, 0, 0, 0, 0, 0));
    }

    private static CpuidEntry read(ProbeVm vm, Ring ring, int function) {
        // mov eax, function; xor ecx, ecx; cpuid
        byte[] program = {(byte) 0xB8, 0, 0, 0, 0, 0x31, (byte) 0xC9, 0x0F, (byte) 0xA2};
        ByteBuffer.wrap(program).order(ByteOrder.LITTLE_ENDIAN).putInt(1, function);
        if (vm.run(program, ring) != Ending.DONE) {
            return new CpuidEntry(function, 0, 0, 0, 0, 0, 0);
        }
        Regs regs = vm.registers();
        return new CpuidEntry(
                function,
                0,
                0,
                (int) regs.rax(),
                (int) regs.rbx(),
                (int) regs.rcx(),
                (int) regs.rdx());
    }

    int register(Register register) {
        return switch (register) {
            case NONE -> 0;
            case LEAF_1_ECX -> leaf1.ecx();
            case LEAF_7_EBX -> leaf7.ebx();
            case LEAF_7_ECX -> leaf7.ecx();
            case LEAF_7_EDX -> leaf7.edx();
            case LEAF_EXTENDED_1_ECX -> extended1.ecx();
            case LEAF_EXTENDED_1_EDX -> extended1.edx();
        };
    }

    /** Whether these show no feature that those do not, and none less. */
    boolean hasFeaturesOf(CpuidAnswers those) {
        return differences(leaf1.ecx(), those.leaf1.ecx(), LEAF_1_ECX_MIRRORS) == 0
                && leaf7.ebx() == those.leaf7.ebx()
                && differences(leaf7.ecx(), those.leaf7.ecx(), LEAF_7_ECX_MIRRORS) == 0;
    }

    private static int differences(int a, int b, int besides) {
        return (a ^ b) & ~besides;
    }
}

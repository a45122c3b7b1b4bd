// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;

import org.junit.jupiter.api.Test;

/** Kernel code with instructions that this host's interpreter may lack. */
@RequiresKvm
class CompletionTest {

    @Test
    void aBreakpointIsDeliveredWithTheAddressBehindIt() {
        try (Ring0Vm vm = new Ring0Vm(0xCC)) { // int3
            assertThat(vm.run()).isEqualTo(GuestFault.BREAKPOINT);
            long frame = vm.vcpu.regs().rsp();
            assertThat(vm.memory.readU64(frame)).isEqualTo(Ring0Vm.PROGRAM + 1);
            assertThat(vm.memory.readU64(frame + 24)).isEqualTo(Ring0Vm.STACK);
        }
    }

    @Test
    void anUndefinedInstructionIsDeliveredAtItsAddress() {
        try (Ring0Vm vm = new Ring0Vm(0x90, 0x0F, 0x0B)) { // nop; ud2
            assertThat(vm.run()).isEqualTo(GuestFault.INVALID_OPCODE);
            assertThat(vm.memory.readU64(vm.vcpu.regs().rsp())).isEqualTo(Ring0Vm.PROGRAM + 1);
        }
    }

    @Test
    void aPageFaultHasItsAddressAndErrorCode() {
        try (Ring0Vm vm =
                new Ring0Vm(
                        0x48, 0xB8, 0x10, 0, 0, 0x50, 0, 0, 0, 0, // mov rax, 0x50000010
                        0xF3, 0x48, 0x0F, 0xB8, 0x18)) { // popcnt rbx, [rax]
            assertThat(vm.run()).isEqualTo(GuestFault.PAGE);
            long frame = vm.vcpu.regs().rsp();
            assertThat(vm.memory.readU64(frame)).isZero();
            assertThat(vm.memory.readU64(frame + 8)).isEqualTo(Ring0Vm.PROGRAM + 10);
            assertThat(vm.vcpu.sregs().cr2()).isEqualTo(0x5000_0010L);
        }
    }

    @Test
    void aMisalignedVectorRaisesAGeneralProtectionFault() {
        try (Ring0Vm vm =
                new Ring0Vm(
                        0xB8, 0x01, 0x00, 0x20, 0x00, // mov eax, 0x200001
                        0x66, 0x0F, 0xEF, 0x00)) { // pxor xmm0, [rax]
            assertThat(vm.run()).isEqualTo(GuestFault.GENERAL_PROTECTION);
            long frame = vm.vcpu.regs().rsp();
            assertThat(vm.memory.readU64(frame)).isZero();
            assertThat(vm.memory.readU64(frame + 8)).isEqualTo(Ring0Vm.PROGRAM + 5);
        }
    }

    @Test
    void bitsAreCountedAndTheProgramGoesOn() {
        try (Ring0Vm vm =
                new Ring0Vm(
                        0xB8, 0xFF, 0x0F, 0x00, 0x00, // mov eax, 0xfff
                        0xF3, 0x0F, 0xB8, 0xD8)) { // popcnt ebx, eax
            assertThat(vm.run()).isEqualTo(Ring0Vm.DONE);
            assertThat(vm.vcpu.regs().rbx()).isEqualTo(12);
        }
    }

    @Test
    void vectorsSurviveTheWayThroughTheExtendedState() {
        try (Ring0Vm vm =
                new Ring0Vm(
                        0xB8, 0x00, 0x00, 0x20, 0x00, // mov eax, 0x200000
                        0xF3, 0x0F, 0x6F, 0x00, // movdqu xmm0, [rax]
                        0x66, 0x0F, 0xFE, 0xC0, // paddd xmm0, xmm0
                        0x66, 0x0F, 0x7F, 0x40, 0x10, // movdqa [rax+16], xmm0
                        0x66, 0x0F, 0x7E, 0xC3)) { // movd ebx, xmm0
            vm.memory.writeU64(Ring0Vm.DATA, 0x1111_2222_0000_0007L);
            vm.memory.writeU64(Ring0Vm.DATA + 8, 0x0102_0304_0506_0708L);
            assertThat(vm.run()).isEqualTo(Ring0Vm.DONE);
            assertThat(vm.vcpu.regs().rbx()).isEqualTo(14);
            assertThat(vm.memory.readU64(Ring0Vm.DATA + 16)).isEqualTo(0x2222_4444_0000_000EL);
            assertThat(vm.memory.readU64(Ring0Vm.DATA + 24)).isEqualTo(0x0204_0608_0A0C_0E10L);
        }
    }

    @Test
    void sixteenBytesAreExchanged() {
        try (Ring0Vm vm =
                new Ring0Vm(
                        0xBE, 0x00, 0x00, 0x20, 0x00, // mov esi, 0x200000
                        0x31, 0xC0, 0x31, 0xD2, // xor eax, eax; xor edx, edx
                        0xBB, 0x05, 0, 0, 0, // mov ebx, 5
                        0xB9, 0x06, 0, 0, 0, // mov ecx, 6
                        0xF0, 0x48, 0x0F, 0xC7, 0x0E)) { // lock cmpxchg16b [rsi]
            assertThat(vm.run()).isEqualTo(Ring0Vm.DONE);
            assertThat(vm.memory.readU64(Ring0Vm.DATA)).isEqualTo(5);
            assertThat(vm.memory.readU64(Ring0Vm.DATA + 8)).isEqualTo(6);
            assertThat(vm.vcpu.regs().rflags() & Flags.ZF).isNotZero();
        }
    }

    @Test
    void aSingleStepIsTakenAfterTheInstruction() {
        try (Ring0Vm vm =
                new Ring0Vm(
                        0x68, 0x02, 0x01, 0, 0, // push 0x102: the trap flag
                        0x9D, // popf
                        0xF3, 0x0F, 0xB8, 0xD8, // popcnt ebx, eax
                        0x90)) { // nop
            assertThat(vm.run()).isEqualTo(GuestFault.DEBUG);
            assertThat(vm.memory.readU64(vm.vcpu.regs().rsp())).isEqualTo(Ring0Vm.PROGRAM + 10);
            assertThat(vm.vcpu.debugRegisters().dr6() & 1 << 14).isNotZero();
        }
    }

    @Test
    void theExtendedStateIsSavedAndRestored() {
        try (Ring0Vm vm =
                new Ring0Vm(
                        0xBE, 0x00, 0x00, 0x20, 0x00, // mov esi, 0x200000
                        0xB8, 0x07, 0, 0, 0, // mov eax, 7
                        0x31, 0xD2, // xor edx, edx
                        0x66, 0x48, 0x0F, 0x6E, 0xCE, // movq xmm1, rsi
                        0x48, 0x0F, 0xC7, 0x26, // xsavec64 [rsi]
                        0x66, 0x0F, 0xEF, 0xC9, // pxor xmm1, xmm1
                        0x48, 0x0F, 0xAE, 0x2E, // xrstor64 [rsi]
                        0x66, 0x48, 0x0F, 0x7E, 0xCB)) { // movq rbx, xmm1
            assertThat(vm.run()).isEqualTo(Ring0Vm.DONE);
            assertThat(vm.vcpu.regs().rbx()).isEqualTo(Ring0Vm.DATA);
            long header = Ring0Vm.DATA + ExtendedRegisters.XCOMP_BV;
            assertThat(vm.memory.readU64(header)).isEqualTo(1L << 63 | 7);
        }
    }

    @Test
    void anInstructionThatNobodyKnowsIsNamed() {
        try (Ring0Vm vm = new Ring0Vm(0x62, 0xF1, 0x7C, 0x48, 0x28, 0xC1)) { // vmovaps zmm0, zmm1
            org.assertj.core.api.Assertions.assertThatThrownBy(vm::run)
                    .hasMessageContaining("EVEX")
                    .hasMessageContaining("62 f1 7c 48")
                    .hasMessageContaining("0x6000");
        }
    }
}

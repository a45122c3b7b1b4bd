// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HostQuirksTest {

    @Test
    void hardwareNeedsNothing() {
        assertThat(HostQuirks.of(Profiles.hardware())).isEqualTo(HostQuirks.NONE);
        assertThat(HostQuirks.NONE.isEmpty()).isTrue();
    }

    @Test
    void whatFailsIsTurnedOffInTheOrderOfItsImportance() {
        HostQuirks quirks =
                HostQuirks.of(
                        Profiles.interpreting(
                                InstructionFamily.SSSE3_INTEGER,
                                InstructionFamily.BIT_COUNT,
                                InstructionFamily.COMPARE_EXCHANGE_16));

        assertThat(quirks.commandLine())
                .isEqualTo("cryptomgr.notests clearcpuid=cx16,popcnt,erms,fsrm,ssse3");
        assertThat(quirks.completeInstructions()).isTrue();
        assertThat(quirks.slowdown()).isEqualTo(300);
        assertThat(quirks.isEmpty()).isFalse();
    }

    @Test
    void noxsaveStandsForAllThatHangsOnIt() {
        HostQuirks quirks =
                HostQuirks.of(
                        Profiles.interpreting(
                                InstructionFamily.EXTENDED_STATE,
                                InstructionFamily.AVX_INTEGER,
                                InstructionFamily.AVX512_INTEGER,
                                InstructionFamily.VECTOR_ENCRYPTION));

        assertThat(quirks.commandLine())
                .startsWith("noxsave GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,")
                .endsWith(" clearcpuid=erms,fsrm");
    }

    @Test
    void aBaselineInstructionCannotBeTurnedOffAndIsOnlyCompleted() {
        HostProfile host = Profiles.interpreting(InstructionFamily.BREAKPOINT);

        assertThat(HostQuirks.of(host).commandLine())
                .isEqualTo("cryptomgr.notests clearcpuid=erms,fsrm");
        assertThat(HostQuirks.of(host).completeInstructions()).isTrue();
    }

    @Test
    void withoutTheCapabilityNothingIsCompleted() {
        HostProfile host = Profiles.interpreting(InstructionFamily.BREAKPOINT);

        assertThat(
                        HostQuirks.of(Profiles.with(host, Capability.EXIT_ON_EMULATION_FAILURE, 0))
                                .completeInstructions())
                .isFalse();
    }

    @Test
    void systemCallsAreDeliveredWhereTheHostDoesNot() {
        HostProfile host = Profiles.interpreting(InstructionFamily.BREAKPOINT);

        assertThat(host.systemCalls()).isFalse();
        assertThat(HostQuirks.of(host).deliverSystemCalls()).isTrue();
        assertThat(
                        HostQuirks.of(Profiles.with(host, Capability.EXIT_ON_EMULATION_FAILURE, 0))
                                .deliverSystemCalls())
                .isFalse();
    }

    @Test
    void aListIsNeverLongerThanWhatLinuxReads() {
        String line =
                HostQuirks.of(Profiles.interpreting(InstructionFamily.values())).commandLine();

        assertThat(line).startsWith("noxsave ").contains(" clearcpuid=cx16,popcnt,smap,");
        String list = line.substring(line.lastIndexOf('=') + 1);
        assertThat(list).hasSizeLessThan(128).hasSizeGreaterThan(110);
        assertThat(list.split(",", -1))
                .allSatisfy(flag ->
                        assertThat(CpuFeature.values())
                                .extracting(CpuFeature::flag)
                                .contains(flag));
    }
}

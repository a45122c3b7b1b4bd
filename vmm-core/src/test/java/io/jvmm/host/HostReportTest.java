// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.uffd.Feature;
import io.jvmm.host.HostReport.Row;

import org.junit.jupiter.api.Test;

import java.util.EnumSet;
import java.util.Set;

class HostReportTest {

    private static final UffdAccess DEVICE =
            new UffdAccess(UffdAccess.Route.DEVICE, EnumSet.allOf(Feature.class), "");

    @Test
    void onAGoodHostThereIsNothingToDo() {
        HostReport report = new HostReport(Profiles.hardware(), DEVICE);

        assertThat(report.rows()).extracting(Row::advice).containsOnly("");
        assertThat(row(report, "fault modes").finding())
                .isEqualTo("blocking, annotated exits, poison markers");
    }

    @Test
    void anInterpretingHostIsToldWithWhatFollows() {
        HostReport report =
                new HostReport(Profiles.interpreting(InstructionFamily.BIT_COUNT), DEVICE);

        assertThat(row(report, "ring 0").finding())
                .isEqualTo("interpreted, 300 times slower than ring 3");
        assertThat(row(report, "instructions").finding()).isEqualTo("fail in ring 0: popcnt");
        assertThat(row(report, "instructions").advice()).contains("clearcpuid=popcnt");
        assertThat(row(report, "instructions").advice())
                .startsWith("the monitor completes those that kernels use;");
        assertThat(row(report, "system calls").advice()).isEqualTo("the monitor delivers them");
        assertThat(row(report, "fault modes").finding()).isEqualTo("blocking");
        assertThat(row(report, "paging").advice()).contains("cannot be kicked");
    }

    @Test
    void whatIsTakenForAnotherInstructionIsToldApart() {
        HostProfile host =
                Profiles.takingForOthers(
                        Profiles.interpreting(InstructionFamily.BIT_COUNT),
                        InstructionFamily.TRAILING_ZEROS);

        Row row = row(new HostReport(host, DEVICE), "wrong results");
        assertThat(row.finding()).isEqualTo("in ring 0: tzcnt");
        assertThat(row.advice()).contains("cannot complete");
        assertThat(HostQuirks.of(host).commandLine()).contains("popcnt", "bmi1");
    }

    @Test
    void aProcessWithoutUserfaultfdIsToldWhy() {
        UffdAccess none = new UffdAccess(UffdAccess.Route.NONE, Set.of(), "EPERM: ask for it");
        HostReport report = new HostReport(Profiles.hardware(), none);

        assertThat(row(report, "userfaultfd").advice()).isEqualTo("EPERM: ask for it");
        assertThat(row(report, "fault modes").finding()).isEqualTo("none");
    }

    @Test
    void featuresOfNewerKernelsAreNamedWithTheirVersion() {
        UffdAccess older =
                new UffdAccess(
                        UffdAccess.Route.SYSTEM_CALL,
                        EnumSet.complementOf(EnumSet.of(Feature.MOVE)),
                        "");

        Row row = row(new HostReport(Profiles.hardware(), older), "userfaultfd");
        assertThat(row.finding()).startsWith("by system call");
        assertThat(row.advice()).isEqualTo("missing: MOVE (Linux 6.8)");
    }

    private static Row row(HostReport report, String topic) {
        return report.rows().stream()
                .filter(row -> row.topic().equals(topic))
                .findFirst()
                .orElseThrow();
    }
}

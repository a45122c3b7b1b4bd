// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.host.HostReport.Row;

import org.junit.jupiter.api.Test;

import java.util.List;

class HostTableTest {

    @Test
    void adviceStandsBelowItsFindingAndBesideTheTopics() {
        String table =
                HostTable.of(
                        List.of(
                                new Row("a", "found", "do this"),
                                new Row("longer", "all well", "")));

        assertThat(table)
                .isEqualTo(
                        """
                        a       found
                                > do this
                        longer  all well
                        """);
    }

    @Test
    void longTextIsBrokenBetweenWords() {
        String table = HostTable.of(List.of(new Row("t", "word ".repeat(50).strip(), "")));

        assertThat(table.lines())
                .hasSize(3)
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100))
                .allSatisfy(line -> assertThat(line).endsWith("word"));
        assertThat(table.lines().skip(1)).allMatch(line -> line.startsWith("   word"));
    }
}

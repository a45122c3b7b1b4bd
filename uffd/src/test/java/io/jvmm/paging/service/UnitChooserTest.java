// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class UnitChooserTest {

    @Test
    void theUnitFollowsTheSpeedOfTheSource() {
        UnitChooser network = new UnitChooser(1, 512, false);
        assertThat(network.unit()).isEqualTo(16);
        for (int i = 0; i < 200; i++) {
            network.record(network.unit(), 100_000 + 3_300L * network.unit());
        }
        assertThat(network.unit()).isBetween(64, 256);
        assertThat(network.ahead()).as("a chunk in 1.7 ms").isEqualTo(512);
        UnitChooser cache = new UnitChooser(1, 512, true);
        for (int i = 0; i < 200; i++) {
            cache.record(cache.unit(), 5_000 + 300L * cache.unit());
        }
        assertThat(cache.unit()).isEqualTo(512);
        assertThat(cache.ahead()).isEqualTo(512);
        UnitChooser disk = new UnitChooser(1, 512, true);
        for (int i = 0; i < 200; i++) {
            disk.record(disk.unit(), 15_000L * disk.unit());
        }
        assertThat(disk.unit()).isBetween(16, 64);
        assertThat(disk.ahead()).as("a chunk in 7.7 ms").isEqualTo(512);
        UnitChooser modem = new UnitChooser(4, 512, true);
        for (int i = 0; i < 200; i++) {
            modem.record(modem.unit(), 50_000_000L * modem.unit());
        }
        assertThat(modem.unit()).isBetween(4, 16);
        assertThat(modem.ahead()).isBetween(4, 16);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.layout.GuestLayout;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

class MpTableTest {

    private final FirmwareMemory guest = new FirmwareMemory();

    @AfterEach
    void close() {
        guest.close();
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2", "64, 64", "254, 254", "255, 254", "4000, 254"})
    void namesProcessorsAndInterrupts(int cpus, int named) {
        MpTable.write(guest.memory, cpus);
        long pointer = GuestLayout.MP_TABLE;
        assertThat(guest.text(pointer, 4)).isEqualTo("_MP_");
        guest.assertSumIsZero(pointer, 16);
        long table = guest.memory.readU32(pointer + 4);
        assertThat(guest.text(table, 4)).isEqualTo("PCMP");
        int length = guest.memory.readU16(table + 4);
        guest.assertSumIsZero(table, length);
        assertThat(guest.memory.readU32(table + 36)).isEqualTo(GuestLayout.LOCAL_APIC);

        var kinds = new TreeMap<Integer, Integer>();
        List<Integer> apicIds = new ArrayList<>();
        List<String> wiring = new ArrayList<>();
        long at = table + 44;
        for (int i = guest.memory.readU16(table + 34); i > 0; i--) {
            int kind = guest.memory.readU8(at);
            kinds.merge(kind, 1, Integer::sum);
            if (kind <= 2 && kind != 1) {
                apicIds.add(guest.memory.readU8(at + 1));
            } else if (kind == 3) {
                wiring.add(guest.memory.readU8(at + 5) + "->" + guest.memory.readU8(at + 7));
            }
            at += kind == 0 ? 20 : 8;
        }
        assertThat(at).as("entries end with the table").isEqualTo(table + length);
        assertThat(kinds)
                .containsEntry(0, named)
                .containsEntry(1, 1)
                .containsEntry(2, 1)
                .containsEntry(3, 15)
                .containsEntry(4, 2);
        assertThat(apicIds).hasSize(named + 1).doesNotHaveDuplicates();
        assertThat(wiring).contains("0->2", "1->1", "4->4", "9->9", "15->15").hasSize(15);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GuestRangeTest {

    @Test
    void endsAfterItsLastByteInBothSpaces() {
        GuestRange range = new GuestRange(0x1000, 0x7000_0000, 0x3000);
        assertThat(range.endGpa()).isEqualTo(0x4000);
        assertThat(range.endHva()).isEqualTo(0x7000_3000);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 4096, 4096",
        "0, 4097, 4096",
        "0, 4096, 4095",
        "0, 4096, 0",
        "0, 0, 4096",
        "-4096, 4096, 4096",
        "0, -4096, 4096",
        "0, 4096, -4096",
        "0x7ffffffffffff000, 4096, 4096",
        "4096, 0x7ffffffffffff000, 4096"
    })
    void isOfWholePagesWithinTheAddressSpace(String gpa, String hva, String length) {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        new GuestRange(Long.decode(gpa), Long.decode(hva), Long.decode(length)));
    }
}

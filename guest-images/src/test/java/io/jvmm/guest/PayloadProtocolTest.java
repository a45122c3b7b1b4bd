// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The Java side of what `stress` and `pages` say, expect of a device, and expect in memory. */
final class PayloadProtocolTest {
    @Test
    void reportIsTakenApart() {
        assertThat(PayloadReport.decode(0x3040_03e8))
                .isEqualTo(new PayloadReport(PayloadReport.Kind.DONE, 1, 1000));
    }

    @Test
    void highestWorkerAndValueFit() {
        PayloadReport report = PayloadReport.decode(0xffff_ffff);

        assertThat(report).isEqualTo(new PayloadReport(PayloadReport.Kind.WRONG, 63, 0x3f_ffff));
        assertThat(report.isFailure()).isTrue();
    }

    @Test
    void progressIsNoFailure() {
        assertThat(PayloadReport.decode(0x2000_0001).isFailure()).isFalse();
    }

    @Test
    void unknownKindIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PayloadReport.decode(0x4000_0000))
                .withMessageContaining("kind 4");
    }

    @Test
    void echoShowsEveryAccess() {
        PayloadEcho once = new PayloadEcho();
        once.write(1);
        PayloadEcho twice = new PayloadEcho();
        twice.write(1);
        twice.write(1);

        assertThat(once.read()).isEqualTo(1);
        assertThat(once.read()).as("a read counts, too").isEqualTo(2);
        assertThat(twice.read()).isEqualTo(33);
    }

    @Test
    void pageHoldsItsAddressAtBothEnds() {
        ByteBuffer memory =
                ByteBuffer.allocate(2 * PayloadPages.PAGE_SIZE).order(ByteOrder.LITTLE_ENDIAN);

        PayloadPages.fill(memory.position(PayloadPages.PAGE_SIZE), 0x1_0000_0000L);

        assertThat(memory.getLong(0)).as("the page before").isZero();
        assertThat(memory.getLong(4096)).isEqualTo(0x1_0000_0000L ^ 0x5a5a_5a5a_5a5a_5a5aL);
        assertThat(memory.getLong(8184)).isEqualTo(0x1_0000_0ff8L ^ 0x5a5a_5a5a_5a5a_5a5aL);
    }
}

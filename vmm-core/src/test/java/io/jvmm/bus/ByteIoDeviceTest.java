// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.List;

class ByteIoDeviceTest {

    private final List<String> accesses = new ArrayList<>();

    private final IoDevice device =
            new ByteIoDevice() {
                @Override
                public int readByte(long offset) {
                    accesses.add("r" + offset);
                    return (int) (0xFFFF_FFF0 + offset); // the high bits must not show
                }

                @Override
                public void writeByte(long offset, int value) {
                    accesses.add("w%d=%02x".formatted(offset, value));
                }
            };

    @ParameterizedTest
    @CsvSource({
        "0, 1, 0xf0",
        "1, 2, 0xf2f1",
        "2, 4, 0xf5f4f3f2",
        "3, 1, 0xf3",
    })
    void wideReadIsPutTogetherFromBytes(long offset, int size, String expected) {
        assertThat(device.read(offset, size)).isEqualTo(Long.decode(expected));
    }

    @Test
    void readOfEightBytesFillsTheLong() {
        assertThat(device.read(0, 8)).isEqualTo(0xF7F6_F5F4_F3F2_F1F0L);
    }

    @Test
    void wideWriteIsTakenApartInRisingOrder() {
        device.write(2, 4, 0x8040_2010L);

        assertThat(accesses).containsExactly("w2=10", "w3=20", "w4=40", "w5=80");
    }

    @Test
    void writeOfEightBytesTakesTheWholeLong() {
        device.write(0, 8, 0x8070_6050_4030_2010L);

        assertThat(accesses)
                .containsExactly(
                        "w0=10", "w1=20", "w2=30", "w3=40", "w4=50", "w5=60", "w6=70", "w7=80");
    }

    @Test
    void unconnectedLineTakesAllLevels() {
        IrqLine line = IrqLine.unconnected();

        line.raise();
        line.lower();
        line.pulse();

        assertThat(line).isSameAs(IrqLine.unconnected());
    }
}

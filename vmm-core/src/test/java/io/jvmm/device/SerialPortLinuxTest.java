// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static io.jvmm.device.Uart16550.*;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.bus.IrqLine;

import org.junit.jupiter.api.Test;

/** The sequences by which Linux's 8250 driver finds out what chip it has, and how it behaves. */
class SerialPortLinuxTest {

    private static final int CONFIGURE_A = 0x80;
    private static final int CONFIGURE_B = 0xBF;
    private static final int EXTENDED = 0xE0;

    private final SerialPort port = new SerialPort(IrqLine.unconnected(), b -> {});

    @Test
    void interruptEnableTestFindsAChip() {
        port.writeByte(IER, 0);
        assertThat(port.readByte(IER) & 0x0F).isZero();

        port.writeByte(IER, 0x0F);
        assertThat(port.readByte(IER) & 0x0F).isEqualTo(0x0F);
    }

    @Test
    void loopbackTestPasses() {
        port.writeByte(MCR, MCR_LOOP | MCR_OUT2 | MCR_RTS);

        assertThat(port.readByte(MSR) & 0xF0).isEqualTo(MSR_DCD | MSR_CTS);
    }

    @Test
    void fifoTestSays16550A() {
        port.writeByte(LCR, CONFIGURE_B);
        port.writeByte(2, 0);
        port.writeByte(LCR, 0);

        port.writeByte(FCR, 1);

        assertThat(port.readByte(IIR) >> 6).isEqualTo(3);
    }

    @Test
    void noExtendedFeatureRegisterShows() {
        port.writeByte(FCR, 1);
        port.writeByte(LCR, CONFIGURE_A);
        assertThat(port.readByte(2)).isNotZero();

        port.writeByte(LCR, CONFIGURE_B);
        assertThat(port.readByte(2)).isNotZero();
    }

    @Test
    void noNationalSuperIoShows() {
        port.writeByte(FCR, 1);
        int control = port.readByte(MCR);
        port.writeByte(LCR, EXTENDED);
        assertThat((port.readByte(2) ^ control) & MCR_LOOP).isZero();

        port.writeByte(LCR, 0);
        port.writeByte(MCR, control ^ MCR_LOOP);
        port.writeByte(LCR, EXTENDED);
        int second = port.readByte(2);

        assertThat((second ^ control) & MCR_LOOP).isZero();
    }

    @Test
    void no64ByteFifoShows() {
        port.writeByte(FCR, 0x21);
        assertThat(port.readByte(IIR) & 0x20).isZero();

        port.writeByte(LCR, CONFIGURE_A);
        port.writeByte(FCR, 0x21);
        assertThat(port.readByte(IIR) & 0x20).isZero();
    }

    @Test
    void noXscaleUnitEnableBitShows() {
        port.writeByte(IER, 0x40);

        assertThat(port.readByte(IER) & 0x40).isZero();
    }

    @Test
    void transmitInterruptTestFindsNoBug() {
        port.writeByte(IER, IER_THRE);
        int first = port.readByte(IIR);
        port.writeByte(IER, 0);
        port.writeByte(IER, IER_THRE);
        int second = port.readByte(IIR);
        port.writeByte(IER, 0);

        assertThat(first & IIR_NONE).isZero();
        assertThat(second & IIR_NONE).isZero();
    }

    @Test
    void transmitterEmptyTestFindsNoBug() {
        port.writeByte(IER, IER_THRE);
        int lineStatus = port.readByte(LSR);
        int identity = port.readByte(IIR);
        port.writeByte(IER, 0);

        assertThat(lineStatus & LSR_TEMT).isNotZero();
        assertThat(identity & IIR_NONE).isZero();
    }

    @Test
    void lineStatusIsNotThatOfAnEmptySocket() {
        assertThat(port.readByte(LSR)).isNotEqualTo(0xFF);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.bus.AcpiDevice;
import io.jvmm.bus.AcpiResource;
import io.jvmm.bus.ByteIoDevice;
import io.jvmm.bus.Device;
import io.jvmm.bus.IoRange;
import io.jvmm.bus.IrqLine;
import io.jvmm.layout.Irqs;
import io.jvmm.layout.Ports;
import io.jvmm.state.ComponentState;

import java.util.List;
import java.util.Objects;

/**
 * A PC's serial port: a {@link Uart16550} with a lock, an interrupt line and a host side.
 *
 * <p>All methods may be called from any thread. Output goes to the {@link ByteSink} on the vCPU
 * thread that sent it, one byte at a time and in order; nothing is queued in between. Input is
 * offered by {@link #receive}, which takes what fits into the receiver's 16 characters; the
 * listener tells when to offer the rest.
 *
 * <p><b>What a hostile guest can try</b>
 *
 * <table>
 *   <caption>Attempts and answers</caption>
 *   <tr><td>flood the port with output</td>
 *       <td>no buffer grows here; the sink's pace is the guest's</td></tr>
 *   <tr><td>never read its input</td>
 *       <td>16 characters are held, the rest stays with the host's sender</td></tr>
 *   <tr><td>fill the receiver itself, by loopback</td>
 *       <td>the overrun bit, as on the chip</td></tr>
 *   <tr><td>storm the interrupt line</td>
 *       <td>at most one change of level per access, and an access costs the guest an exit</td></tr>
 *   <tr><td>odd widths and offsets</td>
 *       <td>split into bytes; beyond the eight registers all ones</td></tr>
 *   <tr><td>race from several vCPUs</td>
 *       <td>registers change under one lock; the line ends at the level that they ask for</td></tr>
 * </table>
 */
public final class SerialPort implements ByteIoDevice, Device {

    private static final int SETTLE = 1;
    private static final int READY = 2;

    // LOCKS: output or irq first, then lock. Under lock nothing is called; under output only the
    // sink, so that its bytes stay in order.
    private final Object output = new Object();
    private final Object lock = new Object();

    private final Uart16550 uart = new Uart16550(); // guarded by lock
    private boolean inputWaits; // guarded by lock: receive() left something with its caller
    private boolean inputIsPatient; // guarded by lock: it came by offer()
    private final LevelIrq irq;
    private final ByteSink sink; // called under output
    private volatile Runnable receiveReady = () -> {};

    /**
     * Creates a port after power-on.
     *
     * @param line to the interrupt controller
     * @param sink takes what the guest sends
     */
    public SerialPort(IrqLine line, ByteSink sink) {
        this.irq = new LevelIrq(Objects.requireNonNull(line, "line"), lock);
        this.sink = Objects.requireNonNull(sink, "sink");
    }

    @Override
    public String name() {
        return "com1";
    }

    @Override
    public List<IoRange> ranges() {
        return List.of(IoRange.ports(Ports.COM1, Ports.COM1_SIZE, this));
    }

    @Override
    public List<AcpiDevice> acpi() {
        return List.of(
                AcpiDevice.of("COM1", "PNP0501")
                        .uid(1)
                        .with(new AcpiResource.Ports(Ports.COM1, Ports.COM1_SIZE))
                        .with(new AcpiResource.IsaInterrupt(Irqs.COM1)));
    }

    @Override
    public ComponentState savedState() {
        return ComponentState.required(
                UartState.CODEC, this::state, (state, passed) -> restore(state));
    }

    @Override
    public int readByte(long offset) {
        int value;
        int effects;
        synchronized (lock) {
            value = uart.read(register(offset));
            effects = effects();
        }
        perform(effects);
        return value;
    }

    @Override
    public void writeByte(long offset, int value) {
        int register = register(offset);
        if (register == Uart16550.THR) {
            transmit(value);
            return;
        }
        int effects;
        synchronized (lock) {
            uart.write(register, value);
            effects = effects();
        }
        perform(effects);
    }

    /**
     * Offers characters from the host.
     *
     * @return how many were taken, from the front; if not all, the {@linkplain
     *     #setReceiveReadyListener listener} is called when there is room again
     * @throws IndexOutOfBoundsException if the range is not within the array
     */
    public int receive(byte[] bytes, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        int accepted;
        int effects;
        synchronized (lock) {
            accepted = uart.receive(bytes, offset, length);
            inputWaits = accepted < length;
            inputIsPatient = false;
            effects = effects();
        }
        perform(effects);
        return accepted;
    }

    /**
     * As {@link #receive}, for a sender that can wait and sends again: characters are taken only
     * while the guest {@linkplain Uart16550#listens listens}, and none while there are some to send
     * again ({@link #takeDropped}).
     */
    public int offer(byte[] bytes, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        int accepted = 0;
        int effects;
        synchronized (lock) {
            if (uart.listens() && uart.dropped() == 0) {
                accepted = uart.receive(bytes, offset, length);
            }
            inputWaits = accepted < length;
            inputIsPatient = true;
            effects = effects();
        }
        perform(effects);
        return accepted;
    }

    /**
     * How many characters the guest has cleared unread since the last call, as a driver does that
     * sets the port up: the last ones that {@link #offer} took, to be offered again. The listener
     * is called when there are some.
     */
    public int takeDropped() {
        synchronized (lock) {
            return uart.takeDropped();
        }
    }

    /**
     * Sets who is told, once, that there is room again after {@link #receive} did not take all. It
     * is called without a lock, mostly on a vCPU thread, and may call {@link #receive}; it is quick
     * and throws nothing.
     */
    public void setReceiveReadyListener(Runnable listener) {
        receiveReady = Objects.requireNonNull(listener, "listener");
    }

    /** Receives a break; it keeps its place between the characters before and after it. */
    public void sendBreak() {
        int effects;
        synchronized (lock) {
            uart.receiveBreak();
            effects = effects();
        }
        perform(effects);
    }

    /**
     * Sets whether the other end is there: without it, carrier, data set ready and clear to send go
     * away.
     */
    public void setConnected(boolean connected) {
        int effects;
        synchronized (lock) {
            uart.setModemLines(connected ? UartState.POWER_ON.modemLines() : 0);
            effects = effects();
        }
        perform(effects);
    }

    /** Passes on what the sink may have collected, in order with the guest's output. */
    public void flush() {
        synchronized (output) {
            sink.flush();
        }
    }

    @Override
    public void reset() {
        restore(UartState.POWER_ON);
    }

    /** {@return the state of the registers} */
    public UartState state() {
        synchronized (lock) {
            return uart.state();
        }
    }

    /** Takes over a state, and drives the interrupt line accordingly. */
    public void restore(UartState state) {
        int effects;
        synchronized (lock) {
            uart.restore(state);
            effects = effects();
        }
        irq.restart();
        perform(effects & ~SETTLE);
    }

    private void transmit(int value) {
        int effects;
        synchronized (output) {
            int sent;
            synchronized (lock) {
                sent = uart.write(Uart16550.THR, value);
                effects = effects();
            }
            if (sent != Uart16550.NOTHING) {
                sink.write((byte) sent);
            }
        }
        perform(effects);
    }

    /** What is to be done after the lock is released; the caller holds it. */
    private int effects() {
        int effects = irq.want(uart.interruptRequested()) ? SETTLE : 0;
        if (inputIsPatient && uart.dropped() > 0) {
            inputWaits = true;
        }
        if (inputWaits && uart.wantsMore() && (!inputIsPatient || uart.listens())) {
            inputWaits = false;
            effects |= READY;
        }
        return effects;
    }

    private void perform(int effects) {
        if ((effects & SETTLE) != 0) {
            irq.settle();
        }
        if ((effects & READY) != 0) {
            receiveReady.run();
        }
    }

    private static int register(long offset) {
        return offset >= 0 && offset < Uart16550.REGISTERS ? (int) offset : Uart16550.REGISTERS;
    }
}

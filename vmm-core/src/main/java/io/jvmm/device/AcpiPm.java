// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.bus.Device;
import io.jvmm.bus.IoDevice;
import io.jvmm.bus.IoRange;
import io.jvmm.bus.IrqLine;
import io.jvmm.layout.Ports;
import io.jvmm.state.ComponentState;

import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * The fixed hardware of ACPI (ACPI specification 6.5, section 4.8): the PM1a event block at offset
 * 0, the PM1a control block at offset 4, the power management timer at offset 8.
 *
 * <p>By it a guest switches itself off, and the host presses the power button. There is no SMI
 * command port, so the machine is in ACPI mode from the start and {@code SCI_EN} is always set. The
 * timer counts 32 bits (the FADT says so by {@code TMR_VAL_EXT}) and does not set {@code TMR_STS}.
 *
 * <p>Registers may be accessed in any width; a wide access is a single one.
 *
 * <p>The callback is called on the vCPU thread that wrote; it asks for the power-off and returns.
 *
 * <p><b>What a hostile guest can try</b>
 *
 * <table>
 *   <caption>Attempts and answers</caption>
 *   <tr><td>leave the power button unanswered</td>
 *       <td>a press is one bit; who pressed decides how long to wait</td></tr>
 *   <tr><td>set status bits itself</td>
 *       <td>writing can only clear them</td></tr>
 *   <tr><td>ask for sleep states that do not exist</td>
 *       <td>the type is stored, nothing happens</td></tr>
 *   <tr><td>switch off again and again</td>
 *       <td>the callback bears it</td></tr>
 * </table>
 */
public final class AcpiPm implements IoDevice, Device {

    /** How many ports the blocks take. */
    public static final int LENGTH = 12;

    /** The sleep type that means off, in the DSDT's {@code \_S5} package and in PM1a control. */
    public static final int SLEEP_TYPE_S5 = 5;

    /** The timer's frequency in hertz. */
    public static final int TIMER_HZ = 3_579_545;

    static final int STATUS = 0;
    static final int ENABLE = 2;
    static final int CONTROL = 4;
    static final int TIMER = 8;

    // The same bits in PM1 status and PM1 enable.
    static final int TMR = 0x0001;
    static final int GBL = 0x0020;
    static final int PWRBTN = 0x0100;
    static final int SLPBTN = 0x0200;
    static final int RTC = 0x0400;
    static final int ENABLE_MASK = TMR | GBL | PWRBTN | SLPBTN | RTC;
    static final int STATUS_MASK = PWRBTN; // the only one that anything here sets

    static final int SCI_EN = 0x0001;
    static final int BM_RLD = 0x0002;
    static final int SLP_TYP_SHIFT = 10;
    static final int SLP_TYP = 7 << SLP_TYP_SHIFT;
    static final int SLP_EN = 0x2000; // reads as 0
    static final int CONTROL_MASK = BM_RLD | SLP_TYP;

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final Object lock = new Object();
    private final LevelIrq sci;
    private final Runnable onPowerOff;
    private final LongSupplier nanoClock;

    private int status; // guarded by lock, as the rest
    private int enable;
    private int control;
    private long timerStart; // of the nano clock
    private int timerOffset; // what the timer read at timerStart

    /**
     * Creates the blocks as after power-on.
     *
     * @param sci the line of the system control interrupt, level-triggered
     * @param onPowerOff is called when the guest enters S5
     * @param nanoClock counts nanoseconds from an arbitrary start, as {@link System#nanoTime}
     */
    public AcpiPm(IrqLine sci, Runnable onPowerOff, LongSupplier nanoClock) {
        this.sci = new LevelIrq(Objects.requireNonNull(sci, "sci"), lock);
        this.onPowerOff = Objects.requireNonNull(onPowerOff, "onPowerOff");
        this.nanoClock = Objects.requireNonNull(nanoClock, "nanoClock");
        this.timerStart = nanoClock.getAsLong();
    }

    @Override
    public String name() {
        return "acpi-pm";
    }

    @Override
    public List<IoRange> ranges() {
        return List.of(IoRange.ports(Ports.ACPI_PM1A_EVENT, LENGTH, this));
    }

    @Override
    public ComponentState savedState() {
        return ComponentState.required(
                AcpiPmState.CODEC, this::state, (state, passed) -> restore(state.after(passed)));
    }

    @Override
    public long read(long offset, int size) {
        long blocks;
        long timer;
        synchronized (lock) {
            blocks = status | (long) enable << 16 | (long) (control | SCI_EN) << 32;
            timer = Integer.toUnsignedLong(timer());
        }
        long value = 0;
        for (int i = 0; i < size; i++) {
            long at = offset + i;
            long octet = 0xFF;
            if (at < TIMER) {
                octet = blocks >>> (Byte.SIZE * at) & 0xFF;
            } else if (at < LENGTH) {
                octet = timer >>> (Byte.SIZE * (at - TIMER)) & 0xFF;
            }
            value |= octet << (Byte.SIZE * i);
        }
        return value;
    }

    @Override
    public void write(long offset, int size, long value) {
        boolean settle;
        boolean off = false;
        synchronized (lock) {
            for (int i = 0; i < size; i++) {
                off |= writeByte(offset + i, (int) (value >>> (Byte.SIZE * i)) & 0xFF);
            }
            settle = sci.want(interruptWanted());
        }
        if (settle) {
            sci.settle();
        }
        if (off) {
            onPowerOff.run();
        }
    }

    /**
     * Presses the power button. A guest that has enabled it gets an interrupt and usually shuts
     * down; one that has not ignores it.
     *
     * @return whether the guest listens to the button
     */
    public boolean pressPowerButton() {
        boolean listens;
        boolean settle;
        synchronized (lock) {
            status |= PWRBTN;
            listens = (enable & PWRBTN) != 0;
            settle = sci.want(interruptWanted());
        }
        if (settle) {
            sci.settle();
        }
        return listens;
    }

    @Override
    public void reset() {
        restore(AcpiPmState.POWER_ON);
    }

    /** {@return the state, the timer's value included} */
    public AcpiPmState state() {
        synchronized (lock) {
            return new AcpiPmState(status, enable, control, timer());
        }
    }

    /**
     * Takes over a state. The timer goes on from the value that it had; time between is left out.
     */
    public void restore(AcpiPmState state) {
        synchronized (lock) {
            status = state.status();
            enable = state.enable();
            control = state.control();
            timerStart = nanoClock.getAsLong();
            timerOffset = state.timer();
            sci.want(interruptWanted());
        }
        sci.restart();
    }

    /** Returns whether the machine is to be switched off. */
    private boolean writeByte(long offset, int octet) {
        int register = (int) (offset & ~1);
        int shift = (int) (offset & 1) * Byte.SIZE;
        int lane = 0xFF << shift;
        int bits = octet << shift;
        switch (register) {
            case STATUS -> status &= ~bits;
            case ENABLE -> enable = (enable & ~lane) | (bits & ENABLE_MASK);
            case CONTROL -> {
                control = (control & ~lane) | (bits & CONTROL_MASK);
                int type = (bits & SLP_TYP) >>> SLP_TYP_SHIFT; // in the same byte as SLP_EN
                return (bits & SLP_EN) != 0 && type == SLEEP_TYPE_S5;
            }
            default -> {} // the timer is read-only
        }
        return false;
    }

    private boolean interruptWanted() {
        return (status & enable) != 0;
    }

    private int timer() {
        return timerOffset + ticks(nanoClock.getAsLong() - timerStart);
    }

    /** By how much the timer goes on in a time; it wraps around. */
    static int ticks(long nanos) {
        long seconds = Math.floorDiv(nanos, NANOS_PER_SECOND);
        long rest = Math.floorMod(nanos, NANOS_PER_SECOND);
        return (int) (seconds * TIMER_HZ + rest * TIMER_HZ / NANOS_PER_SECOND);
    }
}

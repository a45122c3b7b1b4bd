// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.bus.AcpiDevice;
import io.jvmm.bus.AcpiResource;
import io.jvmm.bus.ByteIoDevice;
import io.jvmm.bus.Device;
import io.jvmm.bus.IoRange;
import io.jvmm.layout.Irqs;
import io.jvmm.layout.Ports;
import io.jvmm.state.Bytes;
import io.jvmm.state.ComponentState;

import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoField;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The real-time clock of a PC with its battery-backed memory (Motorola MC146818): index at offset 0
 * (port 0x70), data at offset 1 (port 0x71).
 *
 * <p>The clock is the host's, in UTC, plus what the guest moved it by. A guest may set it, read it
 * in any format, and poll its flags. It gives no interrupts: the flags of periodic, alarm and
 * update interrupts come up in register C when they are due, but no line is driven. An update takes
 * the last 244 µs of each second, in which register A says so and a careful guest waits.
 *
 * <p>A reset of the machine does not touch it, since it has a battery.
 *
 * <p>The memory holds what firmware would have left there about the size of memory, the shutdown
 * status byte (0x0F) and whatever the guest puts in.
 *
 * <p><b>What a hostile guest can try:</b> dates that do not exist (counted on to ones that do), a
 * clock far away (the years end before 26 000), a wrong memory size for the next boot (it is the
 * guest's own memory; the host never reads it).
 */
public final class CmosRtc implements ByteIoDevice, Device {

    /** How many ports the clock spans. */
    public static final int PORTS = 2;

    static final int INDEX = 0;
    static final int DATA = 1;
    static final int INDEX_MASK = 0x7F; // bit 7 is the mask of NMI, which we have none of
    static final int SIZE = 128;

    static final int SECONDS_ALARM = 0x01;
    static final int MINUTES_ALARM = 0x03;
    static final int HOURS_ALARM = 0x05;
    static final int REGISTER_A = 0x0A;
    static final int REGISTER_B = 0x0B;
    static final int REGISTER_C = 0x0C;
    static final int REGISTER_D = 0x0D;

    static final int A_UPDATING = 0x80; // UIP
    static final int A_32768_HZ_RATE_1024 = 0x26;
    static final int B_SET = 0x80; // the guest sets the time; updates are held
    static final int B_UPDATE_INTERRUPT = 0x10;
    static final int B_BINARY = 0x04;
    static final int B_24_HOURS = 0x02;
    static final int C_INTERRUPT = 0x80; // a flag and its enable bit, placed alike, are set
    static final int C_FLAGS = 0x70;
    static final int D_VALID = 0x80; // the battery is good

    private static final int UPDATE_NANOS = 244_000;
    private static final int NANOS_PER_SECOND = 1_000_000_000;

    private final InstantSource source;
    private final Object lock = new Object();
    private final int[] memory = new int[SIZE]; // guarded by lock, as the rest
    private int index;
    private long offsetSeconds; // the guest's clock minus the host's
    private int flags; // register C, bits 4–6
    private RtcFlags due;

    /**
     * Creates a clock for a machine that tells nobody its memory size here.
     *
     * @param source of the host's time
     */
    public CmosRtc(InstantSource source) {
        this(source, 0, 0);
    }

    /**
     * Creates a clock.
     *
     * @param source of the host's time
     * @param belowFourGib bytes of memory from address 0 up
     * @param aboveFourGib bytes of memory from 4 GiB up
     */
    public CmosRtc(InstantSource source, long belowFourGib, long aboveFourGib) {
        this.source = Objects.requireNonNull(source, "source");
        memory[REGISTER_A] = A_32768_HZ_RATE_1024;
        memory[REGISTER_B] = B_24_HOURS;
        memory[REGISTER_D] = D_VALID;
        CmosMemorySize.store(memory, belowFourGib, aboveFourGib);
        due = new RtcFlags(guestTime());
    }

    @Override
    public String name() {
        return "cmos";
    }

    @Override
    public List<IoRange> ranges() {
        return List.of(IoRange.ports(Ports.CMOS_INDEX, PORTS, this));
    }

    @Override
    public List<AcpiDevice> acpi() {
        return List.of(
                AcpiDevice.of("RTC", "PNP0B00")
                        .with(new AcpiResource.Ports(Ports.CMOS_INDEX, PORTS))
                        .with(new AcpiResource.IsaInterrupt(Irqs.RTC)));
    }

    /** Changes nothing: the clock has a battery. */
    @Override
    public void reset() {}

    @Override
    public ComponentState savedState() {
        return ComponentState.required(
                CmosRtcState.CODEC, this::state, (state, passed) -> restore(state));
    }

    @Override
    public int readByte(long offset) {
        if (offset != DATA) {
            return 0xFF; // the index cannot be read back
        }
        synchronized (lock) {
            return readRegister(index);
        }
    }

    @Override
    public void writeByte(long offset, int value) {
        synchronized (lock) {
            if (offset == INDEX) {
                index = value & INDEX_MASK;
            } else if (offset == DATA) {
                writeRegister(index, value & 0xFF);
            }
        }
    }

    /** {@return the state; the time in it is the distance from the host's clock} */
    public CmosRtcState state() {
        synchronized (lock) {
            latchFlags();
            byte[] content = new byte[SIZE];
            for (int i = 0; i < SIZE; i++) {
                content[i] = (byte) memory[i];
            }
            return new CmosRtcState(index, offsetSeconds, flags, Bytes.copyOf(content));
        }
    }

    /** Takes over a state. The clock shows the host's time at the distance that it had. */
    public void restore(CmosRtcState state) {
        synchronized (lock) {
            index = state.index();
            offsetSeconds = state.offsetSeconds();
            flags = state.flags();
            Arrays.setAll(memory, state.memory()::at);
            due = new RtcFlags(guestTime());
        }
    }

    private int readRegister(int register) {
        if (RtcFormat.isTime(register)) {
            return held() ? memory[register] : format().encode(register, dateTime(guestTime()));
        }
        return switch (register) {
            case REGISTER_A -> memory[REGISTER_A] | (updating() ? A_UPDATING : 0);
            case REGISTER_C -> takeFlags();
            default -> memory[register];
        };
    }

    private void writeRegister(int register, int value) {
        if (RtcFormat.isTime(register)) {
            if (held()) {
                memory[register] = value;
            } else {
                hold();
                memory[register] = value;
                release();
            }
            return;
        }
        switch (register) {
            case REGISTER_A, SECONDS_ALARM, MINUTES_ALARM, HOURS_ALARM -> {
                latchFlags(); // by what was set until now
                memory[register] = register == REGISTER_A ? value & ~A_UPDATING : value;
            }
            case REGISTER_B -> writeRegisterB(value);
            case REGISTER_C, REGISTER_D -> {} // read-only
            default -> memory[register] = value;
        }
    }

    private void writeRegisterB(int value) {
        latchFlags();
        boolean set = (value & B_SET) != 0;
        if (set && !held()) {
            hold();
        }
        boolean released = !set && held();
        memory[REGISTER_B] = set ? value & ~B_UPDATE_INTERRUPT : value;
        if (released) {
            release();
        }
    }

    private boolean held() {
        return (memory[REGISTER_B] & B_SET) != 0;
    }

    /** Copies the time into the registers, where the guest may change it. */
    private void hold() {
        LocalDateTime now = dateTime(guestTime());
        RtcFormat format = format();
        for (int register = 0; register < SIZE; register++) {
            if (RtcFormat.isTime(register)) {
                memory[register] = format.encode(register, now);
            }
        }
    }

    /** Lets the clock run from what the registers hold. */
    private void release() {
        long guest = format().decode(memory).toEpochSecond(ZoneOffset.UTC);
        offsetSeconds = guest - source.instant().getEpochSecond();
        due = new RtcFlags(guestTime());
    }

    private boolean updating() {
        return !held()
                && guestTime().get(ChronoField.NANO_OF_SECOND) >= NANOS_PER_SECOND - UPDATE_NANOS;
    }

    private int takeFlags() {
        latchFlags();
        int value = flags;
        if ((flags & memory[REGISTER_B]) != 0) {
            value |= C_INTERRUPT;
        }
        flags = 0;
        return value;
    }

    private void latchFlags() {
        if (!held()) {
            flags |= due.until(guestTime(), memory, format());
        }
    }

    private RtcFormat format() {
        int b = memory[REGISTER_B];
        return new RtcFormat((b & B_BINARY) != 0, (b & B_24_HOURS) != 0);
    }

    private Instant guestTime() {
        return source.instant().plusSeconds(offsetSeconds);
    }

    private static LocalDateTime dateTime(Instant time) {
        return LocalDateTime.ofInstant(time, ZoneOffset.UTC);
    }
}

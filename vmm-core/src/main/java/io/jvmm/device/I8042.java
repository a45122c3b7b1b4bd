// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.bus.ByteIoDevice;
import io.jvmm.bus.Device;
import io.jvmm.bus.IoRange;
import io.jvmm.layout.Ports;
import io.jvmm.state.ComponentState;

import java.util.List;
import java.util.Objects;

/**
 * The keyboard controller of a PC, without a keyboard or a mouse: it is here because writing 0xFE
 * to its command port is the oldest way to reset the machine. Data is at offset 0 (port 0x60),
 * status and command at offset 4 (port 0x64); the ports between are not its own and read as all
 * ones.
 *
 * <p>Its status register says two things at all times. <i>Input buffer empty</i>: a guest that
 * waits for it before the reset command, as Linux does, goes on at once; with all ones it would
 * wait through 65 536 exits. <i>Output buffer full</i>: Linux's probe empties that buffer, gives up
 * after 16 bytes and says that there is no controller, within a millisecond. A controller that
 * answered properly would be searched for devices, with time-outs of half a second each. Commands
 * that have an answer get it nevertheless, as the next byte of data.
 *
 * <p>The callback is called on the vCPU thread that wrote; it asks for the reset and returns.
 *
 * <p><b>What a hostile guest can try:</b> unknown commands and data nobody waits for (ignored),
 * commands without end (one answer is kept, the next replaces it), a reset again and again (the
 * callback bears it).
 */
public final class I8042 implements ByteIoDevice, Device {

    /** How many ports the controller spans, from its data port on. */
    public static final int PORTS = 5;

    static final int DATA = 0;
    static final int STATUS = 4;
    static final int COMMAND = 4;

    static final int STATUS_OUTPUT_FULL = 0x01;
    static final int STATUS_SYSTEM = 0x04; // the self-test after power-on was passed
    static final int STATUS_UNLOCKED = 0x10;

    static final int READ_CONFIG = 0x20;
    static final int WRITE_CONFIG = 0x60;
    static final int DISABLE_AUX = 0xA7;
    static final int ENABLE_AUX = 0xA8;
    static final int TEST_AUX = 0xA9;
    static final int SELF_TEST = 0xAA;
    static final int TEST_KEYBOARD = 0xAB;
    static final int DISABLE_KEYBOARD = 0xAD;
    static final int ENABLE_KEYBOARD = 0xAE;
    static final int READ_INPUT_PORT = 0xC0;
    static final int READ_OUTPUT_PORT = 0xD0;
    static final int WRITE_OUTPUT_PORT = 0xD1;
    static final int WRITE_KEYBOARD_BUFFER = 0xD2;
    static final int WRITE_AUX_BUFFER = 0xD3;
    static final int WRITE_AUX = 0xD4;
    static final int PULSE = 0xF0; // the low four bits: which outputs stay high

    static final int CONFIG_KEYBOARD_DISABLED = 0x10;
    static final int CONFIG_AUX_DISABLED = 0x20;
    static final int OUTPUT_NOT_RESET = 0x01; // low resets the processor
    static final int SELF_TEST_PASSED = 0x55;
    static final int CLOCK_STUCK_HIGH = 0x02; // a port test's word for: nothing is there
    static final int INPUT_UNLOCKED = 0x80;

    static final int NONE = -1;

    private final Runnable onReset;
    private final Object lock = new Object();

    private int config; // guarded by lock, as the rest
    private int outputPort;
    private int awaiting; // the command whose parameter comes by the data port, or NONE
    private int answer; // 0 to 255 or NONE

    /**
     * Creates a controller after power-on.
     *
     * @param onReset is called when the guest asks for a reset
     */
    public I8042(Runnable onReset) {
        this.onReset = Objects.requireNonNull(onReset, "onReset");
        restore(I8042State.POWER_ON);
    }

    @Override
    public String name() {
        return "i8042";
    }

    @Override
    public List<IoRange> ranges() {
        return List.of(IoRange.ports(Ports.I8042_DATA, PORTS, this));
    }

    @Override
    public ComponentState savedState() {
        return ComponentState.required(
                I8042State.CODEC, this::state, (state, passed) -> restore(state));
    }

    @Override
    public int readByte(long offset) {
        if (offset == STATUS) {
            return STATUS_OUTPUT_FULL | STATUS_SYSTEM | STATUS_UNLOCKED;
        }
        if (offset != DATA) {
            return 0xFF;
        }
        synchronized (lock) {
            int value = answer == NONE ? 0xFF : answer;
            answer = NONE;
            return value;
        }
    }

    @Override
    public void writeByte(long offset, int value) {
        boolean reset = false;
        synchronized (lock) {
            if (offset == COMMAND) {
                reset = command(value & 0xFF);
            } else if (offset == DATA) {
                reset = parameter(value & 0xFF);
            }
        }
        if (reset) {
            onReset.run();
        }
    }

    @Override
    public void reset() {
        restore(I8042State.POWER_ON);
    }

    /** {@return the state} */
    public I8042State state() {
        synchronized (lock) {
            return new I8042State(config, outputPort, awaiting, answer);
        }
    }

    /** Takes over a state. */
    public void restore(I8042State state) {
        synchronized (lock) {
            config = state.config();
            outputPort = state.outputPort();
            awaiting = state.awaiting();
            answer = state.answer();
        }
    }

    static boolean takesParameter(int command) {
        return switch (command) {
            case WRITE_CONFIG,
                    WRITE_OUTPUT_PORT,
                    WRITE_KEYBOARD_BUFFER,
                    WRITE_AUX_BUFFER,
                    WRITE_AUX ->
                    true;
            default -> false;
        };
    }

    /** Returns whether the machine is to be reset. */
    private boolean command(int command) {
        awaiting = takesParameter(command) ? command : NONE;
        switch (command) {
            case READ_CONFIG -> answer = config;
            case DISABLE_AUX -> config |= CONFIG_AUX_DISABLED;
            case ENABLE_AUX -> config &= ~CONFIG_AUX_DISABLED;
            case DISABLE_KEYBOARD -> config |= CONFIG_KEYBOARD_DISABLED;
            case ENABLE_KEYBOARD -> config &= ~CONFIG_KEYBOARD_DISABLED;
            case SELF_TEST -> answer = SELF_TEST_PASSED;
            case TEST_AUX, TEST_KEYBOARD -> answer = CLOCK_STUCK_HIGH;
            case READ_INPUT_PORT -> answer = INPUT_UNLOCKED;
            case READ_OUTPUT_PORT -> answer = outputPort;
            default -> {
                return command >= PULSE && (command & OUTPUT_NOT_RESET) == 0;
            }
        }
        return false;
    }

    /** Returns whether the machine is to be reset. */
    private boolean parameter(int value) {
        int command = awaiting;
        awaiting = NONE;
        switch (command) {
            case WRITE_CONFIG -> config = value;
            case WRITE_OUTPUT_PORT -> {
                outputPort = value | OUTPUT_NOT_RESET; // the reset lets go of the line again
                return (value & OUTPUT_NOT_RESET) == 0;
            }
            default -> {} // for a device that is not there
        }
        return false;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.bus.ByteIoDevice;
import io.jvmm.bus.Device;
import io.jvmm.bus.IoRange;
import io.jvmm.layout.Ports;
import io.jvmm.state.ComponentState;

import java.util.List;

/**
 * The diagnostic port of a PC, 0x80. Firmware shows its progress there; Linux writes to it to pass
 * a microsecond. It keeps the last code written and is thus a cheap way for a bare guest to say how
 * far it came.
 *
 * <p><b>What a hostile guest can try:</b> nothing; a byte is overwritten.
 */
public final class PostCode implements ByteIoDevice, Device {

    private volatile int code;

    /** Creates a port that shows 0. */
    public PostCode() {}

    /** {@return the code written last, 0 to 255} */
    public int code() {
        return code;
    }

    @Override
    public String name() {
        return "post";
    }

    @Override
    public List<IoRange> ranges() {
        return List.of(IoRange.ports(Ports.POST_CODE, 1, this));
    }

    @Override
    public void reset() {
        code = 0;
    }

    @Override
    public ComponentState savedState() {
        return ComponentState.nothing();
    }

    @Override
    public int readByte(long offset) {
        return offset == 0 ? code : 0xFF;
    }

    @Override
    public void writeByte(long offset, int value) {
        if (offset == 0) {
            code = value & 0xFF;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.bus.IoDevice;

import java.util.Objects;
import java.util.function.IntConsumer;

/**
 * The port by which a test guest talks to its test: a 32-bit write is a message, by convention the
 * guest-physical address of a command. Reading 32 bits gives {@link #SIGNATURE}, so that a guest
 * can tell whether anybody listens.
 *
 * <p>The listener is called on the vCPU thread that wrote; the device has no state.
 *
 * <p><b>What a hostile guest can try:</b> send any value; the listener treats it as untrusted.
 */
public final class GuestTestPort implements IoDevice {

    /** What the port reads as: "jvmm", first letter lowest. */
    public static final int SIGNATURE = 0x6D6D_766A;

    private final IntConsumer listener;

    /**
     * Creates a port.
     *
     * @param listener is given each value
     */
    public GuestTestPort(IntConsumer listener) {
        this.listener = Objects.requireNonNull(listener, "listener");
    }

    @Override
    public long read(long offset, int size) {
        return offset == 0 && size == Integer.BYTES ? SIGNATURE : IoDevice.allOnes(size);
    }

    @Override
    public void write(long offset, int size, long value) {
        if (offset == 0 && size == Integer.BYTES) {
            listener.accept((int) value);
        }
    }
}

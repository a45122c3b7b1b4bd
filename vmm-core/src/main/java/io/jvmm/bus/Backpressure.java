// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

import java.util.function.BooleanSupplier;

/**
 * Output whose bytes may not be lost and whose reader may be slow: a vCPU that has written more
 * than there is room for does not run its guest until there is room again.
 *
 * <p>A device never waits itself: it keeps what it is given, and the vCPU thread waits after the
 * access, outside of all devices, where a kick reaches it. To hold the device's register alone
 * would not do: Linux's 8250 driver writes on after 10 ms of a full transmitter.
 */
public interface Backpressure {

    /** Output that always has room. */
    Backpressure NONE =
            new Backpressure() {
                @Override
                public boolean isFull(int port) {
                    return false;
                }

                @Override
                public void awaitRoom(BooleanSupplier kicked) {}
            };

    /**
     * Says whether the vCPU that has just written to a port waits before it runs its guest again.
     * Takes no lock.
     */
    boolean isFull(int port);

    /**
     * Parks the calling thread until there is room. Returns early, at any moment, when {@code
     * kicked} holds; {@linkplain java.util.concurrent.locks.LockSupport#unpark unparking} the
     * thread has it looked at.
     */
    void awaitRoom(BooleanSupplier kicked);
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.bus.IrqLine;

/** An interrupt line that remembers its level and counts its edges. */
final class RecordingLine implements IrqLine {

    private boolean high;
    private int edges;
    private int calls;

    @Override
    public synchronized void raise() {
        calls++;
        if (!high) {
            edges++;
        }
        high = true;
    }

    @Override
    public synchronized void lower() {
        calls++;
        high = false;
    }

    synchronized boolean high() {
        return high;
    }

    /** How often the level rose. */
    synchronized int edges() {
        return edges;
    }

    /** How often the line was driven at all, which costs a system call each. */
    synchronized int calls() {
        return calls;
    }
}

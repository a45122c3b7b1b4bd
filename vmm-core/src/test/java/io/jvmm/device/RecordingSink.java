// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** A sink that keeps what it was given. It does not lock: one caller at a time is its contract. */
final class RecordingSink implements ByteSink {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int flushes;

    @Override
    public void write(byte b) {
        bytes.write(b);
    }

    @Override
    public void flush() {
        flushes++;
    }

    String text() {
        return bytes.toString(StandardCharsets.ISO_8859_1);
    }

    int flushes() {
        return flushes;
    }
}

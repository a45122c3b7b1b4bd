// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import java.io.IOException;
import java.io.InputStream;

/** A format that is unpacked block by block. For one thread. */
abstract class BlockDecoder extends InputStream {

    final PackedInput in;
    final Output out;

    BlockDecoder(PackedInput in, Output out) {
        this.in = in;
        this.out = out;
    }

    /**
     * Unpacks one block, which may be empty, into {@link #out}, of which everything was taken.
     *
     * @return whether there was one
     */
    abstract boolean block() throws IOException;

    @Override
    public int read() throws IOException {
        return filled() ? out.take() : -1;
    }

    @Override
    public int read(byte[] target, int offset, int count) throws IOException {
        if (count == 0) {
            return 0;
        }
        return filled() ? out.take(target, offset, count) : -1;
    }

    private boolean filled() throws IOException {
        while (out.untaken() == 0) {
            if (!block()) {
                return false;
            }
        }
        return true;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

/** A device that remembers the last access and answers every read with the same value. */
final class RecordingDevice implements IoDevice {

    private final long answer;
    long offset = -1;
    int size;
    long value;
    int reads;
    int writes;

    RecordingDevice(long answer) {
        this.answer = answer;
    }

    @Override
    public long read(long offset, int size) {
        this.offset = offset;
        this.size = size;
        reads++;
        return answer;
    }

    @Override
    public void write(long offset, int size, long value) {
        this.offset = offset;
        this.size = size;
        this.value = value;
        writes++;
    }
}

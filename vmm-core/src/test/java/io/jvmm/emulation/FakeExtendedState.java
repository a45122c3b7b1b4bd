// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/** Extended state that is only memory. */
final class FakeExtendedState implements ExtendedState {

    byte[] registers = new byte[4096];
    long xcr0 = 7;
    long xss;
    long debugStatus;
    int writes;

    @Override
    public byte[] registers() {
        return registers.clone();
    }

    @Override
    public void registers(byte[] image) {
        registers = image.clone();
        writes++;
    }

    @Override
    public long xcr0() {
        return xcr0;
    }

    @Override
    public void xcr0(long value) {
        xcr0 = value;
    }

    @Override
    public long xss() {
        return xss;
    }

    @Override
    public void raiseDebugStatus(long bits) {
        debugStatus |= bits;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/**
 * The processor's state beyond its general and system registers, read and written as a whole since
 * that is how a kernel gives it away.
 */
public interface ExtendedState {

    /** The registers from x87 on, in the standard form of {@code XSAVE} (SDM volume 1, 13.4). */
    byte[] registers();

    /** Sets what {@link #registers} gives. */
    void registers(byte[] image);

    /** XCR0: the components that are turned on; 0 where there is no {@code XSAVE}. */
    long xcr0();

    /** Sets XCR0 to a value that was checked. */
    void xcr0(long value);

    /** IA32_XSS: the components that are turned on for {@code XSAVES} besides. */
    long xss();

    /** Sets the status of the debug registers: the bits given, in addition to what is there. */
    void raiseDebugStatus(long bits);
}

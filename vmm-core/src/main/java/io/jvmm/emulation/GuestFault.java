// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/**
 * An exception that an instruction raises in the guest. Travels from where it is found to {@link
 * Emulator}, which turns it into a result; never leaves the room.
 */
final class GuestFault extends RuntimeException {

    static final int DEBUG = 1;
    static final int BREAKPOINT = 3;
    static final int INVALID_OPCODE = 6;
    static final int DEVICE_NOT_AVAILABLE = 7;
    static final int STACK = 12;
    static final int GENERAL_PROTECTION = 13;
    static final int PAGE = 14;
    static final int FLOATING_POINT = 16;

    private static final long serialVersionUID = 1;

    private final int vector;
    private final boolean hasErrorCode;
    private final int errorCode;
    private final long address;

    private GuestFault(int vector, boolean hasErrorCode, int errorCode, long address) {
        super("exception " + vector, null, false, false);
        this.vector = vector;
        this.hasErrorCode = hasErrorCode;
        this.errorCode = errorCode;
        this.address = address;
    }

    /** A general protection fault, with the error code 0 that it has for a memory operand. */
    static GuestFault generalProtection() {
        return new GuestFault(GENERAL_PROTECTION, true, 0, 0);
    }

    /**
     * A stack fault: what a general protection fault is when the operand is in the stack segment.
     */
    static GuestFault stack() {
        return new GuestFault(STACK, true, 0, 0);
    }

    static GuestFault invalidOpcode() {
        return new GuestFault(INVALID_OPCODE, false, 0, 0);
    }

    static GuestFault deviceNotAvailable() {
        return new GuestFault(DEVICE_NOT_AVAILABLE, false, 0, 0);
    }

    static GuestFault floatingPoint() {
        return new GuestFault(FLOATING_POINT, false, 0, 0);
    }

    /** A page fault at a linear address, which goes into CR2. */
    static GuestFault page(int errorCode, long linear) {
        return new GuestFault(PAGE, true, errorCode, linear);
    }

    int vector() {
        return vector;
    }

    boolean hasErrorCode() {
        return hasErrorCode;
    }

    int errorCode() {
        return errorCode;
    }

    /** The linear address of a page fault. */
    long address() {
        return address;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Builds ACPI machine language: the few constructs that describe devices without behaviour (ACPI
 * 6.5, chapter 20). Every method returns the bytes of one term; terms nest as arguments.
 */
final class Aml {

    private static final int ZERO_OP = 0x00;
    private static final int ONE_OP = 0x01;
    private static final int NAME_OP = 0x08;
    private static final int BYTE_PREFIX = 0x0A;
    private static final int WORD_PREFIX = 0x0B;
    private static final int DWORD_PREFIX = 0x0C;
    private static final int STRING_PREFIX = 0x0D;
    private static final int SCOPE_OP = 0x10;
    private static final int BUFFER_OP = 0x11;
    private static final int PACKAGE_OP = 0x12;
    private static final int EXTENDED_PREFIX = 0x5B;
    private static final int DEVICE_OP = 0x82;

    private static final int IO_DESCRIPTOR = 0x47;
    private static final int DECODES_16_BITS = 0x01;
    private static final int IRQ_DESCRIPTOR = 0x22;
    private static final int END_DESCRIPTOR = 0x79;
    private static final int MEMORY32_FIXED_DESCRIPTOR = 0x86;
    private static final int MEMORY32_FIXED_SIZE = 9;
    private static final int READ_WRITE = 0x01;
    private static final int INTERRUPT_DESCRIPTOR = 0x89;
    private static final int INTERRUPT_SIZE = 6;
    private static final int CONSUMER = 0x01;
    private static final int EDGE = 0x02;

    private static final int SEGMENT_LENGTH = 4;

    /** Terms longer than this would need a longer form of their length than is built here. */
    private static final int PACKAGE_MAX = 1 << 20;

    /** Terms shorter than this have two bytes of length. */
    private static final int SHORT_PACKAGE = 1 << 12;

    private Aml() {}

    /** {@code Scope (path) { terms }}. */
    static byte[] scope(String path, byte[]... terms) {
        return packaged(new byte[] {SCOPE_OP}, concat(path(path), concat(terms)));
    }

    /** {@code Device (name) { terms }}. */
    static byte[] device(String name, byte[]... terms) {
        return packaged(
                new byte[] {EXTENDED_PREFIX, (byte) DEVICE_OP}, concat(path(name), concat(terms)));
    }

    /** {@code Name (name, value)}. */
    static byte[] name(String name, byte[] value) {
        return concat(new byte[] {NAME_OP}, path(name), value);
    }

    /** {@code Package () { elements }}. */
    static byte[] packageOf(byte[]... elements) {
        return packaged(
                new byte[] {PACKAGE_OP},
                concat(new byte[] {(byte) elements.length}, concat(elements)));
    }

    /** An integer constant, of 0 to 2^32-1, in its shortest form. */
    static byte[] integer(long value) {
        if (value < 0 || value > 0xFFFF_FFFFL) {
            throw new IllegalArgumentException("AML constant out of range: " + value);
        }
        TableWriter out = new TableWriter();
        if (value <= 1) {
            out.u8(value == 0 ? ZERO_OP : ONE_OP);
        } else if (value <= 0xFF) {
            out.u8(BYTE_PREFIX).u8((int) value);
        } else if (value <= 0xFFFF) {
            out.u8(WORD_PREFIX).u16((int) value);
        } else {
            out.u8(DWORD_PREFIX).u32(value);
        }
        return out.toBytes();
    }

    /** A string constant. */
    static byte[] string(String ascii) {
        return new TableWriter()
                .u8(STRING_PREFIX)
                .bytes(ascii.getBytes(StandardCharsets.US_ASCII))
                .u8(0)
                .toBytes();
    }

    /**
     * {@code EisaId (id)}: three letters and four hexadecimal digits, packed into 32 bits (ACPI
     * 6.5, 19.3.4).
     */
    static byte[] eisaId(String id) {
        int letters = (id.charAt(0) - '@') << 10 | (id.charAt(1) - '@') << 5 | (id.charAt(2) - '@');
        int number = Integer.parseInt(id.substring(3), 16);
        // The most significant byte comes first, unlike everywhere else.
        int packed = Integer.reverseBytes(letters << 16 | number);
        return integer(Integer.toUnsignedLong(packed));
    }

    /** {@code ResourceTemplate () { descriptors }}. */
    static byte[] resources(byte[]... descriptors) {
        // A checksum of zero in the end descriptor says that there is none.
        byte[] list = concat(concat(descriptors), new byte[] {END_DESCRIPTOR, 0});
        return packaged(new byte[] {BUFFER_OP}, concat(integer(list.length), list));
    }

    /** {@code IO (Decode16, port, port, 1, length)}. */
    static byte[] io(int port, int length) {
        return new TableWriter()
                .u8(IO_DESCRIPTOR)
                .u8(DECODES_16_BITS)
                .u16(port)
                .u16(port)
                .u8(1)
                .u8(length)
                .toBytes();
    }

    /** {@code IRQNoFlags () { irq }}: edge-triggered, active high, as on the ISA bus. */
    static byte[] irq(int irq) {
        return new TableWriter().u8(IRQ_DESCRIPTOR).u16(1 << irq).toBytes();
    }

    /** {@code Memory32Fixed (ReadWrite, base, length)}. */
    static byte[] memory32Fixed(long base, long length) {
        if (base < 0 || length <= 0 || base > 0xFFFF_FFFFL || length > 0xFFFF_FFFFL - base + 1) {
            throw new IllegalArgumentException(
                    "memory at 0x%x of 0x%x bytes is not below 4 GiB".formatted(base, length));
        }
        return new TableWriter()
                .u8(MEMORY32_FIXED_DESCRIPTOR)
                .u16(MEMORY32_FIXED_SIZE)
                .u8(READ_WRITE)
                .u32(base)
                .u32(length)
                .toBytes();
    }

    /** {@code Interrupt (ResourceConsumer, Edge or Level, ActiveHigh, Exclusive) { gsi }}. */
    static byte[] interrupt(int gsi, boolean edge) {
        return new TableWriter()
                .u8(INTERRUPT_DESCRIPTOR)
                .u16(INTERRUPT_SIZE)
                .u8(CONSUMER | (edge ? EDGE : 0))
                .u8(1)
                .u32(gsi)
                .toBytes();
    }

    static byte[] concat(byte[]... parts) {
        TableWriter out = new TableWriter();
        for (byte[] part : parts) {
            out.bytes(part);
        }
        return out.toBytes();
    }

    /** A name of one segment, absolute if it begins with a backslash; filled up to four letters. */
    private static byte[] path(String path) {
        boolean absolute = path.startsWith("\\");
        String segment = absolute ? path.substring(1) : path;
        if (!segment.toUpperCase(Locale.ROOT).equals(segment)
                || segment.isEmpty()
                || segment.length() > SEGMENT_LENGTH) {
            throw new IllegalArgumentException("Not an AML name: " + path);
        }
        String padded = segment + "_".repeat(SEGMENT_LENGTH - segment.length());
        return ((absolute ? "\\" : "") + padded).getBytes(StandardCharsets.US_ASCII);
    }

    /** The operator, the length of itself and the body (ACPI 6.5, 20.2.4), and the body. */
    private static byte[] packaged(byte[] operator, byte[] body) {
        int length = body.length + 1;
        TableWriter out = new TableWriter().bytes(operator);
        if (length < 1 << 6) {
            out.u8(length);
        } else if (length + 1 < SHORT_PACKAGE) {
            length++;
            out.u8(1 << 6 | (length & 0x0F)).u8(length >>> 4);
        } else {
            length += 2;
            if (length >= PACKAGE_MAX) {
                throw new IllegalArgumentException("AML term too long: " + length);
            }
            out.u8(2 << 6 | (length & 0x0F)).u16(length >>> 4);
        }
        return out.bytes(body).toBytes();
    }
}

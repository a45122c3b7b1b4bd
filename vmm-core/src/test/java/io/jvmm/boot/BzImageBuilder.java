// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;
import io.jvmm.boot.payload.Packer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Builds small bzImages: boot sector, setup, code that does nothing, payload. */
final class BzImageBuilder {

    static final String VERSION = "9.9.9-test";

    private static final int SETUP_SECTORS = 3;
    private static final int KERNEL = (SETUP_SECTORS + 1) * 512;

    /** Where the payload begins in the protected-mode kernel. */
    static final int PAYLOAD = 0x400;

    private int protocol = 0x020F;
    private int extendedFlags = 0x7F;
    private int loadFlags = 1;
    private byte[] payload = new byte[0];
    private long preferredAddress = TestKernels.LOAD_ADDRESS;
    private int initSize = 1 << 20;
    private int initrdMax = 0x7FFF_FFFF;
    private int commandLineMax = 2047;
    private String version = VERSION;
    private int shortBy;

    BzImageBuilder protocol(int value) {
        protocol = value;
        return this;
    }

    BzImageBuilder extendedFlags(int value) {
        extendedFlags = value;
        return this;
    }

    BzImageBuilder loadFlags(int value) {
        loadFlags = value;
        return this;
    }

    BzImageBuilder preferredAddress(long value) {
        preferredAddress = value;
        return this;
    }

    BzImageBuilder initSize(int value) {
        initSize = value;
        return this;
    }

    BzImageBuilder initrdMax(int value) {
        initrdMax = value;
        return this;
    }

    BzImageBuilder commandLineMax(int value) {
        commandLineMax = value;
        return this;
    }

    BzImageBuilder version(String value) {
        version = value;
        return this;
    }

    /** Leaves out that many bytes of the last unit of 16, which need not be complete. */
    BzImageBuilder shortBy(int bytes) {
        shortBy = bytes;
        return this;
    }

    /** The payload as it is. */
    BzImageBuilder payload(byte[] bytes) {
        payload = bytes.clone();
        return this;
    }

    /** The payload packed, with its size behind it as Linux's build does. */
    BzImageBuilder payload(Compression format, byte[] content) {
        byte[] packed = Packer.pack(format, content);
        return format == Compression.GZIP ? payload(packed) : payload(packed, content.length);
    }

    /** Packed bytes, and the size that they are said to unpack to. */
    BzImageBuilder payload(byte[] packed, int size) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(packed);
        out.writeBytes(little(4).putInt(size).array());
        return payload(out.toByteArray());
    }

    byte[] build() {
        int kernelSize = (PAYLOAD + payload.length + 15) & ~15;
        byte[] bytes = new byte[KERNEL + kernelSize];
        ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        file.put(0x1F1, (byte) SETUP_SECTORS);
        file.putInt(0x1F4, kernelSize / 16);
        file.putShort(0x1FE, (short) 0xAA55);
        file.put(0x200, (byte) 0xEB);
        file.put(0x201, (byte) 106);
        file.put(0x202, "HdrS".getBytes(StandardCharsets.US_ASCII));
        file.putShort(0x206, (short) protocol);
        file.putShort(0x20E, (short) 0x300);
        file.put(0x500, (version + " (someone@somewhere)\0").getBytes(StandardCharsets.US_ASCII));
        file.put(0x211, (byte) loadFlags);
        file.putInt(0x214, 0x10_0000);
        file.putInt(0x22C, initrdMax);
        file.putInt(0x230, 0x20_0000);
        file.put(0x234, (byte) 1);
        file.putShort(0x236, (short) extendedFlags);
        file.putInt(0x238, commandLineMax);
        file.putInt(0x248, PAYLOAD);
        file.putInt(0x24C, payload.length);
        file.putLong(0x258, preferredAddress);
        file.putInt(0x260, initSize);
        file.put(KERNEL, (byte) 0xFC);
        file.put(KERNEL + PAYLOAD, payload);
        return Arrays.copyOf(bytes, bytes.length - shortBy);
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}

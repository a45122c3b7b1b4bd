// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

/**
 * The setup header of a bzImage (kernel document "The Linux/x86 Boot Protocol"): what the kernel
 * says about itself, and where the loader leaves what the kernel must know. It keeps its offsets
 * when it is copied into the zero page.
 */
final class SetupHeader {

    /** Offset of the header in the file and in the zero page. */
    static final int START = 0x1F1;

    /** Where the zero page's next field begins; a longer header is cut off here. */
    static final int LIMIT = 0x290;

    static final int PROTOCOL_2_06 = 0x0206;
    static final int PROTOCOL_2_08 = 0x0208;
    static final int PROTOCOL_2_10 = 0x020A;
    static final int PROTOCOL_2_12 = 0x020C;

    static final int BOOT_FLAG = 0x1FE;
    static final int BOOT_FLAG_VALUE = 0xAA55;
    static final int MAGIC = 0x202;
    static final String MAGIC_VALUE = "HdrS";
    static final int VERSION = 0x206;
    static final int TYPE_OF_LOADER = 0x210;
    static final int LOAD_FLAGS = 0x211;
    static final int CODE32_START = 0x214;
    static final int RAMDISK_IMAGE = 0x218;
    static final int RAMDISK_SIZE = 0x21C;
    static final int COMMAND_LINE = 0x228;
    static final int INITRD_MAX = 0x22C;
    static final int KERNEL_ALIGNMENT = 0x230;
    static final int COMMAND_LINE_SIZE = 0x238;
    static final int SETUP_DATA = 0x250;

    /** Load flag: the protected-mode kernel belongs at 1 MiB, which makes the image a bzImage. */
    static final int LOADED_HIGH = 0x01;

    private static final int SETUP_SECTORS = 0x1F1;
    private static final int SYSTEM_SIZE = 0x1F4;
    private static final int JUMP_DISTANCE = 0x201;
    private static final int KERNEL_VERSION = 0x20E;
    private static final int RELOCATABLE = 0x234;
    private static final int EXTENDED_LOAD_FLAGS = 0x236;
    private static final int PAYLOAD_OFFSET = 0x248;
    private static final int PAYLOAD_LENGTH = 0x24C;
    private static final int PREFERRED_ADDRESS = 0x258;
    private static final int INIT_SIZE = 0x260;

    /** Extended load flag: the kernel is 64-bit and has the 64-bit entry. */
    private static final int KERNEL_64 = 0x01;

    private static final int SECTOR = 512;

    /** Unit of the kernel's size in bytes. */
    static final int PARAGRAPH = 16;

    private static final int VERSION_TEXT_MAX = 128;

    private final Bytes bytes;

    /** The header in a file's beginning that {@link #isPresent}. */
    SetupHeader(Bytes bytes) {
        this.bytes = bytes;
    }

    /** Whether a file with this beginning has the header, or its start. */
    static boolean isPresent(Bytes bytes) {
        return bytes.has(BOOT_FLAG, "U\u00aa") && bytes.has(MAGIC, MAGIC_VALUE);
    }

    /** First offset after the header. */
    int end() {
        return Math.min(LIMIT, MAGIC + bytes.u8(JUMP_DISTANCE));
    }

    /** Boot protocol: major version in the upper byte, minor in the lower. */
    int protocol() {
        return bytes.u16(VERSION);
    }

    /** Boot protocol as it is written, like "2.15". */
    String protocolText() {
        return "%d.%02d".formatted(protocol() >>> 8, protocol() & 0xFF);
    }

    /** Offset in the file of the protected-mode kernel: behind the boot sector and the setup. */
    long kernelOffset() {
        int sectors = bytes.u8(SETUP_SECTORS);
        // 0 stands for 4, for the sake of very old kernels.
        return (sectors == 0 ? 4 : sectors) * (long) SECTOR + SECTOR;
    }

    /** Size of the protected-mode kernel in bytes. */
    long kernelSize() {
        return bytes.u32(SYSTEM_SIZE) * PARAGRAPH;
    }

    boolean loadedHigh() {
        return (bytes.u8(LOAD_FLAGS) & LOADED_HIGH) != 0;
    }

    /** Where the protected-mode kernel is loaded unless the loader decides otherwise. */
    long defaultLoadAddress() {
        return bytes.u32(CODE32_START);
    }

    /** Highest address that a byte of the initial RAM disk may have. */
    long initrdMax() {
        return bytes.u32(INITRD_MAX);
    }

    /** Longest command line in bytes, without the zero at its end. */
    long commandLineMax() {
        return bytes.u32(COMMAND_LINE_SIZE);
    }

    boolean relocatable() {
        return bytes.u8(RELOCATABLE) != 0;
    }

    /** Whether the kernel says that it is 64-bit; only since {@link #PROTOCOL_2_12}. */
    boolean has64BitEntry() {
        return protocol() >= PROTOCOL_2_12 && (bytes.u16(EXTENDED_LOAD_FLAGS) & KERNEL_64) != 0;
    }

    /** Offset of the payload in the protected-mode kernel; 0 before {@link #PROTOCOL_2_08}. */
    long payloadOffset() {
        return protocol() >= PROTOCOL_2_08 ? bytes.u32(PAYLOAD_OFFSET) : 0;
    }

    /** Size of the payload in bytes; 0 where the protocol has no such field. */
    long payloadLength() {
        return protocol() >= PROTOCOL_2_08 ? bytes.u32(PAYLOAD_LENGTH) : 0;
    }

    /** Where the kernel would like to run; 0 where the protocol has no such field. */
    long preferredAddress() {
        return protocol() >= PROTOCOL_2_10 ? bytes.i64(PREFERRED_ADDRESS) : 0;
    }

    /** Memory in bytes that it needs from there on; 0 where the protocol has no such field. */
    long initSize() {
        return protocol() >= PROTOCOL_2_10 ? bytes.u32(INIT_SIZE) : 0;
    }

    /** The kernel's version text, up to the first blank; empty if it does not say. */
    String kernelVersion() {
        int pointer = bytes.u16(KERNEL_VERSION);
        int offset = pointer + SECTOR;
        if (pointer == 0 || offset >= bytes.size()) {
            return "";
        }
        String text = bytes.text(offset, VERSION_TEXT_MAX);
        int blank = text.indexOf(' ');
        return blank < 0 ? text : text.substring(0, blank);
    }

    /** A copy of the header, from {@link #START} to {@link #end}. */
    byte[] copy() {
        return java.util.Arrays.copyOfRange(bytes.array(), START, end());
    }
}

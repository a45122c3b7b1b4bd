// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The sections of a 64-bit little-endian ELF file, found by name. Offsets that lead out of the file
 * are reported as damage.
 *
 * <p>Layout: System V ABI, "Object Files", and its AMD64 supplement.
 */
final class ElfSections {

    private static final int MAGIC = 0x464C_457F;
    private static final int CLASS_64 = 2;
    private static final int SECTION_TABLE_OFFSET = 0x28;
    private static final int SECTION_ENTRY_SIZE = 0x3A;
    private static final int SECTION_COUNT = 0x3C;
    private static final int NAME_TABLE_INDEX = 0x3E;

    private final ByteBuffer file;
    private final String name;

    private ElfSections(ByteBuffer file, String name) {
        this.file = file;
        this.name = name;
    }

    /**
     * The sections of the file with these bytes.
     *
     * @param name what to call it in messages
     * @throws ImageException if it is no such file
     */
    static ElfSections of(byte[] bytes, String name) {
        ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < 64 || file.getInt(0) != MAGIC || file.get(4) != CLASS_64) {
            throw new ImageException(name + " is not a 64-bit ELF file");
        }
        return new ElfSections(file, name);
    }

    /** A copy of the bytes of the first section of this name. */
    Optional<byte[]> content(String section) {
        try {
            int count = Short.toUnsignedInt(file.getShort(SECTION_COUNT));
            ByteBuffer names = bytesOf(Short.toUnsignedInt(file.getShort(NAME_TABLE_INDEX)));
            byte[] wanted = (section + "\0").getBytes(StandardCharsets.US_ASCII);
            for (int index = 1; index < count; index++) {
                int start = file.getInt(headerOf(index));
                if (start + wanted.length <= names.limit()
                        && names.slice(start, wanted.length).equals(ByteBuffer.wrap(wanted))) {
                    ByteBuffer found = bytesOf(index);
                    byte[] copy = new byte[found.remaining()];
                    found.get(copy);
                    return Optional.of(copy);
                }
            }
            return Optional.empty();
        } catch (IndexOutOfBoundsException | ArithmeticException e) {
            throw new ImageException(name + " is a damaged ELF file", e);
        }
    }

    private ByteBuffer bytesOf(int index) {
        int header = headerOf(index);
        int offset = Math.toIntExact(file.getLong(header + 0x18));
        int size = Math.toIntExact(file.getLong(header + 0x20));
        return file.slice(offset, size);
    }

    private int headerOf(int index) {
        int entrySize = Short.toUnsignedInt(file.getShort(SECTION_ENTRY_SIZE));
        return Math.addExact(
                Math.toIntExact(file.getLong(SECTION_TABLE_OFFSET)),
                Math.multiplyExact(index, entrySize));
    }
}

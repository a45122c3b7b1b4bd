// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The format of saved components as one block of bytes, little-endian:
 *
 * <pre>
 *  0   8  magic "jvmm-x86": the program and the architecture
 *  8   4  version of this format, 1
 * 12   4  length of the body in bytes
 * 16   n  body: number of components (4), then for each
 *           kind (2 + text), instance (4), version (4), payload (4 + bytes)
 * 16+n 4  CRC-32C of all bytes before
 * </pre>
 */
public final class StateFile {

    /** The largest file in bytes. */
    public static final int MAX_SIZE = 64 << 20;

    static final int FORMAT_VERSION = 1;
    static final int HEADER_SIZE = 16;
    static final int CHECKSUM_SIZE = 4;

    private static final long MAGIC = 0x3638_782D_6D6D_766AL; // "jvmm-x86", first letter lowest
    private static final int MAX_COMPONENTS = 1 << 16;

    private StateFile() {}

    /**
     * Writes components.
     *
     * @throws IllegalArgumentException if they are more than a file holds
     */
    public static Bytes encode(Collection<Saved> components) {
        StateWriter body = new StateWriter().i32(components.size());
        long size = HEADER_SIZE + CHECKSUM_SIZE;
        for (Saved component : components) {
            size += component.payload().length() + Saved.MAX_KIND + 16L;
            if (size > MAX_SIZE || components.size() > MAX_COMPONENTS) {
                throw new IllegalArgumentException(
                        "%d components exceed %d bytes".formatted(components.size(), MAX_SIZE));
            }
            body.text(component.kind())
                    .i32(component.instance())
                    .i32(component.version())
                    .bytes(component.payload());
        }
        Bytes content = body.toBytes();
        StateWriter file =
                new StateWriter()
                        .i64(MAGIC)
                        .i32(FORMAT_VERSION)
                        .i32(content.length())
                        .raw(content.shared());
        byte[] checked = file.toBytes().shared();
        return file.i32(checksum(checked, checked.length)).toBytes();
    }

    /**
     * Reads components.
     *
     * @param file whole
     * @return the components in their order
     * @throws StateException if this is no such file, or is damaged
     */
    public static List<Saved> decode(Bytes file) {
        byte[] content = file.shared();
        StateReader header = new StateReader("saved state", content, 0, content.length);
        if (header.remaining() < HEADER_SIZE + CHECKSUM_SIZE || header.i64() != MAGIC) {
            throw header.broken("this is not the saved state of an x86 machine of jvmm");
        }
        int format = header.i32();
        if (format != FORMAT_VERSION) {
            throw header.broken(
                    "format version %d; this program reads %d"
                            .formatted(Integer.toUnsignedLong(format), FORMAT_VERSION));
        }
        long length = Integer.toUnsignedLong(header.i32());
        int bodyEnd = content.length - CHECKSUM_SIZE;
        if (length != bodyEnd - HEADER_SIZE || content.length > MAX_SIZE) {
            throw header.broken(
                    "%d bytes where the header says %d"
                            .formatted(content.length, HEADER_SIZE + length + CHECKSUM_SIZE));
        }
        int expected = new StateReader("saved state", content, bodyEnd, content.length).i32();
        int actual = checksum(content, bodyEnd);
        if (actual != expected) {
            throw header.broken("damaged: checksum %08x, not %08x".formatted(actual, expected));
        }
        return components(new StateReader("saved state", content, HEADER_SIZE, bodyEnd));
    }

    private static List<Saved> components(StateReader body) {
        int count = body.count(MAX_COMPONENTS);
        List<Saved> components = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String kind = body.text(Saved.MAX_KIND);
            int instance = body.i32();
            int version = body.i32();
            Bytes payload = body.bytes(Saved.MAX_PAYLOAD);
            try {
                components.add(new Saved(kind, instance, version, payload));
            } catch (IllegalArgumentException e) {
                throw new StateException("saved state: " + e.getMessage(), e);
            }
        }
        body.finish();
        return List.copyOf(components);
    }

    private static int checksum(byte[] content, int length) {
        CRC32C crc = new CRC32C();
        crc.update(content, 0, length);
        return (int) crc.getValue();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Builds small ELF64 files: program headers, then the content of each, one after the other. */
final class ElfBuilder {

    private record Segment(
            int type, long virtual, long physical, MemorySegment content, long memorySize) {
        int size() {
            return (int) content.byteSize();
        }
    }

    private final List<Segment> segments = new ArrayList<>();
    private long entry = TestKernels.ELF_ENTRY;
    private int type = 2;
    private int machine = 62;
    private boolean wide = true;

    ElfBuilder entry(long address) {
        entry = address;
        return this;
    }

    ElfBuilder type(int value) {
        type = value;
        return this;
    }

    /** Makes it a 32-bit file for 32-bit x86. */
    ElfBuilder narrow() {
        wide = false;
        machine = 3;
        return this;
    }

    ElfBuilder machine(int value) {
        machine = value;
        return this;
    }

    ElfBuilder load(long physical, byte[] content, long memorySize) {
        return load(physical, physical, content, memorySize);
    }

    ElfBuilder load(long virtual, long physical, byte[] content, long memorySize) {
        segments.add(new Segment(1, virtual, physical, MemorySegment.ofArray(content), memorySize));
        return this;
    }

    ElfBuilder segment(int segmentType, byte[] content) {
        segments.add(
                new Segment(segmentType, 0, 0, MemorySegment.ofArray(content), content.length));
        return this;
    }

    /** A note segment with one note. */
    ElfBuilder note(String name, int noteType, byte[] content) {
        byte[] owner = (name + "\0").getBytes(StandardCharsets.US_ASCII);
        int nameRoom = (owner.length + 3) & ~3;
        int contentRoom = (content.length + 3) & ~3;
        byte[] bytes = new byte[12 + nameRoom + contentRoom];
        ByteBuffer note = little(bytes);
        note.putInt(owner.length).putInt(content.length).putInt(noteType);
        note.put(owner).position(12 + nameRoom);
        note.put(content);
        return segment(4, bytes);
    }

    ElfBuilder pvhEntry(long address) {
        byte[] content = new byte[8];
        little(content).putLong(address);
        return note("Xen", 18, content);
    }

    byte[] build() {
        return wide ? build64() : build32();
    }

    private byte[] build32() {
        int offset = 52 + 32 * segments.size();
        byte[] bytes = new byte[offset + segments.stream().mapToInt(Segment::size).sum()];
        ByteBuffer file = little(bytes);
        file.put(new byte[] {0x7F, 'E', 'L', 'F', 1, 1, 1});
        file.position(16);
        file.putShort((short) type).putShort((short) machine).putInt(1);
        file.putInt((int) entry).putInt(52).putInt(0).putInt(0);
        file.putShort((short) 52).putShort((short) 32).putShort((short) segments.size());
        file.position(52);
        for (Segment segment : segments) {
            file.putInt(segment.type).putInt(offset);
            file.putInt((int) segment.virtual).putInt((int) segment.physical);
            file.putInt(segment.size()).putInt((int) segment.memorySize).putInt(7).putInt(4096);
            offset += segment.size();
        }
        segments.forEach(segment -> file.put(segment.content.asByteBuffer()));
        return bytes;
    }

    private byte[] build64() {
        int offset = 64 + 56 * segments.size();
        int size = offset + segments.stream().mapToInt(Segment::size).sum();
        byte[] bytes = new byte[size];
        ByteBuffer file = little(bytes);
        file.put(new byte[] {0x7F, 'E', 'L', 'F', 2, 1, 1});
        file.position(16);
        file.putShort((short) type).putShort((short) machine).putInt(1);
        file.putLong(entry).putLong(64).putLong(0).putInt(0);
        file.putShort((short) 64).putShort((short) 56).putShort((short) segments.size());
        file.position(64);
        for (Segment segment : segments) {
            file.putInt(segment.type).putInt(7).putLong(offset);
            file.putLong(segment.virtual).putLong(segment.physical);
            file.putLong(segment.size()).putLong(segment.memorySize).putLong(4096);
            offset += segment.size();
        }
        segments.forEach(segment -> file.put(segment.content.asByteBuffer()));
        return bytes;
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}

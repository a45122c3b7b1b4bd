// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.OptionalLong;

/**
 * What an ELF file's notes say to a loader.
 *
 * @param pvhEntry the 32-bit entry of the PVH boot protocol ({@code XEN_ELFNOTE_PHYS32_ENTRY})
 * @param linux whether nothing says that it is another system than Linux
 * @param program whether it is a program for an operating system
 * @param any whether it has a note beside its PVH entry, as every Linux does
 */
record ElfNotes(OptionalLong pvhEntry, boolean linux, boolean program, boolean any) {

    private static final int NOTE_HEADER = 12;

    /** More than this is not read from a note segment; real ones have less than 4 KiB. */
    private static final int SEGMENT_MAX = 1 << 20;

    /** Real files have a handful. */
    private static final int SEGMENTS_MAX = 64;

    private static final int XEN_GUEST_OS = 6;
    private static final int XEN_PHYS32_ENTRY = 18;
    private static final int GNU_ABI_TAG = 1;

    /**
     * The note segments as they are to be read. What is not within the file, and what is beyond the
     * first MiB of a segment, is as if it were not there.
     */
    static List<ElfSegment> segments(ByteSource source, List<ElfSegment> all) {
        return all.stream()
                .filter(segment ->
                        segment.type() == ElfSegment.NOTE && ElfImage.withinFile(segment, source))
                .limit(SEGMENTS_MAX)
                .toList();
    }

    /** The piece of a note segment that is read. */
    static Piece piece(ElfSegment segment) {
        int size = (int) Math.min(SEGMENT_MAX, segment.fileSize());
        return new Piece(segment.offset(), MemorySegment.ofArray(new byte[size]));
    }

    /** What the notes in all note segments say. What is malformed ends its segment. */
    static ElfNotes of(String name, List<ElfSegment> segments, List<Piece> contents) {
        OptionalLong pvhEntry = OptionalLong.empty();
        boolean linux = true;
        boolean program = false;
        boolean any = false;
        for (int i = 0; i < segments.size(); i++) {
            ElfSegment segment = segments.get(i);
            byte[] content = contents.get(i).target().toArray(ValueLayout.JAVA_BYTE);
            Bytes notes = new Bytes(name, content);
            int size = content.length;
            int alignment = segment.alignment() == 8 ? 8 : 4;
            int at = 0;
            while (at <= size - NOTE_HEADER) {
                long nameSize = notes.u32(at);
                long contentSize = notes.u32(at + 4);
                long type = notes.u32(at + 8);
                int owner = at + NOTE_HEADER;
                long body = align(owner + nameSize, alignment);
                long next = align(body + contentSize, alignment);
                if (body + contentSize > size) {
                    break;
                }
                boolean pvh = notes.has(owner, "Xen\0") && type == XEN_PHYS32_ENTRY;
                if (pvh && contentSize >= 4) {
                    pvhEntry = OptionalLong.of(notes.u32((int) body));
                } else if (notes.has(owner, "Xen\0") && type == XEN_GUEST_OS) {
                    linux = notes.has((int) body, "linux");
                } else if (notes.has(owner, "GNU\0") && type == GNU_ABI_TAG) {
                    program = true;
                }
                any |= !pvh;
                at = (int) Math.min(size, next);
            }
        }
        return new ElfNotes(pvhEntry, linux, program, any);
    }

    private static long align(long value, int alignment) {
        return (value + alignment - 1) & -alignment;
    }
}

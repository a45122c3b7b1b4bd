package io.jvmm.boot;

import java.util.List;
import java.util.OptionalLong;

/**
 * What an ELF file's notes say to a loader.
 *
 * @param pvhEntry the 32-bit entry of the PVH boot protocol ({@code XEN_ELFNOTE_PHYS32_ENTRY})
 * @param linux whether nothing says that it is another system than Linux
 * @param program whether it is a program for an operating system
 * @param any whether it has a note at all, as every Linux does
 */
record ElfNotes(OptionalLong pvhEntry, boolean linux, boolean program, boolean any) {

    private static final int NOTE_HEADER = 12;

    /** More than this is not read from a note segment; real ones have less than 4 KiB. */
    private static final int SEGMENT_MAX = 1 << 20;

    private static final int XEN_GUEST_OS = 6;
    private static final int XEN_PHYS32_ENTRY = 18;
    private static final int GNU_ABI_TAG = 1;

    /**
     * Reads all note segments. What is malformed ends its segment, and is as if it were not there.
     */
    static ElfNotes read(ByteSource source, List<ElfSegment> segments) {
        OptionalLong pvhEntry = OptionalLong.empty();
        boolean linux = true;
        boolean program = false;
        boolean any = false;
        for (ElfSegment segment : segments) {
            if (segment.type() != ElfSegment.NOTE || !ElfImage.withinFile(segment, source)) {
                continue;
            }
            int size = (int) Math.min(SEGMENT_MAX, segment.fileSize());
            Bytes notes = source.fields(segment.offset(), size);
            int alignment = segment.alignment() == 8 ? 8 : 4;
            int at = 0;
            while (at <= size - NOTE_HEADER) {
                long nameSize = notes.u32(at);
                long contentSize = notes.u32(at + 4);
                long type = notes.u32(at + 8);
                int name = at + NOTE_HEADER;
                long content = align(name + nameSize, alignment);
                long next = align(content + contentSize, alignment);
                if (content + contentSize > size) {
                    break;
                }
                if (notes.has(name, "Xen\0") && type == XEN_PHYS32_ENTRY && contentSize >= 4) {
                    pvhEntry = OptionalLong.of(notes.u32((int) content));
                } else if (notes.has(name, "Xen\0") && type == XEN_GUEST_OS) {
                    linux = notes.has((int) content, "linux");
                } else if (notes.has(name, "GNU\0") && type == GNU_ABI_TAG) {
                    program = true;
                }
                any = true;
                at = (int) Math.min(size, next);
            }
        }
        return new ElfNotes(pvhEntry, linux, program, any);
    }

    private static long align(long value, int alignment) {
        return (value + alignment - 1) & -alignment;
    }
}

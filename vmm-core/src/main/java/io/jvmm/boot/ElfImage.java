// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/**
 * An ELF executable: a {@code vmlinux}, or a small payload without an operating system. A 64-bit
 * one is entered at its entry point or through its PVH note, a 32-bit one through its PVH note. For
 * one thread.
 */
final class ElfImage implements KernelImage {

    private final ByteSource source;
    private final String subject;
    private final ElfHeader header;
    private final List<ElfSegment> segments;
    private final List<ElfSegment> noteSegments;
    private @Nullable ElfNotes notes;

    private ElfImage(
            ByteSource source,
            String subject,
            ElfHeader header,
            List<ElfSegment> segments,
            List<ElfSegment> noteSegments) {
        this.source = source;
        this.subject = subject;
        this.header = header;
        this.segments = segments;
        this.noteSegments = noteSegments;
    }

    /**
     * Reads and checks the headers of a file that {@link ElfHeader#isForThisMachine}.
     *
     * @param subject how to call it at the beginning of a sentence
     * @throws BootException if they are not those of a kernel, or do not fit the file
     */
    static ElfImage parse(ByteSource source, String subject) {
        ElfHeader header = ElfHeader.read(new Bytes(source.name(), source.head(ElfHeader.SIZE)));
        if (header.type() != ElfHeader.TYPE_EXECUTABLE && header.type() != ElfHeader.TYPE_DYNAMIC) {
            throw notAKernel(source, subject);
        }
        List<ElfSegment> all = readTable(source, subject, header);
        boolean dynamic =
                all.stream()
                        .anyMatch(s ->
                                s.type() == ElfSegment.INTERPRETER
                                        || s.type() == ElfSegment.DYNAMIC);
        if (dynamic) {
            throw aProgram(subject);
        }
        List<ElfSegment> loads = new ArrayList<>();
        for (ElfSegment segment : all) {
            if (segment.type() == ElfSegment.LOAD && segment.memorySize() != 0) {
                check(source, subject, segment);
                loads.add(segment);
            }
        }
        if (loads.isEmpty()) {
            throw new BootException(subject + " is an ELF file with nothing to load");
        }
        loads.sort(Comparator.comparingLong(ElfSegment::address));
        for (int i = 1; i < loads.size(); i++) {
            if (loads.get(i).address() < loads.get(i - 1).end()) {
                throw new BootException(
                        subject
                                + " is corrupt: two of its segments overlap at 0x%x"
                                        .formatted(loads.get(i).address()));
            }
        }
        ElfImage image =
                new ElfImage(
                        source,
                        subject,
                        header,
                        List.copyOf(loads),
                        ElfNotes.segments(source, all));
        if (!source.isSequential()) {
            List<Piece> pieces = image.notePieces();
            source.readAll(pieces);
            image.take(pieces);
        }
        return image;
    }

    private static BootException aProgram(String subject) {
        return new BootException(
                subject
                        + " is not a kernel: it is a program or library for an operating system"
                        + " (ELF)");
    }

    private List<Piece> notePieces() {
        return noteSegments.stream().map(ElfNotes::piece).toList();
    }

    private void take(List<Piece> pieces) {
        ElfNotes read = ElfNotes.of(source.name(), noteSegments, pieces);
        if (read.program()) {
            throw aProgram(subject);
        }
        notes = read;
    }

    /** What its notes say. They are read with the rest if reading back is expensive. */
    ElfNotes notes() {
        ElfNotes read = notes;
        if (read == null) {
            throw new IllegalStateException("the notes are known once it is loaded");
        }
        return read;
    }

    ByteSource source() {
        return source;
    }

    String subject() {
        return subject;
    }

    /** The loadable segments that are not empty, in ascending order of address. */
    List<ElfSegment> segments() {
        return segments;
    }

    /** Whether it is a 32-bit file, whose entry point says nothing about the mode it is for. */
    boolean is32Bit() {
        return !header.wide();
    }

    /** Whether nothing but its PVH note says where to enter it. */
    boolean isPvhOnly() {
        OptionalLong pvh = notes().pvhEntry();
        if (pvh.isEmpty()) {
            return false;
        }
        OptionalLong declared = declaredEntry();
        return is32Bit() || declared.isEmpty() || declared.getAsLong() == pvh.getAsLong();
    }

    private static BootException notAKernel(ByteSource source, String subject) {
        String kind = FileKind.of(source.head(FileKind.HEAD));
        return new BootException(subject + " is not a kernel: it is " + kind);
    }

    private static List<ElfSegment> readTable(ByteSource source, String subject, ElfHeader header) {
        if (header.count() == 0) {
            throw new BootException(subject + " is an ELF file with nothing to load");
        }
        if (header.tableEntrySize() != header.tableEntrySizeExpected()) {
            throw new BootException(
                    subject
                            + " is corrupt: its ELF program headers have %d bytes each, not %d"
                                    .formatted(
                                            header.tableEntrySize(),
                                            header.tableEntrySizeExpected()));
        }
        int entrySize = header.tableEntrySizeExpected();
        int length = header.count() * entrySize;
        long offset = header.tableOffset();
        if (!source.has(offset, length)) {
            throw new BootException(
                    subject + " is truncated or corrupt: it ends before its ELF program headers");
        }
        Bytes table = source.fields(offset, length);
        return IntStream.range(0, header.count())
                .mapToObj(i ->
                        header.wide()
                                ? ElfSegment.read(table, i * entrySize)
                                : ElfSegment.read32(table, i * entrySize))
                .toList();
    }

    /** Whether the segment's bytes lie within the file. */
    static boolean withinFile(ElfSegment segment, ByteSource source) {
        return segment.fileSize() == 0 || source.has(segment.offset(), segment.fileSize());
    }

    private static void check(ByteSource source, String subject, ElfSegment segment) {
        if (!withinFile(segment, source)) {
            throw new BootException(
                    subject
                            + " is truncated: a segment has 0x%x bytes at 0x%x, the file %s"
                                    .formatted(
                                            segment.fileSize(),
                                            segment.offset(),
                                            Sizes.describe(source.size())));
        }
        if (segment.memorySize() < 0 || segment.fileSize() > segment.memorySize()) {
            throw new BootException(
                    subject
                            + " is corrupt: a segment has 0x%x bytes in the file and 0x%x in memory"
                                    .formatted(segment.fileSize(), segment.memorySize()));
        }
        if (segment.address() < 0 || segment.memorySize() > Long.MAX_VALUE - segment.address()) {
            throw new BootException(
                    subject
                            + " is corrupt: a segment has the impossible address 0x%x"
                                    .formatted(segment.address()));
        }
        if (segment.address() < GuestLayout.KERNEL_MIN) {
            throw new BootException(
                    subject
                            + " wants to be loaded at 0x%x, but memory below 1 MiB is not free"
                                    .formatted(segment.address()));
        }
    }

    /**
     * Puts the segments into guest memory, which is all zeros where they go.
     *
     * @return the first address after the last segment
     * @throws BootException if they do not fit
     */
    long load(GuestMemory memory, long lowMemoryEnd) {
        long end = segments.getLast().end();
        if (end > lowMemoryEnd) {
            throw new BootException(
                    subject
                            + " needs memory up to %s, the guest has %s%s; give it more"
                                    .formatted(
                                            Sizes.describe(end),
                                            Sizes.describe(lowMemoryEnd),
                                            lowMemoryEnd == GuestLayout.MMIO_HOLE
                                                    ? " below the device hole"
                                                    : ""));
        }
        List<Piece> pieces = new ArrayList<>();
        List<Piece> notePieces = notes == null ? notePieces() : List.of();
        pieces.addAll(notePieces);
        for (ElfSegment segment : segments) {
            if (segment.fileSize() > 0) {
                MemorySegment target = memory.writable(segment.address(), segment.fileSize());
                pieces.add(new Piece(segment.offset(), target));
            }
        }
        source.readAll(pieces);
        source.finish();
        if (notes == null) {
            take(notePieces);
        }
        return end;
    }

    /**
     * Guest-physical address of the entry point. Most kernels give it as such; some give the
     * address where they are linked.
     *
     * @throws BootException if it is in no segment
     */
    long entry() {
        return declaredEntry()
                .orElseThrow(() ->
                        new BootException(
                                subject
                                        + " is corrupt: its entry point 0x%x is in none of its"
                                                .formatted(header.entry())
                                        + " segments"));
    }

    private OptionalLong declaredEntry() {
        long entry = header.entry();
        for (ElfSegment segment : segments) {
            if (isWithin(entry, segment.address(), segment.fileSize())) {
                return OptionalLong.of(entry);
            }
        }
        for (ElfSegment segment : segments) {
            if (isWithin(entry, segment.virtualAddress(), segment.fileSize())) {
                return OptionalLong.of(entry - segment.virtualAddress() + segment.address());
            }
        }
        return OptionalLong.empty();
    }

    /**
     * Guest-physical address of the PVH entry.
     *
     * @throws BootException if there is none, or it is in no segment
     */
    long pvhEntry() {
        long entry =
                notes().pvhEntry()
                        .orElseThrow(() ->
                                new BootException(
                                        subject
                                                + " has no PVH entry (built without"
                                                + " CONFIG_PVH); use another boot entry"));
        for (ElfSegment segment : segments) {
            if (isWithin(entry, segment.address(), segment.fileSize())) {
                return entry;
            }
        }
        throw new BootException(
                subject
                        + " is corrupt: its PVH entry 0x%x is in none of its segments"
                                .formatted(entry));
    }

    private static boolean isWithin(long address, long start, long size) {
        // A virtual address is negative as a long; the difference is right all the same.
        return Long.compareUnsigned(address - start, size) < 0;
    }

    @Override
    public boolean isLinux() {
        ElfNotes read = notes;
        return read == null || (read.any() && read.linux());
    }

    @Override
    public String description() {
        return "ELF file " + source.name();
    }

    @Override
    public void close() {
        source.close();
    }
}

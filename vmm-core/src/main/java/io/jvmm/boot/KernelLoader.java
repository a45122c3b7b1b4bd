// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.memory.GuestMemory;

import java.util.Optional;

/** Chooses how to enter a kernel and puts it into guest memory accordingly. */
final class KernelLoader {

    /** The most that a compressed kernel may unpack to, whatever the guest's memory. */
    private static final int UNPACKED_MAX = 1 << 30;

    private final GuestMemory memory;
    private final long lowMemoryEnd;
    private final BootEntry wanted;

    /**
     * A loader into {@code memory}, of which [0, lowMemoryEnd) is one region.
     *
     * @param wanted the entry asked for
     */
    KernelLoader(GuestMemory memory, long lowMemoryEnd, BootEntry wanted) {
        this.memory = memory;
        this.lowMemoryEnd = lowMemoryEnd;
        this.wanted = wanted;
    }

    LoadedKernel load(KernelImage image) {
        return switch (image) {
            case BzImage bzImage -> load(bzImage);
            case ElfImage elf -> load(elf);
            case PackedImage packed -> load(packed);
        };
    }

    private LoadedKernel load(PackedImage packed) {
        LoadedKernel loaded;
        try (KernelImage content = packed.unpack(unpackedMax())) {
            loaded = load(content);
        }
        return new LoadedKernel(
                loaded.via(),
                loaded.entry(),
                loaded.start(),
                loaded.end(),
                loaded.header(),
                packed.description() + ", unpacked on the host; " + loaded.description());
    }

    /** Nothing larger than the guest could be loaded anyway. */
    private int unpackedMax() {
        return (int) Math.min(UNPACKED_MAX, lowMemoryEnd);
    }

    private LoadedKernel load(ElfImage elf) {
        return switch (wanted) {
            case AUTO, ELF64, PVH -> loadElf(elf, Optional.empty(), elf.description());
            case BZIMAGE64, BZIMAGE32 ->
                    throw new BootException(
                            elf.subject()
                                    + " is an ELF file, which has no "
                                    + wanted.label()
                                    + " entry; use elf64 or pvh");
        };
    }

    private LoadedKernel loadElf(ElfImage elf, Optional<SetupHeader> header, String description) {
        long end = elf.load(memory, lowMemoryEnd);
        boolean anotherSystem = !elf.notes().linux() && elf.notes().pvhEntry().isPresent();
        boolean pvh =
                wanted == BootEntry.PVH
                        || (wanted == BootEntry.AUTO && (anotherSystem || elf.isPvhOnly()));
        if (!pvh && elf.is32Bit()) {
            throw new BootException(
                    elf.subject()
                            + " is an ELF file for 32-bit x86, which can be entered through its PVH"
                            + " note only, and "
                            + (elf.notes().pvhEntry().isPresent()
                                    ? "boot entry elf64 was asked for"
                                    : "it has none"));
        }
        long entry = pvh ? elf.pvhEntry() : elf.entry();
        return new LoadedKernel(
                pvh ? BootEntry.PVH : BootEntry.ELF64,
                entry,
                elf.segments().getFirst().address(),
                end,
                header,
                description);
    }

    private LoadedKernel load(BzImage image) {
        return switch (wanted) {
            case AUTO -> {
                if (image.payloadIsElf() || image.compression().isPresent()) {
                    yield loadPayload(image);
                }
                yield image.header().has64BitEntry()
                        ? loadWhole(image, BootEntry.BZIMAGE64)
                        : loadWhole(image, BootEntry.BZIMAGE32);
            }
            case ELF64, PVH -> loadPayload(image);
            case BZIMAGE64, BZIMAGE32 -> loadWhole(image, wanted);
        };
    }

    private LoadedKernel loadPayload(BzImage image) {
        String subject = "Kernel " + image.source().name();
        if (!image.hasPayload()) {
            throw new BootException(
                    subject
                            + " does not say where its payload is (boot protocol "
                            + image.header().protocolText()
                            + "); use boot entry bzimage32");
        }
        if (!image.payloadIsElf() && image.compression().isEmpty()) {
            throw new BootException(
                    subject
                            + " has a payload in no format that can be unpacked here; use boot"
                            + " entry bzimage64, with which it unpacks itself");
        }
        String packing =
                image.compression()
                        .map(c -> c.label() + " payload unpacked on the host")
                        .orElse("payload not compressed");
        try (ElfImage payload = image.unpack(unpackedMax())) {
            String description =
                    "%s, %s to %s; no KASLR, it runs where it was linked"
                            .formatted(
                                    image.description(),
                                    packing,
                                    Sizes.describe(payload.source().size()));
            return loadElf(payload, Optional.of(image.header()), description);
        }
    }

    /** Loads the kernel as it is; it unpacks itself in the guest. */
    private LoadedKernel loadWhole(BzImage image, BootEntry via) {
        if (via == BootEntry.BZIMAGE64 && !image.header().has64BitEntry()) {
            throw new BootException(
                    "Kernel %s has no 64-bit bzImage entry (boot protocol %s); use %s"
                            .formatted(
                                    image.source().name(),
                                    image.header().protocolText(),
                                    image.hasPayload() ? "elf64" : "bzimage32"));
        }
        long end = image.load(memory, lowMemoryEnd);
        long start = image.loadAddress();
        long entry = via == BootEntry.BZIMAGE64 ? start + BzImage.ENTRY_64 : start;
        return new LoadedKernel(
                via,
                entry,
                start,
                end,
                Optional.of(image.header()),
                image.description() + ", unpacks itself in the guest");
    }
}

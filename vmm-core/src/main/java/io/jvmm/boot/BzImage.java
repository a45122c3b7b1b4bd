// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;
import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;

import java.util.Optional;

/**
 * A Linux kernel as distributions ship it: a setup header, code that unpacks, and the kernel's ELF
 * file as compressed payload (kernel document "The Linux/x86 Boot Protocol").
 */
record BzImage(ByteSource source, SetupHeader header) implements KernelImage {

    /** Distance from the 32-bit entry, at the load address, to the 64-bit one. */
    static final long ENTRY_64 = 0x200;

    /** End of the header of protocol 2.06, the shortest that is accepted. */
    private static final int HEADER_END_2_06 = 0x23C;

    /** End of the header since protocol 2.10, with the fields that loading relies on. */
    private static final int HEADER_END_2_10 = 0x264;

    /** How many bytes of a file are needed to read every field of the header. */
    private static final int READ = 0x26C;

    /** Payloads end with their unpacked size in four bytes; gzip does so by itself. */
    private static final int SIZE_WORD = 4;

    /**
     * How much larger than itself a kernel may be in memory if it does not say. Kernels before
     * protocol 2.10 are packed with gzip, to a third or a fourth.
     */
    private static final long UNKNOWN_EXPANSION = 8;

    /**
     * Reads and checks the header.
     *
     * @param head the file's beginning, in which the header {@link SetupHeader#isPresent}
     * @throws BootException if it cannot be booted, or does not fit the file
     */
    static BzImage parse(ByteSource source, Bytes head) {
        String subject = "Kernel " + source.name();
        if (head.size() < READ) {
            throw new BootException(subject + " is truncated: it ends within its setup header");
        }
        SetupHeader header = new SetupHeader(head);
        if (header.protocol() < SetupHeader.PROTOCOL_2_06) {
            throw new BootException(
                    subject
                            + " is too old: it has boot protocol "
                            + header.protocolText()
                            + ", and 2.06 (Linux 2.6.22) is the oldest that can be booted");
        }
        if (!header.loadedHigh()) {
            throw new BootException(subject + " is a zImage; only bzImages can be booted");
        }
        if (header.protocol() >= SetupHeader.PROTOCOL_2_12 && !header.has64BitEntry()) {
            throw new BootException(
                    subject + " is a 32-bit kernel; only 64-bit kernels can be booted");
        }
        int least =
                header.protocol() >= SetupHeader.PROTOCOL_2_10 ? HEADER_END_2_10 : HEADER_END_2_06;
        if (header.end() < least) {
            throw new BootException(
                    subject
                            + " is corrupt: its setup header is too short for boot protocol "
                            + header.protocolText());
        }
        if (header.protocol() < SetupHeader.PROTOCOL_2_10 && header.defaultLoadAddress() == 0) {
            throw new BootException(
                    subject
                            + " has no 32-bit entry: it begins in 16-bit mode and needs a BIOS,"
                            + " which this machine does not have");
        }
        long needed = header.kernelOffset() + header.kernelSize();
        // The size counts units of 16 bytes, and the file need not fill the last one.
        if (header.kernelSize() == 0 || needed - source.size() >= SetupHeader.PARAGRAPH) {
            throw new BootException(
                    subject
                            + " is truncated or corrupt: it says it has %s, the file has %s"
                                    .formatted(
                                            Sizes.describe(needed), Sizes.describe(source.size())));
        }
        long stored = Math.min(header.kernelSize(), source.size() - header.kernelOffset());
        if (header.payloadOffset() + header.payloadLength() > stored) {
            throw new BootException(
                    subject + " is corrupt: its payload reaches beyond the end of the kernel");
        }
        return new BzImage(source, header);
    }

    /** Whether the kernel says where its payload is. */
    boolean hasPayload() {
        return header.payloadLength() > SIZE_WORD;
    }

    /** The payload's format; empty if it is none that can be unpacked. */
    Optional<Compression> compression() {
        return Compression.detect(payloadHead());
    }

    /** Whether the payload is an ELF file as it is (CONFIG_KERNEL_UNCOMPRESSED). */
    boolean payloadIsElf() {
        return new Bytes(source.name(), payloadHead()).has(0, ElfHeader.MAGIC);
    }

    private byte[] payloadHead() {
        return source.bytes(payloadStart(), (int) Math.min(64, header.payloadLength()));
    }

    private long payloadStart() {
        return header.kernelOffset() + header.payloadOffset();
    }

    /**
     * The kernel in the payload, which is present and of a known format. It is unpacked as it is
     * loaded.
     *
     * @param limit the largest content accepted, in bytes
     * @return the kernel, to be closed after it was loaded
     * @throws BootException if it is corrupt, larger than the limit, or not a 64-bit kernel
     */
    ElfImage unpack(long limit) {
        String subject = "The payload of kernel " + source.name();
        ByteSource payload = payloadIsElf() ? slice() : unpacked(subject, limit);
        byte[] beginning = payload.head(FileKind.HEAD);
        if (!ElfHeader.isX8664(new Bytes(payload.name(), beginning))) {
            payload.close();
            throw new BootException(
                    subject + " is not a 64-bit kernel: it is " + FileKind.of(beginning));
        }
        return ElfImage.parse(payload, subject);
    }

    private String payloadName() {
        return "payload of " + source.name();
    }

    private ByteSource slice() {
        return new SliceSource(payloadName(), source, payloadStart(), header.payloadLength());
    }

    private ByteSource unpacked(String subject, long limit) {
        long length = header.payloadLength();
        long size = source.fields(payloadStart() + length - SIZE_WORD, SIZE_WORD).u32(0);
        if (size > limit) {
            throw tooLarge(subject, size, limit);
        }
        Compression compression = compression().orElseThrow();
        long packed = compression == Compression.GZIP ? length : length - SIZE_WORD;
        return new UnpackedSource(
                payloadName(), subject, source, payloadStart(), packed, compression, size);
    }

    private static BootException tooLarge(String subject, long size, long limit) {
        return new BootException(
                subject
                        + " unpacks to %s, more than the %s that the guest's memory allows"
                                .formatted(Sizes.describe(size), Sizes.describe(limit)));
    }

    /** Guest-physical address at which the kernel is put to unpack itself. */
    long loadAddress() {
        return header.protocol() >= SetupHeader.PROTOCOL_2_10
                ? header.preferredAddress()
                : header.defaultLoadAddress();
    }

    /**
     * Puts the protected-mode kernel into guest memory.
     *
     * @return the first address behind the memory that it needs to unpack itself
     * @throws BootException if it does not fit
     */
    long load(GuestMemory memory, long lowMemoryEnd) {
        String subject = "Kernel " + source.name();
        long address = loadAddress();
        if (address < GuestLayout.KERNEL_MIN || address >= GuestLayout.MMIO_HOLE) {
            throw new BootException(
                    subject
                            + " is corrupt: it wants to be loaded at 0x%x, which is not possible"
                                    .formatted(address));
        }
        long room =
                header.protocol() >= SetupHeader.PROTOCOL_2_10
                        ? Math.max(header.initSize(), header.kernelSize())
                        : header.kernelSize() * UNKNOWN_EXPANSION;
        if (address + room > lowMemoryEnd) {
            throw new BootException(
                    subject
                            + " needs memory up to %s, the guest has %s; give it more"
                                    .formatted(
                                            Sizes.describe(address + room),
                                            Sizes.describe(lowMemoryEnd)));
        }
        long stored = Math.min(header.kernelSize(), source.size() - header.kernelOffset());
        source.read(header.kernelOffset(), memory.writable(address, stored));
        return address + room;
    }

    /** Other systems use the format too; Linux's versions begin with a digit. */
    @Override
    public boolean isLinux() {
        String version = header.kernelVersion();
        return version.isEmpty() || Character.isDigit(version.charAt(0));
    }

    @Override
    public String description() {
        String version = header.kernelVersion();
        return "bzImage %s%s(boot protocol %s)"
                .formatted(version, version.isEmpty() ? "" : " ", header.protocolText());
    }

    @Override
    public void close() {
        source.close();
    }
}

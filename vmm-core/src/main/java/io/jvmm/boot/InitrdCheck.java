package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;
import io.jvmm.boot.payload.PayloadException;
import io.jvmm.layout.GuestLayout;

import java.util.Optional;

/**
 * Finds out whether Linux can make something of an initial RAM disk, so that a truncated or mixed
 * up file fails here, with a reason, and not as a panic in the guest.
 *
 * <p>Plain cpio archives are walked to their end, header by header. A compressed one is recognised,
 * and a small one unpacked once to see that it can be; the guest finds out about large ones.
 */
final class InitrdCheck {

    /** Size in bytes of the header of a cpio entry in the "newc" format: hexadecimal digits. */
    private static final int CPIO_HEADER = 110;

    private static final int CPIO_FILE_SIZE = 54;
    private static final int CPIO_NAME_SIZE = 94;
    private static final int CPIO_ALIGNMENT = 4;
    private static final String CPIO_TRAILER = "TRAILER!!!\0";

    /** Largest compressed archive that is unpacked as a check; takes some tens of milliseconds. */
    private static final long UNPACK_MAX = 4 << 20;

    /** Where that stops. An archive that goes on is believed. */
    private static final int UNPACKED_MAX = 64 << 20;

    private final ByteSource source;
    private final String subject;

    private InitrdCheck(ByteSource source) {
        this.source = source;
        this.subject = "Initrd " + source.name();
    }

    /**
     * Checks a file that is not empty.
     *
     * @throws BootException if Linux could not use it
     */
    static void check(ByteSource source) {
        new InitrdCheck(source).archives();
    }

    /** An initramfs is any number of archives, with zero bytes between them. */
    private void archives() {
        if (isFileSystem(head(0))) {
            return;
        }
        long at = 0;
        boolean found = false;
        while (at < source.size()) {
            Bytes head = head(at);
            if (head.u8(0) == 0) {
                at = skipZeros(at, head);
            } else if (head.has(0, "070701") || head.has(0, "070702")) {
                at = cpioEnd(at);
                found = true;
            } else {
                packed(at, head, found);
                return;
            }
        }
        if (!found) {
            throw new BootException(subject + " holds nothing but zero bytes");
        }
    }

    private Bytes head(long at) {
        int length = (int) Math.min(GuestLayout.PAGE_SIZE, source.size() - at);
        return source.fields(at, length);
    }

    private static long skipZeros(long at, Bytes head) {
        int zeros = 1;
        while (zeros < head.size() && head.u8(zeros) == 0) {
            zeros++;
        }
        return at + zeros;
    }

    /** Walks a cpio archive and returns the offset behind its trailer. */
    private long cpioEnd(long start) {
        long at = start;
        while (true) {
            if (at > source.size() - CPIO_HEADER) {
                throw new BootException(
                        subject + " is truncated: its cpio archive ends without a trailer");
            }
            Bytes header = head(at);
            if (!header.has(0, "070701") && !header.has(0, "070702")) {
                throw new BootException(
                        subject + " is corrupt: there is no cpio header at offset " + at);
            }
            long fileSize = hexadecimal(header, CPIO_FILE_SIZE, at);
            long nameSize = hexadecimal(header, CPIO_NAME_SIZE, at);
            long file = align(at + CPIO_HEADER + nameSize);
            if (file > source.size() || fileSize > source.size() - file) {
                throw new BootException(
                        subject
                                + " is truncated: a file of its cpio archive, at offset %d, has %s"
                                        .formatted(at, Sizes.describe(fileSize)));
            }
            if (header.has(CPIO_HEADER, CPIO_TRAILER)) {
                return file;
            }
            at = align(file + fileSize);
        }
    }

    private long hexadecimal(Bytes header, int offset, long at) {
        long value = 0;
        for (int i = 0; i < 8; i++) {
            int digit = Character.digit(header.u8(offset + i), 16);
            if (digit < 0) {
                throw new BootException(
                        subject + " is corrupt: the cpio header at offset " + at + " is damaged");
            }
            value = value << 4 | digit;
        }
        return value;
    }

    private static long align(long offset) {
        return (offset + CPIO_ALIGNMENT - 1) & -CPIO_ALIGNMENT;
    }

    private void packed(long at, Bytes head, boolean cpioBefore) {
        Optional<Compression> compression = Compression.detect(head.array());
        if (compression.isPresent()) {
            unpack(at, compression.get());
        } else if (cpioBefore) {
            throw new BootException(
                    subject + " is corrupt: there is no archive at offset %d".formatted(at));
        } else {
            throw new BootException(
                    subject
                            + " is not an initial RAM disk: it is "
                            + FileKind.of(source.head(FileKind.HEAD)));
        }
    }

    private void unpack(long at, Compression compression) {
        if (compression == Compression.LZ4) {
            throw new BootException(
                    subject + " is in the lz4 frame that Linux cannot read; pack it with 'lz4 -l'");
        }
        long length = source.size() - at;
        if (length > UNPACK_MAX) {
            return;
        }
        try {
            compression.unpack(source.stream(at, length), 0, UNPACKED_MAX);
        } catch (PayloadException e) {
            if (!e.limitReached()) {
                throw new BootException(
                        subject
                                + " cannot be unpacked from "
                                + compression.label()
                                + ": "
                                + e.getMessage(),
                        e);
            }
        }
    }

    /** Whether it is an image that Linux can use as a RAM disk. */
    private static boolean isFileSystem(Bytes head) {
        return head.has(0x438, "S\u00ef") // ext2 and its successors
                || head.has(0, "hsqs") // squashfs
                || head.has(0, "-rom1fs-")
                || head.has(0, "E=\u00cd("); // cramfs
    }
}

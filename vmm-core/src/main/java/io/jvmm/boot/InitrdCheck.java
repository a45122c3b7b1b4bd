// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.boot.payload.Compression;
import io.jvmm.boot.payload.PackedInput;
import io.jvmm.boot.payload.PayloadException;
import io.jvmm.boot.payload.Unpacked;
import io.jvmm.layout.GuestLayout;

import java.util.Arrays;
import java.util.Optional;

/**
 * Finds out whether Linux can make something of an initial RAM disk, so that a truncated or mixed
 * up file fails here, with a reason, and not as a panic in the guest.
 *
 * <p>It follows the file as Linux does ({@code init/initramfs.c}): archives one after the other,
 * plain or compressed, with zero bytes between them, and a boot configuration at the end. Of plain
 * archives it reads the headers; a compressed one is unpacked, piece by piece, and nothing of it
 * kept. It is stricter in one thing: what ends within a file or does not match its checksum is
 * refused, where Linux boots with a part of the file.
 */
final class InitrdCheck {

    /**
     * How much is unpacked at most, so that the check ends in bounded time; what is beyond remains
     * unchecked, and the log says so.
     */
    private static final long UNPACKED_MAX = 1L << 30;

    /** Which offsets in the file Linux takes for the start of a plain archive. */
    private static final int CPIO_ALIGNMENT = 4;

    private static final int CHUNK = 1 << 16;

    private final ByteSource source;
    private final String subject;
    private final long end;
    private final CpioWalk walk;
    private final byte[] chunk = new byte[CHUNK];
    private long unpacked;
    private boolean complete = true;

    private InitrdCheck(ByteSource source) {
        this.source = source;
        this.subject = "Initrd " + source.name();
        this.end = BootConfigTrailer.start(source, subject);
        this.walk = new CpioWalk(subject);
    }

    /**
     * Checks a file that is not empty.
     *
     * @return what was not checked, as a remark for the log; empty if all of it was
     * @throws BootException if Linux could not use it
     */
    static Optional<String> check(ByteSource source) {
        return new InitrdCheck(source).archives();
    }

    private Optional<String> archives() {
        if (isFileSystem(head(0))) {
            return Optional.empty();
        }
        long at = 0;
        boolean found = false;
        while (at < end && complete) {
            Bytes head = head(at);
            if (head.u8(0) == 0) {
                at = skipZeros(at, head);
            } else if (head.u8(0) == '0' && at % CPIO_ALIGNMENT == 0 && (found || isCpio(head))) {
                at = plain(at);
                found = true;
            } else {
                at = packed(at, head, found);
                found = true;
            }
        }
        if (!found) {
            throw new BootException(subject + " holds nothing but zero bytes");
        }
        return complete
                ? Optional.empty()
                : Optional.of(
                        "checked up to %s of its content".formatted(Sizes.describe(unpacked)));
    }

    private static boolean isCpio(Bytes head) {
        return head.has(0, "07070");
    }

    private Bytes head(long at) {
        return source.fields(at, (int) Math.min(GuestLayout.PAGE_SIZE, end - at));
    }

    private static long skipZeros(long at, Bytes head) {
        int zeros = 1;
        while (zeros < head.size() && head.u8(zeros) == 0) {
            zeros++;
        }
        return at + zeros;
    }

    /** Follows entries of plain archives, and returns the offset of what is something else. */
    private long plain(long start) {
        long at = start;
        walk.moveTo(at);
        walk.begin();
        while (at < end) {
            long body = Math.min(walk.skippable(), end - at);
            if (body > 0) {
                walk.skip(body);
                at += body;
                continue;
            }
            byte[] bytes = head(at).array();
            int taken = walk.accept(bytes, 0, bytes.length);
            at += taken;
            if (taken < bytes.length) {
                if (bytes[taken] != '0' || at % CPIO_ALIGNMENT != 0) {
                    return at;
                }
                walk.begin();
            }
        }
        walk.end();
        return at;
    }

    /** Unpacks the stream at {@code at}, and returns the offset behind it. */
    private long packed(long at, Bytes head, boolean found) {
        Compression compression =
                Compression.detect(head.array()).orElseThrow(() -> noArchive(at, found));
        compression
                .refusalByLinux(head.array())
                .ifPresent(reason -> {
                    throw new BootException(subject + " " + reason);
                });
        PackedInput in = new PackedInput(source.stream(at, end - at));
        walk.moveTo(0);
        try (Unpacked content = compression.unpackOne(in)) {
            content(content, !found);
        } catch (PayloadException e) {
            throw new BootException(
                    subject
                            + " cannot be unpacked from "
                            + compression.label()
                            + ": "
                            + e.getMessage(),
                    e);
        }
        return at + in.position();
    }

    private void content(Unpacked content, boolean first) throws PayloadException {
        int count = content.readNBytes(chunk, 0, CHUNK);
        byte[] beginning = Arrays.copyOf(chunk, Math.min(count, (int) GuestLayout.PAGE_SIZE));
        boolean archive = !first || !isFileSystem(new Bytes(source.name(), beginning));
        while (count > 0) {
            if (archive) {
                walk.acceptAll(chunk, 0, count);
            }
            unpacked += count;
            if (unpacked >= UNPACKED_MAX) {
                complete = false;
                return;
            }
            count = content.readNBytes(chunk, 0, CHUNK);
        }
        if (archive) {
            walk.end();
            if (!walk.isBetween()) {
                throw new BootException(subject + " unpacks to nothing");
            }
        }
    }

    private BootException noArchive(long at, boolean found) {
        if (!found) {
            return new BootException(
                    subject
                            + " is not an initial RAM disk: it is "
                            + FileKind.of(source.head(FileKind.HEAD)));
        }
        return new BootException(
                subject
                        + " is corrupt: there is no archive at offset %d%s"
                                .formatted(
                                        at,
                                        isCpio(head(at))
                                                ? ", where one begins that is not aligned to 4"
                                                        + " bytes"
                                                : ""));
    }

    /** Whether it is an image that Linux can use as a RAM disk. */
    private static boolean isFileSystem(Bytes head) {
        return head.has(0x438, "S\u00ef") // ext2 and its successors
                || head.has(0, "hsqs") // squashfs
                || head.has(0, "-rom1fs-")
                || head.has(0, "E=\u00cd("); // cramfs
    }
}

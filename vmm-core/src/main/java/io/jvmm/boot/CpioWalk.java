// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.nio.charset.StandardCharsets;

/**
 * Follows cpio archives in the "newc" format as Linux unpacks them ({@code init/initramfs.c}):
 * entry by entry, whatever the pieces in which the bytes come. The trailer is an entry like others.
 */
final class CpioWalk {

    /** Size in bytes of the header of an entry: hexadecimal digits. */
    private static final int HEADER = 110;

    private static final int FILE_SIZE = 54;
    private static final int NAME_SIZE = 94;
    private static final int NAME_MAX = 4096;
    private static final int ALIGNMENT = 4;

    private enum State {
        /** An entry must begin. */
        START,
        NAME,
        BODY,
        /** Zero bytes, or the next entry. */
        BETWEEN
    }

    private final String subject;
    private final byte[] collected = new byte[NAME_MAX];
    private State state = State.START;
    private int have;
    private int nameSize;
    private long fileSize;
    private long skip;
    private long entry;
    private long offset;

    CpioWalk(String subject) {
        this.subject = subject;
    }

    /** Goes on at another offset, in the file or in what is unpacked from it. */
    void moveTo(long newOffset) {
        offset = newOffset;
    }

    /** Makes the next byte the first of an entry. */
    void begin() {
        state = State.START;
        have = 0;
    }

    /** Whether the last entry is complete. */
    boolean isBetween() {
        return state == State.BETWEEN;
    }

    /** How many of the next bytes are contents of a file and need not be looked at. */
    long skippable() {
        return state == State.BODY ? skip : 0;
    }

    /** Passes over {@code count} bytes, at most {@link #skippable}. */
    void skip(long count) {
        skip -= count;
        offset += count;
        if (skip == 0) {
            state = State.BETWEEN;
        }
    }

    /**
     * Takes bytes up to the first that is neither part of an entry nor a zero behind one.
     *
     * @return the index behind the last byte taken
     * @throws BootException if they are no archive
     */
    int accept(byte[] bytes, int from, int to) {
        int at = from;
        while (at < to) {
            switch (state) {
                case START -> at += collect(bytes, at, to, HEADER);
                case NAME -> at += collect(bytes, at, to, Math.min(nameSize, NAME_MAX));
                case BODY -> {
                    long step = Math.min(skip, to - at);
                    skip(step);
                    at += (int) step;
                }
                case BETWEEN -> {
                    if (bytes[at] != 0) {
                        return at;
                    }
                    at++;
                    offset++;
                }
            }
        }
        return at;
    }

    /** As {@link #accept}, for an archive in compressed data, in which nothing else may be. */
    void acceptAll(byte[] bytes, int from, int to) {
        int at = accept(bytes, from, to);
        while (at < to) {
            if (bytes[at] != '0') {
                throw new BootException(
                        subject
                                + " is corrupt: what it unpacks to has something behind its"
                                + " entries");
            }
            if (offset % ALIGNMENT != 0) {
                throw new BootException(
                        subject
                                + " is corrupt: in what it unpacks to, an archive is not aligned to"
                                + " 4 bytes");
            }
            begin();
            at = accept(bytes, at, to);
        }
    }

    /** Checks that nothing is missing at the end of the data. */
    void end() {
        if ((state == State.START && have == 0) || state == State.BETWEEN) {
            return;
        }
        throw new BootException(
                state == State.BODY
                        ? subject
                                + " is truncated: a file of its cpio archive, at offset %d, has %s"
                                        .formatted(entry, Sizes.describe(fileSize))
                        : subject + " is truncated: its cpio archive ends within a header");
    }

    private int collect(byte[] bytes, int from, int to, int wanted) {
        if (state == State.START && have == 0) {
            entry = offset;
        }
        int count = Math.min(wanted - have, to - from);
        System.arraycopy(bytes, from, collected, have, count);
        have += count;
        offset += count;
        if (have == wanted) {
            if (state == State.START) {
                header();
            } else {
                name();
            }
        }
        return count;
    }

    private void header() {
        String magic = new String(collected, 0, 6, StandardCharsets.ISO_8859_1);
        if (magic.equals("070707")) {
            throw new BootException(
                    subject + " is in cpio's old portable format; pack it with 'cpio -H newc'");
        }
        if (!magic.equals("070701") && !magic.equals("070702")) {
            throw new BootException(
                    subject + " is corrupt: there is no cpio header at offset " + entry);
        }
        fileSize = hexadecimal(FILE_SIZE);
        long name = hexadecimal(NAME_SIZE);
        nameSize = (int) Math.min(name, NAME_MAX);
        long body = align(entry + HEADER + name);
        skip = align(body + fileSize) - (entry + HEADER) - nameSize;
        have = 0;
        state = State.NAME;
        if (name == 0 || name > NAME_MAX) {
            // Linux passes over such an entry.
            skip += nameSize;
            afterName();
        }
    }

    private void name() {
        if (collected[nameSize - 1] != 0) {
            throw new BootException(
                    subject
                            + " is corrupt: the name of the cpio entry at offset %d does not end"
                                    .formatted(entry));
        }
        afterName();
    }

    private void afterName() {
        have = 0;
        state = skip == 0 ? State.BETWEEN : State.BODY;
    }

    private long hexadecimal(int at) {
        long value = 0;
        for (int i = 0; i < 8; i++) {
            int digit = Character.digit(collected[at + i], 16);
            if (digit < 0) {
                throw new BootException(
                        subject
                                + " is corrupt: the cpio header at offset "
                                + entry
                                + " is damaged");
            }
            value = value << 4 | digit;
        }
        return value;
    }

    private static long align(long offset) {
        return (offset + ALIGNMENT - 1) & -ALIGNMENT;
    }
}

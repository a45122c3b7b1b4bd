// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * An archive in cpio's "newc" form, which is what Linux unpacks as its initramfs.
 *
 * <p>The bytes depend on nothing but the entries: they are written in the order of their paths,
 * owned by root, dated at the epoch and numbered from one, so that equal input makes equal archives
 * on every machine. Parent directories are added as needed. Several archives written one after the
 * other are one initramfs to Linux, in which later entries win.
 *
 * <p>Format: {@code Documentation/driver-api/early-userspace/buffer-format.rst} in the Linux
 * sources. Not safe for use by several threads.
 */
public final class CpioArchive {

    private static final int TYPE_DIRECTORY = 0040000;
    private static final int TYPE_CHARACTER_DEVICE = 0020000;
    private static final int TYPE_FILE = 0100000;
    private static final int TYPE_SYMLINK = 0120000;
    private static final int PERMISSIONS = 07777;
    private static final int HEADER_BYTES = 110;
    private static final long LONGEST_FILE = 0xFFFF_FFFFL;

    /** Entries by path; a parent is a prefix of its children, so the order puts it before them. */
    private final TreeMap<String, Entry> entries = new TreeMap<>();

    /** An empty archive. */
    public CpioArchive() {}

    /**
     * Adds a regular file with permission bits like {@code 0644}, replacing any earlier entry.
     *
     * @throws IllegalArgumentException if the path is not one below the root, as in {@code bin/sh}
     */
    public CpioArchive file(String path, byte[] content, int permissions) {
        byte[] copy = content.clone();
        return put(
                path, TYPE_FILE, permissions, new Content(copy.length, out -> out.write(copy)), 0);
    }

    /**
     * Adds the content of a file of this machine, read when the archive is written.
     *
     * @throws UncheckedIOException if the file cannot be examined
     * @throws IllegalArgumentException if it has 4 GiB or more, which the format cannot say
     */
    public CpioArchive file(String path, Path source, int permissions) {
        try {
            long size = Files.size(source);
            if (size > LONGEST_FILE) {
                throw new IllegalArgumentException(source + " is too large for a cpio archive");
            }
            return put(
                    path,
                    TYPE_FILE,
                    permissions,
                    new Content(size, out -> copyExactly(source, size, out)),
                    0);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot add " + source + " to the archive", e);
        }
    }

    /** Adds a directory with mode 0755. */
    public CpioArchive directory(String path) {
        return put(path, TYPE_DIRECTORY, 0755, Content.NONE, 0);
    }

    /** Adds a symbolic link at {@code path} that points to {@code target}. */
    public CpioArchive symlink(String path, String target) {
        byte[] bytes = target.getBytes(StandardCharsets.UTF_8);
        return put(path, TYPE_SYMLINK, 0777, new Content(bytes.length, out -> out.write(bytes)), 0);
    }

    /** Adds a character device node, such as {@code dev/console} with numbers 5 and 1. */
    public CpioArchive characterDevice(String path, int permissions, int major, int minor) {
        long device = (long) major << 32 | minor;
        return put(path, TYPE_CHARACTER_DEVICE, permissions, Content.NONE, device);
    }

    /**
     * Adds a directory of this machine with all that is below it. Files keep only whether they are
     * executable; symbolic links are followed, so that the archive stands on its own.
     *
     * @throws UncheckedIOException if something in the tree cannot be read
     */
    public CpioArchive tree(String path, Path root) {
        try (Stream<Path> found = Files.walk(root, FileVisitOption.FOLLOW_LINKS)) {
            for (Path source : (Iterable<Path>) found::iterator) {
                String below = root.relativize(source).toString();
                String target = below.isEmpty() ? path : path + "/" + below;
                if (Files.isDirectory(source)) {
                    directory(target);
                } else {
                    file(target, source, Files.isExecutable(source) ? 0755 : 0644);
                }
            }
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the tree " + root, e);
        }
    }

    /** Whether an entry of this path has been added. */
    public boolean contains(String path) {
        return entries.containsKey(path);
    }

    /**
     * Writes the whole archive, its trailer included; its length is a multiple of four bytes, so
     * that another archive may follow. The stream stays open.
     */
    public void writeTo(OutputStream out) throws IOException {
        int inode = 1;
        for (Map.Entry<String, Entry> each : entries.entrySet()) {
            Entry entry = each.getValue();
            writeHeader(out, inode++, each.getKey(), entry);
            entry.content.writer.writeTo(out);
            pad(out, entry.content.size);
        }
        writeHeader(out, 0, "TRAILER!!!", new Entry(0, Content.NONE, 0));
    }

    private CpioArchive put(String path, int type, int permissions, Content content, long device) {
        checkPath(path);
        for (int slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
            entries.putIfAbsent(
                    path.substring(0, slash), new Entry(TYPE_DIRECTORY | 0755, Content.NONE, 0));
        }
        entries.put(path, new Entry(type | (permissions & PERMISSIONS), content, device));
        return this;
    }

    private static void checkPath(String path) {
        boolean plain = !path.isEmpty() && !path.startsWith("/") && !path.endsWith("/");
        if (!plain || path.contains("//") || path.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(
                    "an archive path looks like bin/sh, not like \"" + path + "\"");
        }
    }

    private static void writeHeader(OutputStream out, int inode, String path, Entry entry)
            throws IOException {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        StringBuilder header = new StringBuilder(HEADER_BYTES).append("070701");
        boolean directory = (entry.mode & 0170000) == TYPE_DIRECTORY;
        long[] fields = {
            inode,
            entry.mode,
            0, // owner: root
            0, // group: root
            directory ? 2 : 1, // links
            0, // modified: the epoch
            entry.content.size,
            0, // device that holds the archive, major and minor
            0,
            entry.device >>> 32,
            entry.device & 0xFFFF_FFFFL,
            name.length + 1, // the name's closing zero counts
            0 // checksum: only another variant of the format has one
        };
        for (long field : fields) {
            header.append(HexFormat.of().withUpperCase().toHexDigits(field, 8));
        }
        out.write(header.toString().getBytes(StandardCharsets.US_ASCII));
        out.write(name);
        out.write(0);
        pad(out, HEADER_BYTES + name.length + 1);
    }

    private static void pad(OutputStream out, long written) throws IOException {
        for (long n = written; n % 4 != 0; n++) {
            out.write(0);
        }
    }

    /** Copies a file that must still have the size that its header will state. */
    private static void copyExactly(Path source, long size, OutputStream out) throws IOException {
        long copied = Files.copy(source, out);
        if (copied != size) {
            throw new IOException(source + " changed its size while it was being archived");
        }
    }

    /** Mode with type and permissions, content, and for a device major (high half) and minor. */
    private record Entry(int mode, Content content, long device) {}

    private record Content(long size, Writer writer) {
        static final Content NONE = new Content(0, out -> {});
    }

    private interface Writer {
        void writeTo(OutputStream out) throws IOException;
    }
}

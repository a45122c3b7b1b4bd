// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A folder of things that are slow to fetch or to build, each under a key that names its content.
 *
 * <p>An entry appears whole or not at all: it is made under another name and then renamed. One
 * process, and one thread in it, makes entries at a time; the others wait and find it made.
 */
public final class ImageCache {

    /** System property that names the folder. */
    public static final String PROPERTY = "jvmm.cache";

    /** Environment variable that names the folder when the property does not. */
    public static final String VARIABLE = "JVMM_CACHE";

    /** Guards the file lock, which the process as a whole holds and which is not re-entrant. */
    private static final ReentrantLock IN_PROCESS = new ReentrantLock();

    private final Path root;

    /** A cache in the given folder, which is created when first needed. */
    public ImageCache(Path root) {
        this.root = root.toAbsolutePath();
    }

    /** The user's cache: as told by {@link #PROPERTY} or {@link #VARIABLE}, or in the home. */
    public static ImageCache ofUser() {
        String told = System.getProperty(PROPERTY, System.getenv(VARIABLE));
        if (told != null && !told.isBlank()) {
            return new ImageCache(Path.of(told));
        }
        String xdg = System.getenv("XDG_CACHE_HOME");
        Path caches =
                xdg != null && !xdg.isBlank()
                        ? Path.of(xdg)
                        : Path.of(System.getProperty("user.home"), ".cache");
        return new ImageCache(caches.resolve("jvmm"));
    }

    /** The folder, which may not exist yet. */
    public Path root() {
        return root;
    }

    /** Makes the file or directory of a new entry at the path that it is given. */
    public interface Maker {
        /** Creates {@code target}, which does not exist; its parent does. */
        void make(Path target) throws IOException;
    }

    /**
     * The entry of this key, made first if it is not there.
     *
     * @param key a relative path such as {@code kernels/6.1.0-50}; equal keys must mean equal
     *     content
     * @throws ImageException if making it fails; nothing stays behind then
     */
    public Path entry(String key, Maker maker) {
        Path entry = root.resolve(key);
        if (Files.exists(entry)) {
            return entry;
        }
        return locked(() -> {
            if (!Files.exists(entry)) {
                create(key, entry, maker);
            }
            return entry;
        });
    }

    /**
     * A folder for tools to keep state of their own in; to be changed only when {@link #locked}.
     */
    Path workFolder(String name) {
        try {
            return Files.createDirectories(root.resolve(name));
        } catch (IOException e) {
            throw new ImageException("cannot create a folder in the cache " + root, e);
        }
    }

    /** Runs the action while no other process or thread changes this cache. Re-entrant. */
    <T> T locked(Supplier<T> action) {
        IN_PROCESS.lock();
        try {
            if (IN_PROCESS.getHoldCount() > 1) {
                return action.get();
            }
            Files.createDirectories(root);
            try (FileChannel channel =
                            FileChannel.open(
                                    root.resolve("lock"),
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE);
                    FileLock held = channel.lock()) {
                assert held.isValid();
                return action.get();
            }
        } catch (IOException e) {
            throw new ImageException("cannot use the cache " + root + ": " + e.getMessage(), e);
        } finally {
            IN_PROCESS.unlock();
        }
    }

    private static void create(String key, Path entry, Maker maker) {
        Path unfinished = entry.resolveSibling(entry.getFileName() + ".unfinished");
        try {
            Files.createDirectories(unfinished.getParent());
            deleteTree(unfinished);
            maker.make(unfinished);
            Files.move(unfinished, entry, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | UncheckedIOException e) {
            throw new ImageException("cannot make " + key + ": " + e.getMessage(), e);
        } finally {
            deleteTree(unfinished);
        }
    }

    /** Removes a file or directory with all that is in it; it need not exist. */
    private static void deleteTree(Path top) {
        if (!Files.exists(top)) {
            return;
        }
        try (Stream<Path> found = Files.walk(top)) {
            List<Path> deepestFirst = found.sorted(Comparator.reverseOrder()).toList();
            for (Path path : deepestFirst) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot remove " + top, e);
        }
    }

    /**
     * A key that changes with any of the given parts: the first 16 hexadecimal digits of a hash.
     */
    public static String keyOf(List<String> parts) {
        MessageDigest digest = sha256();
        for (String part : parts) {
            digest.update(part.getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
        }
        return HexFormat.of().formatHex(digest.digest(), 0, 8);
    }

    /** The SHA-256 of a file, in lower-case hexadecimal digits. */
    public static String sha256(Path file) {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[1 << 16];
        try (var in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}

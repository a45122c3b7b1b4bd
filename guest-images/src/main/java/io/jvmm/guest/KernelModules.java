// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import org.tukaani.xz.XZInputStream;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * The loadable modules of one kernel, as its package lays them out.
 *
 * <p>What a module needs is read from the module itself (the {@code depends} line of its {@code
 * .modinfo} section), since packages come without the {@code modules.dep} that is made when they
 * are installed. Dashes and underscores in names mean the same, as they do to Linux.
 */
public final class KernelModules {

    private static final Pattern FILE_NAME = Pattern.compile("(.+)\\.ko(\\.xz|\\.zst|\\.gz)?");

    private final Map<String, Path> files;
    private final Set<String> builtIn;

    private KernelModules(Map<String, Path> files, Set<String> builtIn) {
        this.files = files;
        this.builtIn = builtIn;
    }

    /**
     * The modules below a directory such as {@code lib/modules/6.1.0-50-cloud-amd64}.
     *
     * @throws ImageException if it cannot be read
     */
    public static KernelModules in(Path directory) {
        Map<String, Path> files = new HashMap<>();
        Set<String> builtIn = new LinkedHashSet<>();
        try (Stream<Path> found = Files.walk(directory)) {
            found.forEach(path -> moduleName(path).ifPresent(name -> files.put(name, path)));
            Path list = directory.resolve("modules.builtin");
            if (Files.exists(list)) {
                for (String line : Files.readAllLines(list)) {
                    moduleName(Path.of(line)).ifPresent(builtIn::add);
                }
            }
        } catch (IOException | UncheckedIOException e) {
            throw new ImageException("cannot read the kernel modules in " + directory, e);
        }
        return new KernelModules(files, builtIn);
    }

    /**
     * The named modules and all that they need, each before those that need it: the order in which
     * {@code insmod} takes them. Modules that are built into the kernel are left out.
     *
     * @return the modules' own bytes, decompressed, by name
     * @throws ImageException if a module is missing or cannot be read
     */
    public Map<String, byte[]> withDependencies(List<String> names) {
        Map<String, byte[]> ordered = new LinkedHashMap<>();
        for (String name : names) {
            add(canonical(name), new ArrayList<>(), ordered);
        }
        return ordered;
    }

    private void add(String name, List<String> asked, Map<String, byte[]> ordered) {
        if (ordered.containsKey(name) || builtIn.contains(name)) {
            return;
        }
        if (asked.contains(name)) {
            throw new ImageException("kernel modules need each other in a circle: " + asked);
        }
        Path file = files.get(name);
        if (file == null) {
            throw new ImageException(
                    "the kernel has no module %s%s"
                            .formatted(name, asked.isEmpty() ? "" : ", needed by " + asked));
        }
        byte[] module = decompressed(file);
        asked.addLast(name);
        for (String needed : dependencies(module, name)) {
            add(needed, asked, ordered);
        }
        asked.removeLast();
        ordered.put(name, module);
    }

    /** The names on the {@code depends} line of a module. */
    private static List<String> dependencies(byte[] module, String name) {
        byte[] information =
                ElfSections.of(module, name)
                        .content(".modinfo")
                        .orElseThrow(() -> new ImageException("no kernel module: " + name));
        return Stream.of(new String(information, StandardCharsets.ISO_8859_1).split("\0"))
                .filter(line -> line.startsWith("depends="))
                .flatMap(line -> Stream.of(line.substring("depends=".length()).split(",")))
                .filter(needed -> !needed.isEmpty())
                .map(KernelModules::canonical)
                .toList();
    }

    private static byte[] decompressed(Path file) {
        try {
            byte[] stored = Files.readAllBytes(file);
            String name = file.toString();
            if (name.endsWith(".ko")) {
                return stored;
            }
            try (InputStream in = decompressor(name, new ByteArrayInputStream(stored))) {
                return in.readAllBytes();
            }
        } catch (IOException e) {
            throw new ImageException("cannot read the kernel module " + file, e);
        }
    }

    private static InputStream decompressor(String name, InputStream stored) throws IOException {
        if (name.endsWith(".xz")) {
            return new XZInputStream(stored);
        }
        if (name.endsWith(".gz")) {
            return new GZIPInputStream(stored);
        }
        throw new ImageException(name + " is compressed in a way that Debian's modules are not");
    }

    private static Optional<String> moduleName(Path path) {
        Path fileName = path.getFileName();
        Matcher matcher = FILE_NAME.matcher(fileName == null ? "" : fileName.toString());
        return matcher.matches() ? Optional.of(canonical(matcher.group(1))) : Optional.empty();
    }

    private static String canonical(String name) {
        return name.replace('-', '_');
    }
}

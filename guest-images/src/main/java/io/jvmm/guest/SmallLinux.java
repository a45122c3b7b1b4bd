// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A kernel of our own, built from Debian's source package: the quick guest of tests, and the lab's
 * kernel where KVM is to say which page was missing.
 *
 * <p>It has what tests need and no modules; its configuration gives the reason for each choice. It
 * carries two patches: KVM fills in {@code KVM_EXIT_MEMORY_FAULT} for every fault on guest memory
 * that the host could not resolve, which Debian's kernels leave empty; and a detour of the boot is
 * straightened that costs seconds where ring 0 is interpreted.
 *
 * @param release its name as {@code uname -r} prints it
 * @param image the bzImage
 */
public record SmallLinux(String release, Path image) {

    private static final Logger LOG = LoggerFactory.getLogger(SmallLinux.class);

    private static final String SOURCE = "linux-source-7.2";

    /** The suites that have the source, best first. */
    private static final List<String> SUITES = List.of("sid", "forky", "trixie-backports");

    private static final String FOLDER = "small-linux/";
    private static final String SCRIPT = "build.sh";
    private static final String CONFIG = "config";
    private static final List<String> PATCHES =
            List.of("annotate-missing-pages.patch", "add-parameters-once.patch");

    /** Five minutes on two cores that do nothing else. */
    private static final Duration BUILD_LIMIT = Duration.ofHours(1);

    /** Exit code of timeout(1) when its time is up. */
    private static final int TIMED_OUT = 124;

    /** For the script's own limit to come first, which ends the compilers with it. */
    private static final Duration GRACE = Duration.ofMinutes(1);

    private static final int SHOWN_LINES = 20;

    /**
     * The kernel, built first if the cache does not have it: that takes minutes, and other users of
     * the cache wait.
     *
     * @throws ImageException if its source cannot be fetched, tools to build it are missing, or it
     *     cannot be built; nothing stays behind then
     */
    public static SmallLinux build(ImageCache cache, DebianPackages packages) {
        return build(cache, packages, source(packages));
    }

    /** As {@link #build(ImageCache, DebianPackages)}, from a source that has been found. */
    static SmallLinux build(ImageCache cache, DebianPackages packages, DebianPackage source) {
        Map<String, String> recipe = recipe();
        Path built =
                cache.entry(
                        key(source, recipe),
                        target -> make(packages.unpacked(source), recipe, target));
        try {
            String release = Files.readString(built.resolve("release")).strip();
            return new SmallLinux(release, built.resolve("bzImage"));
        } catch (IOException e) {
            throw new ImageException("the small Linux in " + built + " is damaged: remove it", e);
        }
    }

    private static DebianPackage source(DebianPackages packages) {
        return SUITES.stream()
                .map(suite -> packages.find(suite, SOURCE))
                .flatMap(Optional::stream)
                .findFirst()
                .orElseThrow(() ->
                        new ImageException(
                                "none of Debian's suites %s has the package %s any more"
                                        .formatted(SUITES, SOURCE)));
    }

    /** Changes with the source and with everything that decides what is made of it. */
    static String key(DebianPackage source, Map<String, String> recipe) {
        List<String> parts =
                Stream.concat(
                                Stream.of(source.sha256()),
                                new TreeMap<>(recipe)
                                        .entrySet().stream()
                                                .flatMap(each ->
                                                        Stream.of(each.getKey(), each.getValue())))
                        .toList();
        return FOLDER + source.version() + "-" + ImageCache.keyOf(parts);
    }

    /** The files that say how it is built, by their names. */
    static Map<String, String> recipe() {
        Map<String, String> recipe = new TreeMap<>();
        List<String> names = new ArrayList<>(List.of(SCRIPT, CONFIG));
        names.addAll(PATCHES);
        for (String name : names) {
            try (InputStream in = SmallLinux.class.getResourceAsStream(FOLDER + name)) {
                if (in == null) {
                    throw new AssertionError("the jar lacks " + FOLDER + name);
                }
                recipe.put(name, new String(in.readAllBytes(), StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read " + FOLDER + name, e);
            }
        }
        return recipe;
    }

    private static void make(Path source, Map<String, String> recipe, Path target)
            throws IOException {
        LOG.info("building the small Linux, once; it takes minutes");
        Path written = Files.createDirectories(target.resolve("recipe"));
        for (Map.Entry<String, String> each : recipe.entrySet()) {
            Files.writeString(written.resolve(each.getKey()), each.getValue());
        }
        List<String> command = new ArrayList<>();
        // compilers that outlive a process that is killed would write where the next one builds
        command.addAll(List.of("setpriv", "--pdeathsig", "TERM"));
        command.addAll(List.of("timeout", Long.toString(BUILD_LIMIT.toSeconds()), "bash"));
        command.add(written.resolve(SCRIPT).toString());
        command.add(source.resolve("usr/src/" + SOURCE + ".tar.xz").toString());
        command.add(written.resolve(CONFIG).toString());
        command.add(target.toString());
        PATCHES.forEach(patch -> command.add(written.resolve(patch).toString()));
        HostCommand.Outcome outcome =
                HostCommand.run(
                        command, target, BUILD_LIMIT.plus(GRACE), "it is part of util-linux");
        if (outcome.exitCode() == TIMED_OUT) {
            throw new ImageException(
                    "the small Linux was not built within %d minutes: try again when this machine has less to do"
                            .formatted(BUILD_LIMIT.toMinutes()));
        }
        if (!outcome.succeeded()) {
            throw new ImageException(
                    "the small Linux cannot be built: " + lastLines(outcome.errors()));
        }
    }

    private static String lastLines(String text) {
        List<String> lines = text.strip().lines().toList();
        return String.join(
                "\n", lines.subList(Math.max(0, lines.size() - SHOWN_LINES), lines.size()));
    }
}

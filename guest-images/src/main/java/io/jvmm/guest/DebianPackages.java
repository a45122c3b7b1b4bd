// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Packages of any Debian suite, fetched by this machine's apt from its own mirror into a cache.
 *
 * <p>apt works on private sources, indexes and package state, one set per suite: the machine's own
 * set of packages is neither read nor changed, and nothing is installed. apt checks each suite's
 * signature, and each package against the signed index; its hash is part of its place in the cache.
 * An index is fetched again after a day; if that fails, the one at hand serves on.
 *
 * <p>Safe for use by several threads and processes.
 */
public final class DebianPackages {

    private static final Logger LOG = LoggerFactory.getLogger(DebianPackages.class);
    private static final Duration INDEX_LIFETIME = Duration.ofDays(1);
    private static final Duration COMMAND_LIMIT = Duration.ofMinutes(5);

    private final ImageCache cache;

    /** Suites whose index has been found fresh or refreshed by this object. */
    private final Set<String> fresh = new HashSet<>();

    /** Packages that are kept in the given cache. */
    public DebianPackages(ImageCache cache) {
        this.cache = cache;
    }

    /**
     * The names of all packages of a suite that match the expression as a whole.
     *
     * @throws ImageException if the suite's index cannot be had
     */
    public List<String> names(String suite, Pattern expression) {
        return cache.locked(() -> {
            HostCommand.Outcome names = apt(suite, "apt-cache", "pkgnames");
            return names.output()
                    .lines()
                    .filter(name -> expression.matcher(name).matches())
                    .sorted()
                    .toList();
        });
    }

    /**
     * The newest version of a package in a suite.
     *
     * @throws ImageException if the suite's index cannot be had
     */
    public Optional<DebianPackage> find(String suite, String name) {
        return cache.locked(() -> {
            String paragraph = apt(suite, "apt-cache", "--no-all-versions", "show", name).output();
            return field(paragraph, "Version")
                    .flatMap(version ->
                            field(paragraph, "SHA256")
                                    .map(hash -> new DebianPackage(suite, name, version, hash)));
        });
    }

    /**
     * The files of a package, unpacked into a directory of the cache. Nothing of it is run.
     *
     * @throws ImageException if it cannot be fetched, verified or unpacked
     */
    public Path unpacked(DebianPackage wanted) {
        String key =
                "packages/%s/%s".formatted(wanted.sha256(), wanted.name().replaceAll("\\W", "_"));
        return cache.entry(
                key,
                target -> {
                    Path folder = Files.createTempDirectory(cache.workFolder("apt"), "download");
                    try {
                        unpack(download(wanted, folder), target);
                    } finally {
                        delete(folder);
                    }
                });
    }

    /**
     * The files of the newest version of a package in a suite.
     *
     * @throws ImageException also if the suite has no such package
     */
    public Path unpacked(String suite, String name) {
        return unpacked(
                find(suite, name)
                        .orElseThrow(() ->
                                new ImageException(
                                        "Debian's suite %s has no package %s"
                                                .formatted(suite, name))));
    }

    private Path download(DebianPackage wanted, Path folder) throws IOException {
        LOG.info("fetching {}", wanted);
        HostCommand.Outcome outcome =
                HostCommand.run(
                        command(
                                wanted.suite(),
                                "apt-get",
                                "download",
                                wanted.name() + "=" + wanted.version()),
                        folder,
                        COMMAND_LIMIT,
                        DebianMirror.APT_REMEDY);
        try (Stream<Path> files = Files.list(folder)) {
            Optional<Path> file =
                    files.filter(each -> each.toString().endsWith(".deb")).findFirst();
            if (file.isEmpty()) {
                // an archive drops old versions at once: the next attempt shall look for newer ones
                Files.deleteIfExists(updateMark(wanted.suite()));
                fresh.remove(wanted.suite());
                throw new ImageException(
                        "apt could not fetch %s: %s; another attempt will use a new index"
                                .formatted(wanted, lastLine(outcome.errors())));
            }
            String found = ImageCache.sha256(file.get());
            if (!found.equals(wanted.sha256())) {
                throw new ImageException(
                        "%s has the hash %s instead of %s"
                                .formatted(wanted, found, wanted.sha256()));
            }
            return file.get();
        }
    }

    private static void unpack(Path file, Path target) throws IOException {
        Files.createDirectory(target);
        HostCommand.Outcome outcome =
                HostCommand.run(
                        List.of("dpkg-deb", "--extract", file.toString(), target.toString()),
                        target,
                        COMMAND_LIMIT,
                        DebianMirror.APT_REMEDY);
        if (!outcome.succeeded()) {
            throw new ImageException(
                    "cannot unpack %s: %s"
                            .formatted(file.getFileName(), lastLine(outcome.errors())));
        }
    }

    /** Runs one of apt's programs on a suite's private state, its index being fresh. */
    private HostCommand.Outcome apt(String suite, String program, String... arguments) {
        refresh(suite);
        return HostCommand.run(
                command(suite, program, arguments),
                cache.workFolder("apt"),
                COMMAND_LIMIT,
                DebianMirror.APT_REMEDY);
    }

    private void refresh(String suite) {
        Path updated = updateMark(suite);
        if (fresh.contains(suite) || isYoung(updated)) {
            fresh.add(suite);
            return;
        }
        LOG.info("fetching the package index of Debian's suite {}", suite);
        try {
            configure(suite);
            HostCommand.Outcome outcome =
                    HostCommand.run(
                            command(suite, "apt-get", "update", "--error-on=any"),
                            cache.workFolder("apt"),
                            COMMAND_LIMIT,
                            DebianMirror.APT_REMEDY);
            if (outcome.succeeded()) {
                Files.writeString(updated, Instant.now() + "\n");
            } else if (Files.exists(updated)) {
                LOG.warn("the index of {} could not be refreshed; an older one serves on", suite);
            } else {
                throw new ImageException(
                        "apt could not fetch the index of Debian's suite %s: %s"
                                .formatted(suite, lastLine(outcome.errors())));
            }
            fresh.add(suite);
        } catch (IOException e) {
            throw new ImageException("cannot keep the package index of " + suite, e);
        }
    }

    /**
     * Writes a suite's sources and the settings that turn apt away from the machine's own state.
     */
    private void configure(String suite) throws IOException {
        Path folder = suiteFolder(suite);
        Files.createDirectories(folder.resolve("lists/partial"));
        Files.createDirectories(folder.resolve("cache/archives/partial"));
        Files.writeString(
                folder.resolve("sources.list"), DebianMirror.ofThisMachine().sourceLine(suite));
        Files.writeString(folder.resolve("status"), "");
        Files.writeString(
                folder.resolve("apt.conf"),
                """
                Dir::Etc::SourceList "%1$s/sources.list";
                Dir::Etc::SourceParts "/dev/null";
                Dir::Etc::Preferences "/dev/null";
                Dir::Etc::PreferencesParts "/dev/null";
                Dir::State::Lists "%1$s/lists";
                Dir::State::Status "%1$s/status";
                Dir::Cache "%1$s/cache";
                Dir::Cache::PkgCache "pkgcache.bin";
                Dir::Cache::SrcPkgCache "srcpkgcache.bin";
                APT::Architecture "amd64";
                APT::Get::AllowUnauthenticated "false";
                APT::Sandbox::User "";
                Acquire::AllowInsecureRepositories "false";
                Acquire::Languages "none";
                Acquire::Retries "2";
                """
                        .formatted(folder));
    }

    private List<String> command(String suite, String program, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(program);
        command.add("--config-file=" + suiteFolder(suite).resolve("apt.conf"));
        command.addAll(List.of(arguments));
        return command;
    }

    /** A file that is as old as the suite's index. */
    private Path updateMark(String suite) {
        return suiteFolder(suite).resolve("updated");
    }

    private Path suiteFolder(String suite) {
        return cache.workFolder("apt/" + suite);
    }

    private static boolean isYoung(Path file) {
        try {
            Instant written = Files.getLastModifiedTime(file).toInstant();
            return written.plus(INDEX_LIFETIME).isAfter(Instant.now());
        } catch (IOException e) {
            return false;
        }
    }

    /** The value of a field in the first paragraph that has it. */
    private static Optional<String> field(String paragraph, String name) {
        String start = name + ": ";
        return paragraph
                .lines()
                .filter(line -> line.startsWith(start))
                .map(line -> line.substring(start.length()).strip())
                .findFirst();
    }

    private static String lastLine(String text) {
        return text.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .reduce((first, second) -> second)
                .orElse("no reason given");
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}

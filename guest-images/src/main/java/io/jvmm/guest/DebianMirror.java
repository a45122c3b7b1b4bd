// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where this machine takes Debian's packages from.
 *
 * @param address the archive's base address, as it stands in a line of apt's sources
 * @param keyring the keys that its suites must be signed with; empty leaves that to apt's own
 *     trusted keys
 */
record DebianMirror(String address, Optional<Path> keyring) {

    /** Environment variable with an archive's address, for a machine whose own is not Debian's. */
    static final String VARIABLE = "JVMM_DEBIAN_MIRROR";

    static final String APT_REMEDY =
            "it comes with Debian and its relatives; on another system, set "
                    + ImageCache.VARIABLE
                    + " to a cache that was filled on a Debian machine";

    private static final List<String> KEYRINGS =
            List.of(
                    "/usr/share/keyrings/debian-archive-keyring.pgp",
                    "/usr/share/keyrings/debian-archive-keyring.gpg");

    /**
     * The mirror of this machine's own apt configuration, or the one in {@link #VARIABLE}.
     *
     * @throws ImageException if there is no apt here, or it knows no Debian archive
     */
    static DebianMirror ofThisMachine() {
        String told = System.getenv(VARIABLE);
        if (told != null && !told.isBlank()) {
            return new DebianMirror(told, archiveKeyring());
        }
        HostCommand.Outcome targets =
                HostCommand.run(
                        List.of("apt-get", "indextargets", "Created-By: Packages"),
                        Path.of("/"),
                        Duration.ofSeconds(60),
                        APT_REMEDY);
        return chooseFrom(targets.output())
                .orElseThrow(() ->
                        new ImageException(
                                "apt's sources on this machine name no Debian archive;"
                                        + " set "
                                        + VARIABLE
                                        + " to the address of one"));
    }

    /** The first full Debian archive among apt's index targets, which are paragraphs of fields. */
    static Optional<DebianMirror> chooseFrom(String indexTargets) {
        return Arrays.stream(indexTargets.split("\n\n"))
                .map(DebianMirror::fields)
                .filter(DebianMirror::isDebianArchive)
                .map(target ->
                        new DebianMirror(
                                target.getOrDefault("Repo-URI", ""),
                                keyringOf(target).or(DebianMirror::archiveKeyring)))
                .findFirst();
    }

    /** A line of apt's sources for one suite of this mirror. */
    String sourceLine(String suite) {
        List<String> options = new ArrayList<>(List.of("arch=amd64"));
        keyring.ifPresent(keys -> options.add("signed-by=" + keys));
        return "deb [%s] %s %s main\n".formatted(String.join(" ", options), address, suite);
    }

    /** Not those for security and for updates: they hold only some of the packages. */
    private static boolean isDebianArchive(Map<String, String> target) {
        String address = target.getOrDefault("Repo-URI", "");
        String origin = target.getOrDefault("Origin", "Debian");
        String release = target.getOrDefault("Release", "");
        return origin.equals("Debian")
                && List.of(address.split("/")).contains("debian")
                && !release.contains("-security")
                && !release.contains("/updates");
    }

    private static Map<String, String> fields(String paragraph) {
        Map<String, String> fields = new HashMap<>();
        paragraph
                .lines()
                .forEach(line -> {
                    int colon = line.indexOf(": ");
                    if (colon > 0) {
                        fields.put(line.substring(0, colon), line.substring(colon + 2));
                    }
                });
        return fields;
    }

    private static Optional<Path> keyringOf(Map<String, String> target) {
        String signedBy = target.getOrDefault("Signed-By", "");
        return signedBy.startsWith("/") ? Optional.of(Path.of(signedBy)) : Optional.empty();
    }

    private static Optional<Path> archiveKeyring() {
        return KEYRINGS.stream().map(Path::of).filter(Files::isRegularFile).findFirst();
    }
}

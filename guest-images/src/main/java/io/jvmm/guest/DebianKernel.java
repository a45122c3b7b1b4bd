// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A stock Debian kernel for cloud machines, unpacked from its packages.
 *
 * @param line which series it is of
 * @param release its full name as {@code uname -r} prints it, such as {@code 6.1.0-50-cloud-amd64}
 * @param image the bzImage
 * @param modules the directory of its modules
 */
public record DebianKernel(Line line, String release, Path image, Path modules) {

    /** The series of kernels that tests boot. */
    public enum Line {
        /** Debian 12's own kernel; payload compressed by LZ4. */
        LINUX_6_1("6.1"),
        /** Debian 13's own kernel. */
        LINUX_6_12("6.12"),
        /** Debian's development kernel; payload compressed by Zstandard. */
        LINUX_7_2("7.2");

        private final String version;

        Line(String version) {
            this.version = version;
        }

        /** The series' number, such as {@code 6.1}. */
        public String version() {
            return version;
        }

        /**
         * The line with this number.
         *
         * @throws IllegalArgumentException if there is none
         */
        public static Line ofVersion(String version) {
            return Stream.of(values())
                    .filter(line -> line.version.equals(version))
                    .findFirst()
                    .orElseThrow(() ->
                            new IllegalArgumentException(
                                    "no kernel line %s; there are %s".formatted(version, known())));
        }

        /** The suites that have kernels of this line, best first. */
        private List<String> suites() {
            return switch (this) {
                case LINUX_6_1 -> List.of("bookworm");
                case LINUX_6_12 -> List.of("trixie", "bookworm-backports");
                case LINUX_7_2 -> List.of("sid", "forky", "trixie-backports");
            };
        }

        private static List<String> known() {
            return Stream.of(values()).map(Line::version).toList();
        }
    }

    /** Orders releases by their numbers, part by part: 6.12.9 comes before 6.12.10. */
    static final Comparator<String> BY_NUMBERS = DebianKernel::compareNumbers;

    private static final String FLAVOUR = "-cloud-amd64";
    private static final Pattern NUMBER = Pattern.compile("\\d+");

    /**
     * Fetches the newest kernel of a line.
     *
     * @throws ImageException if no suite has one, or it cannot be fetched
     */
    public static DebianKernel fetch(DebianPackages packages, Line line) {
        for (String suite : line.suites()) {
            Optional<String> release = newestRelease(packages, suite, line);
            if (release.isPresent()) {
                return unpack(packages, suite, line, release.get());
            }
        }
        throw new ImageException(
                "none of Debian's suites %s has a cloud kernel %s any more"
                        .formatted(line.suites(), line.version));
    }

    private static Optional<String> newestRelease(
            DebianPackages packages, String suite, Line line) {
        Pattern names = packageNames(line);
        return packages.names(suite, names).stream()
                .map(name -> {
                    Matcher matcher = names.matcher(name);
                    return matcher.matches() ? matcher.group(1) : name;
                })
                .max(BY_NUMBERS);
    }

    /** Matches the names of packages with a bootable image; group 1 is the release. */
    static Pattern packageNames(Line line) {
        return Pattern.compile(
                "linux-image-(%s\\.[0-9].*%s)".formatted(Pattern.quote(line.version), FLAVOUR));
    }

    private static DebianKernel unpack(
            DebianPackages packages, String suite, Line line, String release) {
        // newer packages are split: then the image's own package only names the two others
        Optional<DebianPackage> binary = packages.find(suite, "linux-binary-" + release);
        Path imageFiles;
        Path moduleFiles;
        if (binary.isPresent()) {
            imageFiles = packages.unpacked(binary.get());
            moduleFiles = packages.unpacked(suite, "linux-modules-" + release);
        } else {
            imageFiles = packages.unpacked(suite, "linux-image-" + release);
            moduleFiles = imageFiles;
        }
        return new DebianKernel(
                line,
                release,
                existing(
                        imageFiles,
                        "boot/vmlinuz-" + release,
                        "usr/lib/modules/" + release + "/vmlinuz"),
                existing(moduleFiles, "lib/modules/" + release, "usr/lib/modules/" + release));
    }

    private static Path existing(Path root, String... candidates) {
        return Stream.of(candidates)
                .map(root::resolve)
                .filter(Files::exists)
                .findFirst()
                .orElseThrow(() ->
                        new ImageException(
                                "the kernel package in %s has none of %s"
                                        .formatted(root, List.of(candidates))));
    }

    private static int compareNumbers(String a, String b) {
        // the name of the flavour has a number of its own, in amd64
        Matcher left = NUMBER.matcher(a.replace(FLAVOUR, ""));
        Matcher right = NUMBER.matcher(b.replace(FLAVOUR, ""));
        while (true) {
            boolean more = left.find();
            if (!right.find()) {
                return more ? 1 : 0;
            }
            if (!more) {
                return -1;
            }
            int order = Long.compare(Long.parseLong(left.group()), Long.parseLong(right.group()));
            if (order != 0) {
                return order;
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What programs are loaded with on this machine.
 *
 * @param found absolute paths of the libraries and of the loader
 * @param missing names that the loader does not know
 */
record SharedLibraries(Set<Path> found, Set<String> missing) {

    private static final Pattern FOUND = Pattern.compile("(?:=>)?\\s*(/\\S+) \\(0x[0-9a-f]+\\)");
    private static final Pattern MISSING = Pattern.compile("(\\S+) => not found");

    /** All libraries that programs or libraries name, and those that these name. */
    static SharedLibraries of(List<Path> files) {
        List<String> command = new ArrayList<>(List.of("ldd"));
        files.forEach(file -> command.add(file.toString()));
        String listing = HostProgram.run(command, "install the package libc-bin");
        Set<Path> found = new TreeSet<>();
        for (Matcher each = FOUND.matcher(listing); each.find(); ) {
            found.add(Path.of(each.group(1)).normalize());
        }
        Set<String> missing = new TreeSet<>();
        for (Matcher each = MISSING.matcher(listing); each.find(); ) {
            missing.add(each.group(1));
        }
        return new SharedLibraries(found, missing);
    }
}

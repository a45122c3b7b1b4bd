// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

/**
 * One version of a package, as a suite's signed index describes it.
 *
 * @param suite the suite whose index it stands in, such as {@code bookworm}
 * @param name the package's name
 * @param version its version, epoch included
 * @param sha256 the hash of its file, in hexadecimal digits
 */
public record DebianPackage(String suite, String name, String version, String sha256) {

    /** Name and version for messages. */
    @Override
    public String toString() {
        return name + " " + version + " (" + suite + ")";
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints. */
final class Version implements IVersionProvider {

    @Override
    public String[] getVersion() {
        return lines();
    }

    static String[] lines() {
        @Nullable String version = Version.class.getPackage().getImplementationVersion();
        return new String[] {
            "vmm ".concat(version == null ? "(not from a jar)" : version),
            "Java "
                    .concat(Runtime.version().toString())
                    .concat(", ")
                    .concat(System.getProperty("os.arch", "unknown"))
        };
    }
}

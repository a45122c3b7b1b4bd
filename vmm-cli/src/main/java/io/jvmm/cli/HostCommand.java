// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.guest.ImageCache;
import io.jvmm.host.HostProfile;
import io.jvmm.host.HostProfiles;
import io.jvmm.host.HostReport;
import io.jvmm.host.UffdAccess;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.concurrent.Callable;

/** {@code vmm host}: what this host's KVM can do, and what to do about what it cannot. */
@Command(name = "host", description = "Shows what this host's KVM can do, found out by trying.")
final class HostCommand implements Callable<Integer>, Main.Verbosity {

    /** Where profiles are kept, below the cache. */
    private static final String FOLDER = "host";

    @Option(names = "--json", description = "as JSON, for programs")
    private boolean json;

    @Option(names = "--fresh", description = "try again what was tried since the host's boot")
    private boolean fresh;

    @Mixin private GlobalOptions global = new GlobalOptions();

    @Spec private CommandSpec spec = CommandSpec.create();

    /** The profiles of this user. */
    static HostProfiles profiles() {
        return new HostProfiles(ImageCache.ofUser().root().resolve(FOLDER));
    }

    @Override
    public boolean verbose() {
        return global.verbose();
    }

    @Override
    public Integer call() {
        global.apply();
        HostProfiles profiles = profiles();
        HostProfile profile = fresh ? profiles.measure() : profiles.get();
        UffdAccess uffd = UffdAccess.ofThisProcess();
        PrintWriter out = spec.commandLine().getOut();
        out.print(
                json
                        ? HostJson.of(profile, uffd)
                        : HostTable.of(new HostReport(profile, uffd).rows()));
        out.flush();
        return ExitCode.OK;
    }
}

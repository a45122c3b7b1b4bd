package io.jvmm.cli;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints. */
final class Version implements IVersionProvider {

    @Override
    public String[] getVersion() {
        String version = Version.class.getPackage().getImplementationVersion();
        return new String[] {
            "vmm " + (version == null ? "(not from a jar)" : version),
            "Java %s, %s".formatted(Runtime.version(), System.getProperty("os.arch"))
        };
    }
}

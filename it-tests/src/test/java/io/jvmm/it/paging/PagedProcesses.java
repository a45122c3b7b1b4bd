// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import io.jvmm.it.framework.VmProcess;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How the two processes are started: the command's page server, and a machine. */
final class PagedProcesses {

    private PagedProcesses() {}

    /** {@code vmm page-server}, both of its output streams in one. Waits until it listens. */
    static Talker server(List<String> arguments) {
        List<String> words = new ArrayList<>(List.of("page-server"));
        words.addAll(arguments);
        Talker server = Talker.start(VmProcess.command(List.of("-XX:TieredStopAtLevel=1"), words));
        try {
            server.await("^ready$");
        } catch (AssertionError e) {
            server.close();
            throw e;
        }
        return server;
    }

    /** A {@link PagedVm}. */
    static Talker machine(String address, Path token, long mib, String order) {
        return Talker.start(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        PagedVm.class.getName(),
                        address,
                        token.toString(),
                        Long.toString(mib),
                        order));
    }
}

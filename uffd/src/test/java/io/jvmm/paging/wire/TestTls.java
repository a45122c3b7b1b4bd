// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Certificates for tests, made by the JDK's {@code keytool}. */
final class TestTls {

    static final String PASSWORD = "test-only";

    private TestTls() {}

    /** Runs {@code keytool} on a PKCS 12 file. */
    static void keytool(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of(arguments));
        command.addAll(List.of("-storetype", "PKCS12", "-storepass", PASSWORD));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }

    /** One key and certificate for both sides, for 127.0.0.1; each trusts itself. */
    static Tls forBothSides(Path folder) throws IOException, InterruptedException {
        Path store = folder.resolve("both.p12");
        keytool(
                "-genkeypair",
                "-alias",
                "both",
                "-keyalg",
                "EC",
                "-dname",
                "CN=both",
                "-ext",
                "san=ip:127.0.0.1",
                "-validity",
                "30",
                "-keystore",
                store.toString());
        return Tls.load(store, PASSWORD.toCharArray());
    }
}

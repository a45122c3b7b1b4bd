// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A C program that a benchmark compares with: one of {@link CPrograms}, started, and told line by
 * line what to do, so that both sides run in turns.
 */
final class CReference implements AutoCloseable {

    private final Process process;
    private final BufferedReader answers;
    private final Writer orders;

    private CReference(Process process) throws IOException {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.US_ASCII);
        this.orders = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.US_ASCII);
        String first = answers.readLine();
        if (!"ready".equals(first)) {
            throw new IOException("the C program said '" + first + "' instead of 'ready'");
        }
    }

    /** Starts the program of this name; it is ready when this returns. */
    static CReference start(String name, String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(CPrograms.locate(name).toString());
        command.addAll(List.of(args));
        return new CReference(
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
    }

    /** Gives an order and returns the answer. */
    String ask(String order) throws IOException {
        orders.write(order + "\n");
        orders.flush();
        String answer = answers.readLine();
        if (answer == null) {
            throw new IOException("the C program ended at '" + order + "'");
        }
        return answer;
    }

    @Override
    public void close() throws IOException {
        orders.close();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}

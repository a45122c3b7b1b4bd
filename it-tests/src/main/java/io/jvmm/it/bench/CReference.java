package io.jvmm.it.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A C program that a benchmark compares with: compiled from {@code src/bench/c}, started, and told
 * line by line what to do, so that both sides run in turns. Where there is no compiler, the system
 * property {@value #PROGRAMS_PROPERTY} names a folder with the compiled programs.
 */
final class CReference implements AutoCloseable {

    private static final String[] COMPILE = {"cc", "-O2", "-Wall", "-Wextra", "-pthread", "-o"};

    static final String PROGRAMS_PROPERTY = "jvmm.bench.programs";

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

    /** Compiles and starts a program; it is ready when this returns. */
    static CReference start(String name, String... args) throws IOException, InterruptedException {
        Path program = programOf(name);
        List<String> command = new ArrayList<>();
        command.add(program.toString());
        command.addAll(List.of(args));
        return new CReference(
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
    }

    private static Path programOf(String name) throws IOException, InterruptedException {
        String programs = System.getProperty(PROGRAMS_PROPERTY);
        if (programs != null) {
            return Path.of(programs, name);
        }
        Path root = Path.of(System.getProperty("jvmm.root", "."));
        Path target = Files.createDirectories(root.resolve("it-tests/target/bench"));
        Path program = target.resolve(name);
        Path source = root.resolve("it-tests/src/bench/c").resolve(name + ".c");
        List<String> compile = new ArrayList<>(List.of(COMPILE));
        compile.add(program.toString());
        compile.add(source.toString());
        Process compiler = new ProcessBuilder(compile).inheritIO().start();
        if (compiler.waitFor() != 0) {
            throw new IOException("cc cannot compile " + source);
        }
        return program;
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

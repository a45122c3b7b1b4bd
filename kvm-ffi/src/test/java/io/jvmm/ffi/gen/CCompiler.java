package io.jvmm.ffi.gen;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Asks the machine's C compiler, by way of {@code src/test/c/layout.c}. */
final class CCompiler {

    private static final Path PROGRAM = Path.of("src/test/c/layout.c");

    // The error itself may be placed in a macro of layout.c; a note then names the probe's line.
    private static final Pattern FAILED_LINE =
            Pattern.compile("probes\\.inc:(\\d+):\\d+: (?:error|note):");

    private static final int MAX_ROUNDS = 5;

    private final Path folder;
    private final @Nullable Path headers;

    /**
     * A compiler.
     *
     * @param folder for its files
     * @param headers a folder that goes before the compiler's own headers
     */
    CCompiler(Path folder, @Nullable Path headers) {
        this.folder = folder;
        this.headers = headers;
    }

    /** Whether there is a C compiler on this machine. */
    static boolean exists() {
        try {
            return new ProcessBuilder("cc", "--version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * What the headers say.
     *
     * @param values what the program printed: the numbers by the name of what was probed
     * @param unknown the probes that do not compile: the headers do not know the name
     */
    record Answers(Map<String, long[]> values, List<String> unknown) {}

    Answers ask(List<String> includes, List<String> probes) throws IOException {
        Files.copy(PROGRAM, folder.resolve("layout.c"));
        Files.write(folder.resolve("headers.inc"), compatible(includes));
        List<String> lines = new ArrayList<>(probes);
        List<String> unknown = new ArrayList<>();
        // An error can hide another one behind it, so it takes a few rounds until none is left.
        for (int round = 0; round < MAX_ROUNDS; round++) {
            Files.write(folder.resolve("probes.inc"), lines);
            String errors = compile();
            if (errors.isEmpty()) {
                return new Answers(run(), unknown);
            }
            Set<Integer> failed = new TreeSet<>();
            for (Matcher m = FAILED_LINE.matcher(errors); m.find(); ) {
                failed.add(Integer.parseInt(m.group(1)) - 1);
            }
            if (failed.isEmpty()) {
                throw new AssertionError("the C compiler rejects the headers:\n" + errors);
            }
            for (int line : failed) {
                unknown.add(lines.set(line, ""));
            }
        }
        throw new AssertionError("the C compiler finds ever new errors, such as in " + unknown);
    }

    /** Older headers of the kernel define {@code struct sched_param}, as the C library does. */
    private static List<String> compatible(List<String> includes) {
        List<String> lines = new ArrayList<>();
        for (String include : includes) {
            if (include.equals("#include <linux/sched/types.h>")) {
                lines.addAll(
                        List.of(
                                "#define sched_param linux_sched_param",
                                include,
                                "#undef sched_param"));
            } else {
                lines.add(include);
            }
        }
        return lines;
    }

    private String compile() throws IOException {
        List<String> command = new ArrayList<>(List.of("cc", "-w", "-o", "layout", "layout.c"));
        if (headers != null) {
            command.addAll(List.of("-I", headers.toString()));
        }
        Process compiler = start(command);
        String output = new String(compiler.getInputStream().readAllBytes());
        return exitCode(compiler) == 0 ? "" : output;
    }

    private Map<String, long[]> run() throws IOException {
        Process program = start(List.of(folder.resolve("layout").toString()));
        Map<String, long[]> values = new HashMap<>();
        for (String line : new String(program.getInputStream().readAllBytes()).lines().toList()) {
            // A type's name has a space in it: "struct kvm_regs 144".
            Matcher m = Pattern.compile("(.*?)((?: -?\\d+)+)").matcher(line);
            if (m.matches()) {
                String[] numbers = m.group(2).strip().split(" ", -1);
                long[] parsed = new long[numbers.length];
                for (int i = 0; i < parsed.length; i++) {
                    parsed[i] = Long.parseLong(numbers[i]);
                }
                values.put(m.group(1), parsed);
            }
        }
        if (exitCode(program) != 0) {
            throw new AssertionError("the compiled probes fail");
        }
        return values;
    }

    private Process start(List<String> command) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        // Messages are read by a pattern, which other languages would not match.
        builder.environment().put("LC_ALL", "C");
        return builder.start();
    }

    private static int exitCode(Process process) {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}

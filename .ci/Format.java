// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Checks, or with {@code write} mends, the format of every hand-written Java file. A program of one
 * file: the build runs it with the JDK that it found.
 */
public final class Format {

    private static final String FORMATTER = "com.google.googlejavaformat.java.Main";

    private static final List<String> COMPILER_PACKAGES =
            List.of("api", "code", "file", "parser", "tree", "util");

    private Format() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        boolean write = args[0].equals("write");
        Path list = Files.createTempFile("format", ".txt");
        try {
            Files.write(list, handWritten());
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            for (String name : COMPILER_PACKAGES) {
                command.add("--add-exports");
                command.add("jdk.compiler/com.sun.tools.javac." + name + "=ALL-UNNAMED");
            }
            command.addAll(List.of("-XX:+UseSerialGC", "-cp", args[1] + "/*", FORMATTER, "--aosp"));
            command.addAll(
                    write ? List.of("--replace") : List.of("--dry-run", "--set-exit-if-changed"));
            command.add("@" + list);
            int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
            if (exit != 0) {
                System.err.println("The files above are not formatted; mend with: ./vmm format");
                System.exit(exit);
            }
        } finally {
            Files.delete(list);
        }
    }

    /** All but what jextract generated and what a build left behind. */
    private static List<String> handWritten() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("."))) {
            return files.map(Path::toString)
                    .filter(name -> name.endsWith(".java"))
                    .filter(name -> !name.contains("/target/") && !name.contains("/ffi/gen/"))
                    .sorted()
                    .toList();
        }
    }
}

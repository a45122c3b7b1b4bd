// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Writes the line that names the licence into every source file that lacks it. Run it from the root
 * with {@code java .ci/Licence.java write}; with {@code check} it names the files and fails.
 */
public final class Licence {

    private static final String TAG = "SPDX-License-Identifier: Apache-2.0";

    private static final List<String> SLASHES = List.of(".java", ".c", ".h");
    private static final List<String> HASHES = List.of(".S", ".inc", ".sh");

    private Licence() {}

    public static void main(String[] args) throws IOException {
        boolean write = args[0].equals("write");
        int lacking = 0;
        for (Path file : sources()) {
            List<String> lines = Files.readAllLines(file);
            if (lines.stream().limit(3).noneMatch(line -> line.contains(TAG))) {
                lacking++;
                if (write) {
                    Files.writeString(file, withTag(file, Files.readString(file)));
                } else {
                    System.err.println(file);
                }
            }
        }
        if (!write && lacking > 0) {
            System.err.println(
                    "The files above do not name their licence; mend with: java"
                            + " .ci/Licence.java write");
            System.exit(1);
        }
    }

    private static String withTag(Path file, String text) {
        String mark = ends(file, SLASHES) ? "// " : "# ";
        String line = mark + TAG + "\n";
        if (text.startsWith("#!")) {
            int next = text.indexOf('\n') + 1;
            return text.substring(0, next) + line + text.substring(next);
        }
        return line + text;
    }

    /** What was written by hand: not what jextract generated, nor what a build left behind. */
    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("."))) {
            return files.filter(file -> ends(file, SLASHES) || ends(file, HASHES))
                    .filter(file -> {
                        String name = file.toString();
                        return !name.contains("/target/")
                                && !name.contains("/ffi/gen/")
                                && !name.contains("/.git/");
                    })
                    .sorted()
                    .toList();
        }
    }

    private static boolean ends(Path file, List<String> endings) {
        return endings.stream().anyMatch(file.toString()::endsWith);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

class SmallLinuxTest {

    private static final DebianPackage SOURCE =
            new DebianPackage("sid", "linux-source-7.2", "7.2.13-1", "00ff");

    private static final Pattern HUNK =
            Pattern.compile("@@ -\\d+(?:,(\\d+))? \\+\\d+(?:,(\\d+))? @@.*");

    @TempDir Path folder;

    @Test
    void theKeyChangesWithTheSourceAndWithEveryFileOfTheRecipe() {
        Map<String, String> recipe = SmallLinux.recipe();
        String key = SmallLinux.key(SOURCE, recipe);

        assertThat(key).startsWith("small-linux/7.2.13-1-");
        assertThat(SmallLinux.key(SOURCE, new TreeMap<>(recipe))).isEqualTo(key);
        DebianPackage rebuilt = new DebianPackage("sid", SOURCE.name(), SOURCE.version(), "00fe");
        assertThat(SmallLinux.key(rebuilt, recipe)).isNotEqualTo(key);
        for (String file : recipe.keySet()) {
            Map<String, String> changed = new TreeMap<>(recipe);
            changed.computeIfPresent(file, (_, text) -> text + "\n");
            assertThat(SmallLinux.key(SOURCE, changed)).as(file).isNotEqualTo(key);
        }
    }

    @Test
    void noOptionIsSetTwice() {
        List<String> options =
                SmallLinux.recipe()
                        .get("config")
                        .lines()
                        .filter(line -> line.matches("(# )?CONFIG_.*"))
                        .map(line -> line.replaceFirst("^# ", "").split("[= ]", 2)[0])
                        .toList();

        assertThat(options).hasSizeGreaterThan(80).doesNotHaveDuplicates();
    }

    /** {@code patch} guesses at a hunk whose header is wrong. */
    @ParameterizedTest
    @MethodSource("patches")
    void everyHunkHasAsManyLinesAsItsHeaderSays(String patch) {
        List<String> lines = SmallLinux.recipe().get(patch).lines().toList();
        int hunks = 0;
        for (int at = 0; at < lines.size(); at++) {
            Matcher header = HUNK.matcher(lines.get(at));
            if (header.matches()) {
                hunks++;
                List<String> body = new ArrayList<>();
                for (int i = at + 1; i < lines.size() && !lines.get(i).startsWith("@@"); i++) {
                    body.add(lines.get(i));
                }
                assertThat(body).allMatch(line -> line.matches("[-+ ].*"));
                assertThat(body.stream().filter(line -> !line.startsWith("+")))
                        .hasSize(Integer.parseInt(header.group(1)));
                assertThat(body.stream().filter(line -> !line.startsWith("-")))
                        .hasSize(Integer.parseInt(header.group(2)));
            }
        }
        assertThat(hunks).isPositive();
    }

    static Stream<String> patches() {
        return SmallLinux.recipe().keySet().stream().filter(name -> name.endsWith(".patch"));
    }

    @Test
    void packagesThatAreNotInstalledAreNamedAndNothingIsMade() throws Exception {
        Path script = folder.resolve("build.sh");
        Files.writeString(script, SmallLinux.recipe().get("build.sh"));
        Path target = folder.resolve("target");
        ProcessBuilder builder =
                new ProcessBuilder("/bin/bash", script.toString(), "source", "config", target + "");
        builder.environment().put("PATH", folder.toString());
        Process process = builder.start();
        String errors = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).isEqualTo(1);
        assertThat(errors)
                .startsWith("to build the small Linux, install: ")
                .contains(" flex ", " bison ", " libelf-dev");
        assertThat(target).doesNotExist();
    }

    @Test
    void aKernelInTheCacheIsTakenAsItIs() throws IOException {
        ImageCache cache = new ImageCache(folder);
        String key = SmallLinux.key(SOURCE, SmallLinux.recipe());
        Path entry = Files.createDirectories(folder.resolve(key));
        Files.writeString(entry.resolve("release"), "7.2.13-jvmm\n");
        Files.writeString(entry.resolve("bzImage"), "kernel");

        SmallLinux kernel = SmallLinux.build(cache, new DebianPackages(cache), SOURCE);

        assertThat(kernel).isEqualTo(new SmallLinux("7.2.13-jvmm", entry.resolve("bzImage")));
    }
}

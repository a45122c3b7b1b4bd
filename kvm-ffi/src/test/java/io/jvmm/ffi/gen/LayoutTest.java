package io.jvmm.ffi.gen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import org.assertj.core.api.SoftAssertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Compares the generated bindings with what the C compiler says: the size of every struct, offset
 * and size of every member, the value of every constant and request number.
 *
 * <p>With {@code -Djvmm.headers=FOLDER} (or {@code JVMM_HEADERS}) naming the headers that the
 * bindings come from, everything must be there and equal. Without it, the headers of this machine
 * serve, which may be older: what they do not know is passed over, and a struct may have grown.
 */
class LayoutTest {

    private static final @Nullable String HEADERS =
            System.getProperty("jvmm.headers", System.getenv("JVMM_HEADERS"));

    @TempDir Path folder;

    static List<GeneratedHeader> headers() {
        return GeneratedHeader.all();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("headers")
    void agreesWithTheCompiler(GeneratedHeader header) throws IOException {
        if (!CCompiler.exists()) {
            String reason = "there is no C compiler (cc) on this machine";
            assertThat(System.getProperty("jvmm.tools")).as(reason).isNotEqualTo("required");
            abort(reason);
        }
        boolean exact = HEADERS != null && !HEADERS.isEmpty();
        Path root = exact ? Path.of(HEADERS).toAbsolutePath() : null;

        StructProbes structs = new StructProbes();
        for (String type : header.types()) {
            structs.add(type, header.generated(type));
        }
        List<String> probes = new ArrayList<>(structs.probes());
        for (String constant : header.constants()) {
            probes.add("CONSTANT(" + constant + ")");
        }

        CCompiler.Answers answers = new CCompiler(folder, root).ask(header.includes(), probes);

        if (exact) {
            assertThat(answers.unknown()).as("what the C compiler does not know").isEmpty();
        }
        assertThat(answers.values()).as("what it knows").isNotEmpty();
        SoftAssertions softly = new SoftAssertions();
        answers.values()
                .forEach((probe, actual) -> {
                    StructProbes.Expected layout = structs.expected().get(probe);
                    if (layout == null) {
                        constant(softly, probe, header.constant(probe), actual[0]);
                    } else if (exact) {
                        equal(softly, probe, layout, actual);
                    } else {
                        compatible(softly, probe, layout, actual);
                    }
                });
        softly.assertAll();
    }

    private static void constant(
            SoftAssertions softly, String constant, Number generated, long actual) {
        if (generated instanceof Integer narrow) {
            softly.assertThat(narrow).as(constant).isEqualTo((int) actual);
        } else {
            softly.assertThat(generated.longValue()).as(constant).isEqualTo(actual);
        }
    }

    private static void equal(
            SoftAssertions softly, String probe, StructProbes.Expected expected, long[] actual) {
        softly.assertThat(actual[0]).as(probe).isEqualTo(expected.value());
        if (actual.length > 1) {
            softly.assertThat(actual[1]).as("size of " + probe).isEqualTo(expected.sizeBytes());
        }
    }

    /** Whether programs built on the older header still find everything at its place. */
    private static void compatible(
            SoftAssertions softly, String probe, StructProbes.Expected expected, long[] actual) {
        if (probe.matches(".*\\b(_?pad\\w*|reserved\\w*|unused)(\\[0])?")) {
            return;
        }
        if (expected.isType()) {
            softly.assertThat(actual[0]).as(probe).isLessThanOrEqualTo(expected.value());
        } else {
            softly.assertThat(actual[0]).as(probe).isEqualTo(expected.value());
        }
    }
}

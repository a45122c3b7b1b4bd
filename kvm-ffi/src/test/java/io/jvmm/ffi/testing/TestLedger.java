// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.testing;

import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestTag;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Records the end of every test of this process, with its tags and its time, in the file {@value
 * #FILE} of the folder that {@value #FOLDER_PROPERTY} names. {@code ./vmm test} makes its closing
 * table of these files, on the host and in the lab alike.
 *
 * <p>A line has fields parted by tabs: {@code test CLASS NAME STATUS MILLIS TAGS}, {@code class
 * CLASS MILLIS}, and {@code end} at the end of a run, which a process that crashed does not write.
 * Lines are written as tests end. Safe for use by several threads, as listeners must be.
 */
public final class TestLedger implements TestExecutionListener {

    /** System property with the folder that the file is written to; without it, none is. */
    public static final String FOLDER_PROPERTY = "jvmm.target";

    /** The file's name. */
    public static final String FILE = "tests.tsv";

    private final Map<String, Long> started = new ConcurrentHashMap<>();
    private final Optional<Path> file;
    private Optional<TestPlan> plan = Optional.empty();
    private Optional<Writer> out = Optional.empty();

    /** Writes where {@link #FOLDER_PROPERTY} says. */
    public TestLedger() {
        this(Optional.ofNullable(System.getProperty(FOLDER_PROPERTY)).map(Path::of));
    }

    /** Writes into a folder, if there is one. */
    TestLedger(Optional<Path> folder) {
        this.file = folder.map(each -> each.resolve(FILE));
    }

    @Override
    public synchronized void testPlanExecutionStarted(TestPlan started) {
        plan = Optional.of(started);
        if (file.isPresent() && started.containsTests()) {
            try {
                Files.createDirectories(file.get().toAbsolutePath().getParent());
                out = Optional.of(Files.newBufferedWriter(file.get()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        started.put(test.getUniqueId(), System.nanoTime());
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        Long from = started.remove(test.getUniqueId());
        long millis = from == null ? 0 : (System.nanoTime() - from) / 1_000_000;
        boolean failed = result.getStatus() == TestExecutionResult.Status.FAILED;
        // A container fails by itself: what a class or a template does before its tests.
        if (test.isTest() || failed) {
            String status =
                    switch (result.getStatus()) {
                        case SUCCESSFUL -> "PASSED";
                        case FAILED -> "FAILED";
                        case ABORTED -> "SKIPPED";
                    };
            write(test, status, millis);
        } else if (result.getStatus() == TestExecutionResult.Status.ABORTED) {
            skipped(test);
        }
        if (isTopLevelClass(test)) {
            line("class", className(test), Long.toString(millis));
        }
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        skipped(test);
    }

    @Override
    public synchronized void testPlanExecutionFinished(TestPlan finished) {
        line("end");
        try {
            if (out.isPresent()) {
                out.get().close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            out = Optional.empty();
        }
    }

    /** Of a container that was skipped, the tests that it is known to have; or itself. */
    private void skipped(TestIdentifier test) {
        Set<TestIdentifier> below = plan.map(each -> each.getDescendants(test)).orElse(Set.of());
        List<TestIdentifier> tests =
                below.stream()
                        .filter(each -> each.isTest() || isTemplate(each))
                        .collect(Collectors.toList());
        if (tests.isEmpty()) {
            tests.add(test);
        }
        tests.forEach(each -> write(each, "SKIPPED", 0));
    }

    /** A parameterized test of a class that is skipped, whose invocations are not known. */
    private static boolean isTemplate(TestIdentifier test) {
        return test.getSource().filter(MethodSource.class::isInstance).isPresent();
    }

    private boolean isTopLevelClass(TestIdentifier test) {
        return test.getSource().filter(ClassSource.class::isInstance).isPresent()
                && plan.flatMap(each -> each.getParent(test))
                        .filter(parent -> parent.getParentId().isEmpty())
                        .isPresent();
    }

    private void write(TestIdentifier test, String status, long millis) {
        line(
                "test",
                className(test),
                name(test),
                status,
                Long.toString(millis),
                String.join(",", tags(test)));
    }

    /** Its own and those of what it is in; dynamic tests inherit none. */
    private NavigableSet<String> tags(TestIdentifier test) {
        NavigableSet<String> tags = new TreeSet<>();
        for (Optional<TestIdentifier> at = Optional.of(test); at.isPresent(); at = parent(at)) {
            at.get().getTags().stream().map(TestTag::getName).forEach(tags::add);
        }
        return tags;
    }

    private String className(TestIdentifier test) {
        for (Optional<TestIdentifier> at = Optional.of(test); at.isPresent(); at = parent(at)) {
            Optional<String> name =
                    at.get()
                            .getSource()
                            .map(source ->
                                    switch (source) {
                                        case MethodSource method -> method.getClassName();
                                        case ClassSource type -> type.getClassName();
                                        default -> "";
                                    });
            if (name.filter(each -> !each.isEmpty()).isPresent()) {
                return name.get();
            }
        }
        return test.getDisplayName();
    }

    private Optional<TestIdentifier> parent(Optional<TestIdentifier> test) {
        return plan.flatMap(each -> test.flatMap(each::getParent));
    }

    /** Method and display name, if that tells more, such as arguments. */
    private static String name(TestIdentifier test) {
        String method =
                test.getSource()
                        .filter(MethodSource.class::isInstance)
                        .map(source -> ((MethodSource) source).getMethodName())
                        .orElse("");
        String display = test.getDisplayName();
        if (method.isEmpty()) {
            return display;
        }
        return display.startsWith(method) ? method : method + " " + display;
    }

    private synchronized void line(String... fields) {
        if (out.isEmpty()) {
            return;
        }
        StringBuilder line = new StringBuilder();
        for (String field : fields) {
            line.append(line.isEmpty() ? "" : "\t").append(field.replaceAll("\\s+", " "));
        }
        try {
            out.get().write(line.append('\n').toString());
            out.get().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

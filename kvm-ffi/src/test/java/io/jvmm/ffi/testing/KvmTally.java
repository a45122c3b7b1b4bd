package io.jvmm.ffi.testing;

import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestTag;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts the tests that really ran on KVM, so that a green run without them cannot be mistaken for
 * a full one. Writes {@code kvm-tests.txt} into the module's build folder for the launcher's
 * closing line.
 */
public final class KvmTally implements TestExecutionListener {

    private static final TestTag KVM = TestTag.create(RequiresKvm.TAG);

    private final AtomicInteger ran = new AtomicInteger();
    private final AtomicInteger skipped = new AtomicInteger();
    private final AtomicInteger seen = new AtomicInteger();

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        if (test.isTest() && test.getTags().contains(KVM)) {
            seen.incrementAndGet();
            if (result.getStatus() == TestExecutionResult.Status.ABORTED) {
                skipped.incrementAndGet();
            } else {
                ran.incrementAndGet();
            }
        }
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        if (test.getTags().contains(KVM)) {
            seen.incrementAndGet();
            skipped.incrementAndGet();
        }
    }

    @Override
    public void testPlanExecutionFinished(TestPlan plan) {
        String target = System.getProperty("jvmm.target");
        if (target == null || seen.get() == 0) {
            return;
        }
        try {
            Files.writeString(
                    Path.of(target, "kvm-tests.txt"), ran.get() + " " + skipped.get() + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.guest.ImageCache;
import io.jvmm.it.gate.TestTimes;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;

/**
 * The labs of one run of {@code ./vmm test}, each with its kernel and the tests for it. They run in
 * a process of their own from the beginning of the run, beside the tests of the host; {@code
 * LabTest} waits for them and reports their tests.
 *
 * <p>The two processes share a folder: {@value #STARTED} is there once the labs are prepared, and
 * locked as long as their process lives; {@code lab-KERNEL} holds the results of a lab and {@code
 * lab-KERNEL.ended}, when it is there, the reason why the lab failed, or nothing; {@value
 * #HOST_IS_DONE} tells that the host's other tests are done, so that a further lab finds a free
 * processor.
 */
public final class LabRuns {

    /** System property with the kernels of the labs, parted by commas. */
    public static final String KERNELS_PROPERTY = "jvmm.lab.kernels";

    /** System property of the tests' processes: {@code true} where the labs are started already. */
    static final String STARTED_PROPERTY = "jvmm.lab.started";

    /** The newest alone; the longer list of {@code .ci/run} takes as long again. */
    private static final String KERNELS = "7.2";

    private static final String STARTED = "labs.started";
    private static final String HOST_IS_DONE = "labs.host-is-done";
    private static final long LOOK_EVERY_MILLIS = 500;

    /** A lab that ran is given so many times as long, for machines that have more to do now. */
    private static final int PATIENCE = 4;

    private static final Duration SHORTEST = Duration.ofMinutes(10);

    /** Also where nothing is known. Labs run side by side, so one that hangs costs just this. */
    private static final Duration LONGEST = Duration.ofMinutes(25);

    /**
     * What the annotating kernel is for; all else it has in common with Debian's of its version.
     */
    private static final List<String> ABOUT_MISSING_PAGES =
            List.of(
                    "--include-tag=kvm",
                    "--include-tag=userfaultfd",
                    "--exclude-tag=" + LabTests.HOST,
                    "--include-classname=^io\\.jvmm\\."
                            + "(it\\.(lab|paging)\\..*|(host|machine)\\.\\w*FaultModesTest)$");

    private final Path target;

    /**
     * @param target the build folder that both processes know
     */
    LabRuns(Path target) {
        this.target = target.toAbsolutePath();
    }

    /** The kernels that {@link #KERNELS_PROPERTY} names. */
    static List<LabKernel> kernels() {
        return Pattern.compile(",")
                .splitAsStream(System.getProperty(KERNELS_PROPERTY, KERNELS))
                .map(LabKernel::labelled)
                .toList();
    }

    /** Removes what an earlier run left. */
    void clear() {
        for (LabKernel kernel : LabKernel.values()) {
            LabFolder.emptied(folder(kernel)).close();
            delete(ended(kernel));
        }
        delete(target.resolve(HOST_IS_DONE));
        delete(target.resolve(STARTED));
    }

    /**
     * Prepares and runs the labs, those that took longest before first, and returns at their end.
     * What goes wrong with one of them is noted for {@link #await} and does not keep others.
     *
     * @throws LabException if one of them cannot be prepared
     */
    void run(List<LabKernel> kernels) throws InterruptedException {
        LabSettings settings = LabSettings.fromProperties();
        TestTimes times = TestTimes.in(ImageCache.ofUser().root());
        Map<LabKernel, Lab> labs = new LinkedHashMap<>();
        kernels.stream()
                .sorted(
                        Comparator.comparing((LabKernel kernel) -> recorded(times, kernel))
                                .reversed())
                .forEach(kernel -> labs.put(kernel, Lab.prepare(settings.withKernel(kernel))));
        LabGuests.fetch();
        LabTools.fetch();
        try (FileChannel started =
                        FileChannel.open(
                                target.resolve(STARTED),
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE);
                FileLock _ = started.lock()) {
            runAll(labs, times);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot lock " + target.resolve(STARTED), e);
        }
    }

    /** One processor is left to the host's tests, as long as these run. */
    private void runAll(Map<LabKernel, Lab> labs, TestTimes times) throws InterruptedException {
        int processors = Runtime.getRuntime().availableProcessors();
        Semaphore free = new Semaphore(Math.max(1, processors - 1));
        Thread giver =
                Thread.ofVirtual()
                        .start(() -> {
                            awaitFile(target.resolve(HOST_IS_DONE));
                            free.release(processors > 1 ? 1 : 0);
                        });
        List<Thread> running = new ArrayList<>();
        for (Map.Entry<LabKernel, Lab> each : labs.entrySet()) {
            free.acquire();
            running.add(
                    Thread.ofPlatform()
                            .name("lab-" + each.getKey().label())
                            .start(() -> {
                                run(each.getKey(), each.getValue(), times);
                                free.release();
                            }));
        }
        for (Thread thread : running) {
            thread.join();
        }
        giver.interrupt();
    }

    private static Duration recorded(TestTimes times, LabKernel kernel) {
        // One that never ran may be the longest.
        return times.of(TestTimes.lab(kernel.label())).orElse(Duration.ofDays(1));
    }

    private void run(LabKernel kernel, Lab lab, TestTimes times) {
        String failure = "";
        try {
            LabFolder folder = LabFolder.emptied(folder(kernel));
            try (OutputStream log = Files.newOutputStream(folder.resolve("console.log"))) {
                LabTests.run(
                        lab,
                        kernel == LabKernel.ANNOTATING ? ABOUT_MISSING_PAGES : List.of(),
                        deadline(times.of(TestTimes.lab(kernel.label()))),
                        new LabConsole.Copied(log),
                        folder);
            }
        } catch (Throwable e) {
            failure = e.getMessage() == null ? e.toString() : e.getMessage();
        }
        try {
            // First whole, then there.
            Path whole = Files.writeString(target.resolve("lab.ended-" + kernel.label()), failure);
            Files.move(whole, ended(kernel), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot note the end of a lab", e);
        }
    }

    /** How long a lab may take that took so long before, when it was not given a deadline. */
    static Duration deadline(Optional<Duration> recorded) {
        Long told = Long.getLong(LabTests.DEADLINE_PROPERTY);
        if (told != null) {
            return Duration.ofSeconds(told);
        }
        Duration limit = recorded.map(each -> each.multipliedBy(PATIENCE)).orElse(LONGEST);
        if (limit.compareTo(SHORTEST) < 0) {
            return SHORTEST;
        }
        return limit.compareTo(LONGEST) > 0 ? LONGEST : limit;
    }

    /** The host's other tests are done. */
    void hostIsDone() {
        try {
            Files.writeString(target.resolve(HOST_IS_DONE), "");
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write to " + target, e);
        }
    }

    /**
     * Waits for the end of a lab that another process runs.
     *
     * @return one result per test
     * @throws LabException if the lab failed, or its process has ended without it
     */
    List<LabTestResult> await(LabKernel kernel) {
        Path ended = ended(kernel);
        while (!Files.exists(ended)) {
            if (!someoneRunsThem() && !Files.exists(ended)) {
                throw new LabException(
                        "the process of the labs has ended without this one; its output is in %s"
                                .formatted(target.resolve("labs.log")));
            }
            pause();
        }
        return results(kernel);
    }

    /** The results of a lab that has ended. */
    List<LabTestResult> results(LabKernel kernel) {
        try {
            String failure = Files.readString(ended(kernel));
            if (!failure.isEmpty()) {
                throw new LabException(failure);
            }
            return LabReport.read(folder(kernel).resolve("results").resolve(LabTests.REPORTS));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read how the lab ended", e);
        }
    }

    private boolean someoneRunsThem() {
        try (FileChannel started =
                        FileChannel.open(target.resolve(STARTED), StandardOpenOption.WRITE);
                FileLock lock = started.tryLock()) {
            return lock == null;
        } catch (IOException e) {
            return false;
        }
    }

    private static void awaitFile(Path file) {
        while (!Files.exists(file) && !Thread.currentThread().isInterrupted()) {
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(LOOK_EVERY_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Path folder(LabKernel kernel) {
        return target.resolve("lab-" + kernel.label());
    }

    private Path ended(LabKernel kernel) {
        return target.resolve("lab-" + kernel.label() + ".ended");
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot remove " + file, e);
        }
    }
}

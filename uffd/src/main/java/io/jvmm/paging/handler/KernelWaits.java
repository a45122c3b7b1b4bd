// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Fd;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which threads of this process wait for a page that a userfaultfd is to bring, as the kernel's
 * {@code /proc} tells: whoever hands the descriptor to another process does not see its messages.
 *
 * <p>A thread that sleeps in such a wait is told by the kernel ({@code wchan}). One that spins in
 * it, since it was kicked while the kernel itself accessed guest memory, is told by the processor
 * time that it burns without an answer, as long as anybody waits at the descriptor.
 *
 * <p>Thread-safe.
 */
final class KernelWaits {

    /** Is told of waits that last. */
    interface Overdue {
        void tell(int threadId, long waitedNanos);
    }

    private static final Path TASKS = Path.of("/proc/self/task");
    private static final String IN_FAULT = "handle_userfault";
    private static final Pattern TOTAL = Pattern.compile("(?m)^total:\\s*([0-9]+)$");
    // A vCPU that was kicked gets out of the guest within microseconds of its processor time.
    private static final long SPIN_NANOS = 5_000_000;
    // A thread was not asked about for so long: whatever it has done since is no spinning.
    private static final long FORGET_NANOS = 500_000_000;

    private final Fd uffd;

    // Guarded by this.
    private final Map<Integer, Spin> spins = new HashMap<>();
    private final Map<Integer, Sleep> sleeps = new HashMap<>();

    /** A thread that runs, while it was asked about again and again. */
    private record Spin(long ranNanos, long askedAt) {}

    /** A thread that sleeps in a fault and has not run since. */
    private record Sleep(long slices, long since, long tellAt) {}

    KernelWaits(Fd uffd) {
        this.uffd = uffd;
    }

    /** Whether anybody waits at the descriptor. */
    private boolean isAwaited() {
        Matcher total = TOTAL.matcher(read(Path.of("/proc/self/fdinfo/" + uffd.number())));
        return total.find() && Long.parseLong(total.group(1)) > 0;
    }

    /** Whether a thread, which was kicked, waits for a page. */
    synchronized boolean isWaiting(int threadId, long now) {
        if (isAsleep(threadId)) {
            return true;
        }
        if (!isAwaited()) {
            spins.remove(threadId);
            return false;
        }
        long ran = scheduled(threadId, 0);
        Spin before = spins.get(threadId);
        if (before == null || now - before.askedAt > FORGET_NANOS) {
            spins.put(threadId, new Spin(ran, now));
            return false;
        }
        spins.put(threadId, new Spin(before.ranNanos, now));
        return ran - before.ranNanos >= SPIN_NANOS;
    }

    /** Looks at all threads; to be called again and again. */
    synchronized void look(long now, long deadlineNanos, Overdue overdue) {
        if (!isAwaited()) {
            sleeps.clear();
            return;
        }
        Set<Integer> asleep = new HashSet<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
            for (Path task : tasks) {
                int threadId = Integer.parseInt(task.getFileName().toString());
                if (isAsleep(threadId)) {
                    asleep.add(threadId);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        sleeps.keySet().retainAll(asleep);
        for (int threadId : asleep) {
            long slices = scheduled(threadId, 2);
            Sleep sleep = sleeps.get(threadId);
            if (sleep == null || sleep.slices != slices) {
                sleeps.put(threadId, new Sleep(slices, now, now + deadlineNanos));
            } else if (now - sleep.tellAt >= 0) {
                sleeps.put(threadId, new Sleep(slices, sleep.since, now + deadlineNanos));
                overdue.tell(threadId, now - sleep.since);
            }
        }
    }

    private static boolean isAsleep(int threadId) {
        return read(TASKS.resolve(threadId + "/wchan")).equals(IN_FAULT);
    }

    /** A column of schedstat: 0 nanoseconds on a processor, 2 times that it was put on one. */
    private static long scheduled(int threadId, int column) {
        String[] columns = read(TASKS.resolve(threadId + "/schedstat")).strip().split(" ", -1);
        return column < columns.length && !columns[column].isEmpty()
                ? Long.parseLong(columns[column])
                : 0;
    }

    /** A file of a thread or descriptor; empty if that is gone. */
    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return "";
        }
    }
}

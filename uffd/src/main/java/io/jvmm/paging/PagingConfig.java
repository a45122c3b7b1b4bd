// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import io.jvmm.ffi.linux.Fd;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * How missing guest memory is brought. {@link #defaults} and the {@code with…} methods make one.
 *
 * @param minUnit fewest pages that one fault brings, if as many are missing around it, or that are
 *     fetched ahead at a time; a power of two, 1 to 512
 * @param maxUnit the most; a power of two, {@code minUnit} to 512. Between the two the speed of the
 *     source decides
 * @param workers threads that fetch ahead and help with faults, 1 to 64
 * @param stagingChunks how much is under way at most, in units of 2 MiB, 4 to 64
 * @param shards into how many parts memory is divided, 1 to 64, each with a userfaultfd and a
 *     reader thread of its own, so that several vCPUs are served at once; more where a part would
 *     have more than 2 GiB, fewer where one would have less than 2 MiB
 * @param sweep whether all that is missing is brought in the background, what follows faults first
 * @param neighbours whether what follows the faults of vCPUs that go through memory upwards is
 *     brought ahead without the sweep, too: up to 6 MiB behind the 2 MiB of the last fault
 * @param deadline after how long a fault is overdue
 * @param overdue what then
 * @param retry how soon a source that was away is asked again
 * @param workingSet what to bring first; may be empty
 * @param aliases second mappings of guest memory that is a memfd, all of it, by guest-physical
 *     address; none if guest memory is private and anonymous
 */
public record PagingConfig(
        int minUnit,
        int maxUnit,
        int workers,
        int stagingChunks,
        int shards,
        boolean sweep,
        boolean neighbours,
        Duration deadline,
        OverduePolicy overdue,
        Duration retry,
        WorkingSet workingSet,
        List<Alias> aliases) {

    /** The most units of 2 MiB that can be under way at a time. */
    public static final int MAX_STAGING_CHUNKS = 64;

    /**
     * A second mapping of a piece of guest memory, in which pages are filled before the guest sees
     * them.
     *
     * @param gpa guest-physical address of its first byte
     * @param memory shared and writable; kept open until the service is closed
     * @param file what is mapped; pages that it holds when the service takes over stay as they are.
     *     Pages of a source in memory are written to it, or copied into the mapping if it is not
     *     open for that.
     * @param offset of the first byte in the file
     */
    public record Alias(long gpa, MemorySegment memory, Fd file, long offset) {}

    /** Checks the limits. */
    public PagingConfig {
        if (Integer.bitCount(minUnit) != 1
                || Integer.bitCount(maxUnit) != 1
                || minUnit > maxUnit
                || maxUnit > PageRequest.MAX_PAGES) {
            throw new IllegalArgumentException("units of " + minUnit + " to " + maxUnit + " pages");
        }
        if (workers < 1 || workers > 64) {
            throw new IllegalArgumentException(workers + " workers");
        }
        if (stagingChunks < 4 || stagingChunks > MAX_STAGING_CHUNKS) {
            throw new IllegalArgumentException(stagingChunks + " staging chunks");
        }
        if (shards < 1 || shards > 64) {
            throw new IllegalArgumentException(shards + " shards");
        }
        if (deadline.toMillis() < 1 || retry.toMillis() < 1) {
            throw new IllegalArgumentException(
                    "a deadline of " + deadline + ", retry after " + retry);
        }
        aliases = List.copyOf(aliases);
    }

    /** Private anonymous memory, units of 4 KiB to 2 MiB, a sweep, a deadline of ten seconds. */
    public static PagingConfig defaults() {
        int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4);
        return new PagingConfig(
                1,
                PageRequest.MAX_PAGES,
                threads,
                16,
                threads,
                true,
                false,
                Duration.ofSeconds(10),
                OverduePolicy.KEEP_WAITING,
                Duration.ofMillis(100),
                WorkingSet.EMPTY,
                List.of());
    }

    /** With other limits to what one fault brings. */
    public PagingConfig withUnit(int min, int max) {
        return with(draft -> {
            draft.minUnit = min;
            draft.maxUnit = max;
        });
    }

    /** With another number of worker threads. */
    public PagingConfig withWorkers(int count) {
        return with(draft -> draft.workers = count);
    }

    /** With or without the background sweep. */
    public PagingConfig withSweep(boolean on) {
        return with(draft -> draft.sweep = on);
    }

    /** With or without what follows faults, where there is no sweep. */
    public PagingConfig withNeighbours(boolean on) {
        return with(draft -> draft.neighbours = on);
    }

    /** With another number of shards. */
    public PagingConfig withShards(int count) {
        return with(draft -> draft.shards = count);
    }

    /** With another deadline. */
    public PagingConfig withDeadline(Duration limit, OverduePolicy policy) {
        return with(draft -> {
            draft.deadline = limit;
            draft.overdue = policy;
        });
    }

    /** With a working set to bring first. */
    public PagingConfig withWorkingSet(WorkingSet pages) {
        return with(draft -> draft.workingSet = pages);
    }

    /** For guest memory that is a memfd. */
    public PagingConfig withAliases(List<Alias> mappings) {
        return with(draft -> draft.aliases = mappings);
    }

    private PagingConfig with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.config();
    }

    /** The same with room for changes. */
    private static final class Draft {
        int minUnit;
        int maxUnit;
        int workers;
        final int stagingChunks;
        int shards;
        boolean sweep;
        boolean neighbours;
        Duration deadline;
        OverduePolicy overdue;
        final Duration retry;
        WorkingSet workingSet;
        List<Alias> aliases;

        Draft(PagingConfig from) {
            minUnit = from.minUnit;
            maxUnit = from.maxUnit;
            workers = from.workers;
            stagingChunks = from.stagingChunks;
            shards = from.shards;
            sweep = from.sweep;
            neighbours = from.neighbours;
            deadline = from.deadline;
            overdue = from.overdue;
            retry = from.retry;
            workingSet = from.workingSet;
            aliases = from.aliases;
        }

        PagingConfig config() {
            return new PagingConfig(
                    minUnit,
                    maxUnit,
                    workers,
                    stagingChunks,
                    shards,
                    sweep,
                    neighbours,
                    deadline,
                    overdue,
                    retry,
                    workingSet,
                    aliases);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSink;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.Priority;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Random;

/**
 * Fetches a whole layout from a source, as a fault service does: several runs at a time, of random
 * sizes and priorities, asking again for what was away; and checks every page.
 */
final class TestClient implements PageSink, PageRequest.Listener, AutoCloseable {

    static final int PAGE = PageLayout.PAGE_BYTES;

    private final PageSource source;
    private final PageLayout layout;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final Random random;
    private final int depth;
    private final boolean takesPushes;

    // Guarded by this.
    private final Deque<long[]> wanted = new ArrayDeque<>();
    private final PageBitmap right;
    private final List<String> wrong = new ArrayList<>();
    private long lost;
    private long pushed;
    private int open;
    private boolean isAway;

    TestClient(PageSource source, PageLayout layout, int depth, long seed, boolean takesPushes) {
        this.source = source;
        this.layout = layout;
        this.depth = depth;
        this.takesPushes = takesPushes;
        random = new Random(seed);
        memory = arena.allocate(layout.pages() * PAGE, PAGE);
        memory.fill((byte) 0xEE);
        right = new PageBitmap(layout.pages());
        List<long[]> runs = new ArrayList<>();
        for (PageLayout.Range range : layout.ranges()) {
            long gpa = range.gpa();
            while (gpa < range.end()) {
                long left = (range.end() - gpa) / PAGE;
                long run = Math.min(left, random.nextBoolean() ? 1 : 1 + random.nextInt(512));
                runs.add(new long[] {gpa, run});
                gpa += run * PAGE;
            }
        }
        Collections.shuffle(runs, random);
        wanted.addAll(runs);
    }

    /** Begins to fetch. */
    void go() {
        while (one()) {
            // Until enough is under way.
        }
    }

    private boolean one() {
        PageRequest request;
        synchronized (this) {
            if (open >= depth || isAway) {
                return false;
            }
            long[] run = wanted.poll();
            if (run == null) {
                return false;
            }
            open++;
            request = request(run[0], (int) run[1]);
        }
        source.fetch(request, 0, request.pages());
        int luck;
        synchronized (this) {
            luck = random.nextInt(20);
        }
        if (luck == 0) {
            request.raise(Priority.URGENT);
            source.hasten(request);
        } else if (luck == 1) {
            source.cancel(request);
        }
        return true;
    }

    private PageRequest request(long gpa, int pages) {
        PageRequest request = new PageRequest(this);
        Priority priority =
                pages == 1
                        ? Priority.URGENT
                        : random.nextBoolean() ? Priority.PREFETCH : Priority.SWEEP;
        request.begin(gpa, pages, priority, memory, layout.page(gpa, PAGE) * PAGE);
        return request;
    }

    @Override
    public void answered(PageRequest request) {
        synchronized (this) {
            for (int page = 0; page < request.pages(); page++) {
                check(request, page);
            }
            isAway |= request.failure() == PageFailure.AWAY;
            open--;
            notifyAll();
        }
        go();
    }

    private void check(PageRequest request, int page) {
        long gpa = request.gpa() + (long) page * PAGE;
        long number = layout.page(gpa, PAGE);
        if (request.isFailed(page)) {
            if (request.failure() == PageFailure.LOST) {
                lost++;
            } else {
                wanted.add(new long[] {gpa, 1});
            }
            return;
        }
        MemorySegment content = memory.asSlice(number * PAGE, PAGE);
        if (request.isZero(page)) {
            content.fill((byte) 0);
        }
        if (!TestImage.isRight(gpa, content)) {
            wrong.add("0x" + Long.toHexString(gpa));
        }
        if (right.set(number, 1) == 0) {
            wrong.add("twice 0x" + Long.toHexString(gpa));
        }
    }

    @Override
    public @Nullable PageRequest offer(long gpa, int pages) {
        synchronized (this) {
            if (!takesPushes) {
                return null;
            }
            if (!takeAll(gpa, gpa + pages * (long) PAGE)) {
                return null;
            }
            open++;
            pushed += pages;
            PageRequest request = new PageRequest(this);
            request.begin(gpa, pages, Priority.SWEEP, memory, layout.page(gpa, PAGE) * PAGE);
            return request;
        }
    }

    /** Takes pages out of what is wanted, if all of them are. */
    private boolean takeAll(long from, long to) {
        List<long[]> touched = new ArrayList<>();
        long covered = 0;
        for (long[] run : wanted) {
            long overlap = Math.min(to, end(run)) - Math.max(from, run[0]);
            if (overlap > 0) {
                touched.add(run);
                covered += overlap;
            }
        }
        if (covered != to - from) {
            return false;
        }
        wanted.removeAll(touched);
        for (long[] run : touched) {
            if (run[0] < from) {
                wanted.add(new long[] {run[0], (from - run[0]) / PAGE});
            }
            if (end(run) > to) {
                wanted.add(new long[] {to, (end(run) - to) / PAGE});
            }
        }
        return true;
    }

    private static long end(long[] run) {
        return run[0] + run[1] * PAGE;
    }

    @Override
    public void available() {
        synchronized (this) {
            isAway = false;
        }
        go();
    }

    /** Waits until nothing is wanted and open any more; with all pages, tells the source so. */
    void await() throws InterruptedException {
        awaitAnswers();
        if (rightPages() == layout.pages()) {
            source.allInstalled();
        }
    }

    private synchronized void awaitAnswers() throws InterruptedException {
        while (open > 0 || !wanted.isEmpty()) {
            wait();
        }
    }

    synchronized void assertAllRight() {
        assertThat(wrong).isEmpty();
        assertThat(lost).isZero();
        assertThat(right.count()).isEqualTo(layout.pages());
    }

    synchronized long rightPages() {
        return right.count();
    }

    synchronized long lost() {
        return lost;
    }

    synchronized long pushed() {
        return pushed;
    }

    @Override
    public void close() {
        arena.close();
    }
}

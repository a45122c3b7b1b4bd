// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

/**
 * How many pages come at a time. More cost less each, but the one that somebody waits for comes
 * later. A unit is chosen such that it delays a page by no more than a fixed time; what is fetched
 * ahead may take longer, since hardly anybody waits for it yet, and a whole chunk that has never
 * been touched is moved into place as a huge page.
 *
 * <p>A request is taken to cost a latency and a time per page. The latter is the slope of a
 * straight line through the requests of late, weighted by age; as long as all were of one size,
 * their time divided by their pages stands for it, which is too much. Numbers of racing threads may
 * get lost; they are estimates.
 */
final class UnitChooser {

    private static final double BUDGET_NANOS = 500_000;
    // 2 MiB at 200 MB/s.
    private static final double AHEAD_BUDGET_NANOS = 10_000_000;
    private static final double WEIGHT = 0.1;
    private static final double SPREAD = 0.01;
    private static final int FIRST_UNIT = 16;

    private final int min;
    private final int max;
    private volatile int unit;
    private volatile int ahead;
    // Weighted means: pages, nanoseconds, squared pages, pages times nanoseconds.
    private double meanPages;
    private double meanNanos;
    private double meanSquare;
    private double meanProduct;
    private double pageNanos = -1;

    /**
     * @param synchronous a source that answers at once begins with the largest unit, another with a
     *     small one
     */
    UnitChooser(int min, int max, boolean synchronous) {
        this.min = min;
        this.max = max;
        unit = synchronous ? max : Math.clamp(FIRST_UNIT, min, max);
        ahead = unit;
    }

    /** For a page that somebody waits for; a power of two. */
    int unit() {
        return unit;
    }

    /** For pages that are fetched ahead; a power of two, never less than {@link #unit}. */
    int ahead() {
        return ahead;
    }

    /** A request of so many pages took so long. */
    void record(int pages, long took) {
        if (min == max) {
            return;
        }
        double nanos = (double) took;
        double weight = meanPages == 0 ? 1 : WEIGHT;
        meanPages += weight * (pages - meanPages);
        meanNanos += weight * (nanos - meanNanos);
        meanSquare += weight * ((double) pages * pages - meanSquare);
        meanProduct += weight * (pages * nanos - meanProduct);
        double variance = meanSquare - meanPages * meanPages;
        if (variance > SPREAD * meanSquare) {
            pageNanos = Math.max(1, (meanProduct - meanPages * meanNanos) / variance);
        } else if (pageNanos < 0) {
            pageNanos = Math.max(1, nanos / pages);
        }
        unit = step(unit, BUDGET_NANOS / pageNanos);
        ahead = Math.max(unit, step(ahead, AHEAD_BUDGET_NANOS / pageNanos));
    }

    /** One step at a time: a single outlier does not throw the unit about. */
    private int step(int now, double fits) {
        if (fits >= 2.0 * now && now < max) {
            return now * 2;
        }
        return fits < now && now > min ? now / 2 : now;
    }
}

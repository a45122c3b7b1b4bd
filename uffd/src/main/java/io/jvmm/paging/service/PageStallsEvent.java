// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.StallHistogram;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** How long one vCPU's thread waited for pages, in a flight recording; with the numbers of all. */
@Name("jvmm.PageStalls")
@Label("Page Stalls")
@Description("How long a thread waited for missing pages, since the beginning")
@Category("jvmm")
@StackTrace(false)
final class PageStallsEvent extends Event {

    @Label("Native Thread Id")
    int threadId;

    @Label("Stalls")
    long stalls;

    @Label("Total")
    @Timespan
    long total;

    @Label("Median")
    @Timespan
    long median;

    @Label("99th Percentile")
    @Timespan
    long percentile99;

    @Label("Longest")
    @Timespan
    long longest;

    static void emit(StallHistogram stalls) {
        PageStallsEvent event = new PageStallsEvent();
        event.threadId = stalls.threadId();
        event.stalls = stalls.count();
        event.total = stalls.totalNanos();
        event.median = stalls.percentileNanos(0.5);
        event.percentile99 = stalls.percentileNanos(0.99);
        event.longest = stalls.maxNanos();
        event.commit();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.PagingStatistics;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Fault;
import io.jvmm.paging.PagingStatistics.Path;
import io.jvmm.paging.StallHistogram;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** The numbers of a fault service, in a flight recording. */
@Name("jvmm.PagingStatistics")
@Label("Paging Statistics")
@Description("Guest memory that arrives while the guest runs, since the beginning")
@Category("jvmm")
@Period("1 s")
@StackTrace(false)
final class PagingStatisticsEvent extends Event {

    @Label("Missing Pages")
    int missingPages;

    @Label("Waiting Threads")
    int waitingThreads;

    @Label("Faults on Empty Pages")
    long emptyFaults;

    @Label("Faults on Pages Being Fetched")
    long fetchingFaults;

    @Label("Faults on Pages Just Come")
    long presentFaults;

    @Label("Faults on Dropped Pages")
    long droppedFaults;

    @Label("Faults Elsewhere")
    long unknownFaults;

    @Label("Pages for Faults")
    long faultPages;

    @Label("Pages for the Gate")
    long gatePages;

    @Label("Pages Fetched Ahead")
    @Description("The neighbourhood of faults, and the recorded working set")
    long prefetchedPages;

    @Label("Pages of the Sweep")
    long sweptPages;

    @Label("Pages Pushed by the Source")
    long pushedPages;

    @Label("Stalls")
    long stalls;

    @Label("Median Stall")
    @Timespan
    long medianStall;

    @Label("99th Percentile Stall")
    @Timespan
    long percentile99Stall;

    @Label("Longest Stall")
    @Timespan
    long longestStall;

    @Label("Moved")
    @DataAmount
    long movedBytes;

    @Label("Copied")
    @DataAmount
    long copiedBytes;

    @Label("Mapped")
    @DataAmount
    long mappedBytes;

    @Label("Zeroed")
    @DataAmount
    long zeroedBytes;

    static void emit(PagingStatistics statistics) {
        PagingStatisticsEvent event = new PagingStatisticsEvent();
        StallHistogram stalls = statistics.stalls();
        event.missingPages = statistics.missingPages();
        event.waitingThreads = statistics.waiting();
        event.emptyFaults = statistics.faults(Fault.EMPTY);
        event.fetchingFaults = statistics.faults(Fault.FETCHING);
        event.presentFaults = statistics.faults(Fault.PRESENT);
        event.droppedFaults = statistics.faults(Fault.DROPPED);
        event.unknownFaults = statistics.faults(Fault.UNKNOWN);
        event.faultPages = statistics.pages(Cause.FAULT);
        event.gatePages = statistics.pages(Cause.GATE);
        event.prefetchedPages =
                statistics.pages(Cause.NEIGHBOUR) + statistics.pages(Cause.WORKING_SET);
        event.sweptPages = statistics.pages(Cause.SWEEP);
        event.pushedPages = statistics.pages(Cause.PUSH);
        event.stalls = stalls.count();
        event.medianStall = stalls.percentileNanos(0.5);
        event.percentile99Stall = stalls.percentileNanos(0.99);
        event.longestStall = stalls.maxNanos();
        event.movedBytes = statistics.bytes(Path.MOVE);
        event.copiedBytes = statistics.bytes(Path.COPY);
        event.mappedBytes = statistics.bytes(Path.CONTINUE);
        event.zeroedBytes = statistics.bytes(Path.ZERO);
        event.commit();
        for (StallHistogram thread : statistics.stallsByThread()) {
            PageStallsEvent.emit(thread);
        }
    }
}

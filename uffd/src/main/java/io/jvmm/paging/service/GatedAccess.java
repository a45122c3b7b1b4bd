// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PagingException;
import io.jvmm.paging.PagingStatistics.Cause;

/** Has pages brought that Java code wants to touch, and waits for them. For all threads. */
final class GatedAccess {

    private static final long PAGE = PageRequest.PAGE_BYTES;

    private final PageStates states;
    private final Dispatcher dispatcher;
    private final WorkingSetRecorder recorder;

    GatedAccess(PageStates states, Dispatcher dispatcher, WorkingSetRecorder recorder) {
        this.states = states;
        this.dispatcher = dispatcher;
        this.recorder = recorder;
    }

    /**
     * Returns when all pages of a range are present.
     *
     * @param length in bytes, more than 0
     * @param until when to give up, as {@link System#nanoTime} counts
     * @throws PagingException if one does not come in time, or not at all
     */
    void populate(long gpa, long length, long until) {
        for (long at = gpa & -PAGE; at < gpa + length; ) {
            int first = states.memory.ofGpa(at);
            if (first == PageStates.NONE) {
                throw new PagingException(
                        PagingException.Reason.UNKNOWN, at, "not in the pager's care");
            }
            long wanted = (gpa + length - at + PAGE - 1) / PAGE;
            int count = (int) Math.min(wanted, states.memory.endOfRange(first) - first);
            populatePages(first, first + count, until);
            at += count * PAGE;
        }
    }

    /** Whether all pages of a range are present; asks for none. */
    boolean isPresent(long gpa, long length) {
        if (states.map.allPresent()) {
            return true;
        }
        for (long at = gpa & -PAGE; at < gpa + length; at += PAGE) {
            int page = states.memory.ofGpa(at);
            if (page == PageStates.NONE || !states.map.isPresent(page)) {
                return false;
            }
        }
        return true;
    }

    private void populatePages(int first, int end, long until) {
        PresenceMap map = states.map;
        int page = map.nextMissing(first, end);
        if (page == end) {
            return;
        }
        int slot = dispatcher.arrivals.gate.enter();
        try {
            // All of them are asked for before the first is waited for.
            for (int at = page; at < end; at = map.nextMissing(at + 1, end)) {
                want(at);
            }
            while (page < end) {
                requireHope(page, until);
                want(page);
                if (!map.isPresent(page)) {
                    dispatcher.arrivals.gate.await(slot, until - System.nanoTime());
                }
                page = map.nextMissing(page, end);
            }
        } finally {
            dispatcher.arrivals.gate.leave(slot);
        }
    }

    private void want(int page) {
        if (states.want(page)) {
            recorder.wanted(states.memory.gpa(page));
        }
        if (!dispatcher.serve(page, Cause.GATE)) {
            dispatcher.signal();
        }
    }

    private void requireHope(int page, long until) {
        long gpa = states.memory.gpa(page);
        if (dispatcher.sourceState.isEnding()) {
            throw new PagingException(PagingException.Reason.ENDED, gpa, "the pager has ended");
        }
        if (dispatcher.arrivals.lost.get(page)) {
            throw new PagingException(PagingException.Reason.LOST, gpa, "its content is lost");
        }
        if (until - System.nanoTime() <= 0) {
            throw new PagingException(
                    PagingException.Reason.OVERDUE, gpa, "it has not come within the deadline");
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.linux.Fd;
import io.jvmm.paging.PageGate;
import io.jvmm.paging.service.GuardedView;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * For tests and debugging: Java code sees a machine's memory in {@linkplain GuardedView views} that
 * hold only what the gate was asked for, so that each touch past the gate fails at once instead of
 * stopping the process some day.
 *
 * <p>On by the system property {@value #PROPERTY} = {@code on}, for machines whose memory comes by
 * a {@link PagingPlan} and is a memfd: anonymous memory cannot be mapped twice. The gate is asked
 * for every access then, and makes a system call for each page; without it there is no trace of
 * this class in the way of an access.
 *
 * <p>Thread-safe but for {@link #view} and {@link #close}.
 */
final class GuardedRam implements PageGate, AutoCloseable {

    /** Read for each machine that is made. */
    static final String PROPERTY = "jvmm.paging.guarded";

    private static final PageGate NOTHING_IS_MISSING =
            new PageGate() {
                @Override
                public boolean allPresent() {
                    return true;
                }

                @Override
                public void populate(long gpa, long length, Duration deadline) {}
            };

    private record Part(long gpa, long length, GuardedView view) {}

    /** Whoever it is at the moment; the views are there before he is. */
    private final PageGate source =
            new PageGate() {
                @Override
                public boolean allPresent() {
                    return behind.allPresent();
                }

                @Override
                public void populate(long gpa, long length, Duration deadline) {
                    behind.populate(gpa, length, deadline);
                }
            };

    private final List<Part> parts = new ArrayList<>();
    private final Owned owned = new Owned();
    private volatile PageGate behind = NOTHING_IS_MISSING;

    /** Whether new machines are to have it. */
    static boolean isOn() {
        return "on".equals(System.getProperty(PROPERTY));
    }

    /**
     * One more view, of a whole file.
     *
     * @param gpa guest-physical address of its first byte
     */
    MemorySegment view(long gpa, Fd file, long length) {
        GuardedView view =
                owned.own(new GuardedView(source, gpa, file, 0, length), GuardedView::close);
        parts.add(new Part(gpa, length, view));
        return view.segment();
    }

    /** Who brings what is missing; null if nothing is. */
    void behind(@Nullable PageGate pages) {
        behind = pages == null ? NOTHING_IS_MISSING : pages;
    }

    /** Never, so that everybody asks. */
    @Override
    public boolean allPresent() {
        return false;
    }

    @Override
    public void populate(long gpa, long length, Duration deadline) {
        for (Part part : parts) {
            // Who asks has found the range in one region; an empty one may also end it.
            if (gpa >= part.gpa && gpa - part.gpa < part.length) {
                part.view.populate(gpa, length, deadline);
            }
        }
    }

    /** After the last user of the memory. */
    @Override
    public void close() {
        owned.close();
    }
}

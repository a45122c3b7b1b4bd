// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

/** A run of pages that a client waits for, or that is being pushed to it. Of one sender. */
final class Wanted implements Comparable<Wanted> {

    final long id;
    final int priority;
    long gpa;
    int length;
    volatile boolean isCancelled;
    boolean isAnnounced = true;

    Wanted(long id, int priority, long gpa, int length) {
        this.id = id;
        this.priority = priority;
        this.gpa = gpa;
        this.length = length;
    }

    /** What was sent is off. */
    void advance(int bytes) {
        gpa += bytes;
        length -= bytes;
    }

    /** Most urgent first, then in the order of asking. */
    @Override
    public int compareTo(Wanted other) {
        int byPriority = Integer.compare(priority, other.priority);
        return byPriority != 0 ? byPriority : Long.compareUnsigned(id, other.id);
    }

    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(id);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

/** A page could not be brought to somebody who asked for it from Java code. */
public final class PagingException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** Why. */
    public enum Reason {
        /** It did not come within the time allowed; it may come yet. */
        OVERDUE,
        /** It will never come: the source has lost it. */
        LOST,
        /** The pager has released all waiters, or is closed. */
        ENDED,
        /** It is not in the pager's care. */
        UNKNOWN
    }

    private final Reason reason;
    private final long gpa;

    public PagingException(Reason reason, long gpa, String message) {
        super("guest page at 0x%x: %s".formatted(gpa, message));
        this.reason = reason;
        this.gpa = gpa;
    }

    public Reason reason() {
        return reason;
    }

    /** Guest-physical address of the page. */
    public long gpa() {
        return gpa;
    }
}

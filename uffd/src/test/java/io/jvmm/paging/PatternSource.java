// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

/** Makes the pages of {@link Pattern} up; every n-th is zero. */
public final class PatternSource implements PageSource {

    private final int zeroEvery;

    public PatternSource() {
        this(0);
    }

    public PatternSource(int zeroEvery) {
        this.zeroEvery = zeroEvery;
    }

    @Override
    public boolean isSynchronous() {
        return true;
    }

    public boolean isZero(long gpa) {
        return zeroEvery > 0 && gpa / Pattern.PAGE % zeroEvery == 0;
    }

    @Override
    public void fetch(PageRequest request, int first, int count) {
        for (int page = first; page < first + count; page++) {
            long gpa = request.gpa() + page * Pattern.PAGE;
            if (isZero(gpa)) {
                request.zero(page, 1);
            } else {
                Pattern.fill(request.memory(), request.offset() + page * Pattern.PAGE, gpa, 1);
                request.filled(page, 1);
            }
        }
    }

    @Override
    public void close() {}
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.source;

import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;

/** Has every page, and all are zero. The bottom of a {@link CompositePageSource}. */
public final class ZeroPageSource implements PageSource {

    /** The source of zeros. */
    public ZeroPageSource() {}

    @Override
    public boolean isSynchronous() {
        return true;
    }

    @Override
    public void fetch(PageRequest request, int first, int count) {
        request.zero(first, count);
    }

    @Override
    public void close() {}
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSink;

import org.jspecify.annotations.Nullable;

/** Wants nothing. */
final class Idle implements PageSink {

    @Override
    public @Nullable PageRequest offer(long gpa, int pages) {
        return null;
    }

    @Override
    public void available() {}
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * The memory that a {@link PageServer} serves: a file, memory, a machine that has stopped here and
 * runs on elsewhere. It does not change while it is served.
 *
 * <p>Methods are called from several threads at once.
 */
public interface PageImage extends AutoCloseable {

    /** Which memory it is. */
    PageLayout layout();

    /**
     * Reads whole pages of one range of the layout.
     *
     * @param gpa of the first page
     * @param to filled entirely; native
     * @throws IOException if the pages cannot be had; the client is told that they are lost
     */
    void read(long gpa, MemorySegment to) throws IOException;

    @Override
    void close();
}

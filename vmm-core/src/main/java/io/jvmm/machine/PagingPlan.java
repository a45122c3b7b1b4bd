// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.paging.FaultMode;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;

import java.util.Objects;
import java.util.Optional;

/**
 * How a machine comes to the memory that its loader leaves out: page by page, while it runs.
 *
 * @param source has every page of guest memory, by guest-physical address. The machine closes it,
 *     whatever becomes of the machine; so a plan is for one machine
 * @param config how it is brought; without aliases, which the machine makes itself
 * @param mode how a vCPU that misses a page comes to it. By default the best that the host has,
 *     found out by trying
 */
public record PagingPlan(PageSource source, PagingConfig config, Optional<FaultMode> mode) {

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException the configuration has aliases
     */
    public PagingPlan {
        Objects.requireNonNull(source);
        if (!config.aliases().isEmpty()) {
            throw new IllegalArgumentException("a machine makes the aliases of its memory itself");
        }
    }

    /** All memory from a source, with the usual configuration. */
    public static PagingPlan of(PageSource source) {
        return of(source, PagingConfig.defaults());
    }

    /** All memory from a source, in the host's best mode. */
    public static PagingPlan of(PageSource source, PagingConfig config) {
        return new PagingPlan(source, config, Optional.empty());
    }

    /** The same in a certain mode; a machine is refused where the host does not have it. */
    public PagingPlan withMode(FaultMode forced) {
        return new PagingPlan(source, config, Optional.of(forced));
    }
}

// SPDX-License-Identifier: Apache-2.0
/**
 * The fault service: it waits for the page faults of a machine, asks the machine's page source, and
 * puts pages in place. Exported to the machine alone; an owner sees {@link io.jvmm.paging}.
 */
@org.jspecify.annotations.NullMarked
package io.jvmm.paging.service;

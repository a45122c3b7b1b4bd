// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

/**
 * A piece of guest memory that a handler shall fill.
 *
 * @param address where it is mapped in the machine's process
 * @param size in bytes, a positive multiple of the page size
 * @param offset of its first byte in the file that backs it
 * @param pageSize in bytes, a power of two from 4 KiB to 1 GiB
 */
public record HandlerRegion(long address, long size, long offset, long pageSize) {

    private static final long MIN_PAGE = 4096;
    private static final long MAX_PAGE = 1L << 30;

    /**
     * @throws IllegalArgumentException if a number is out of its range
     */
    public HandlerRegion {
        boolean isPage =
                pageSize >= MIN_PAGE && pageSize <= MAX_PAGE && Long.bitCount(pageSize) == 1;
        if (!isPage
                || address <= 0
                || size <= 0
                || offset < 0
                || (address | size) % pageSize != 0
                || size > Long.MAX_VALUE - address
                || size > Long.MAX_VALUE - offset) {
            throw new IllegalArgumentException(
                    "no region: 0x%x bytes at 0x%x in pages of 0x%x, from 0x%x of the file"
                            .formatted(size, address, pageSize, offset));
        }
    }

    boolean contains(long other) {
        return other >= address && other - address < size;
    }
}

# SPDX-License-Identifier: Apache-2.0
# Long mode, ring 0: device memory accesses of every size, see mmio.inc.
# Used by: tests of MMIO exits; the endless part by the exit benchmark.

.include "long-mode.inc"
.include "paging.inc"
.include "mmio.inc"

.globl entry
entry:
    load_page_tables
    mmio_accesses

# SPDX-License-Identifier: Apache-2.0
# Long mode, ring 3: device memory accesses of every size, see mmio.inc.
# Used by: tests of MMIO exits; the endless part by the exit benchmark.

.include "long-mode.inc"
.include "ring3.inc"
.include "mmio.inc"

.globl entry
entry:
    enter_ring3 user

user:
    mmio_accesses

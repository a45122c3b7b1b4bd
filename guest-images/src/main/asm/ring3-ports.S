# SPDX-License-Identifier: Apache-2.0
# Long mode, ring 3: writes a byte to TEST_PORT for ever. Ring 3 runs natively even where
# the host has no hardware virtualisation, so here an exit costs what the switch costs.
# Used by: ./vmm bench exits, and its C reference.

.include "long-mode.inc"
.include "ring3.inc"

.globl entry
entry:
    enter_ring3 user

user:
    mov     dx, TEST_PORT
again:
    out     dx, al
    jmp     again

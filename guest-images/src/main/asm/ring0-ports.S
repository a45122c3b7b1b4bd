# SPDX-License-Identifier: Apache-2.0
# Long mode, ring 0: writes a byte to TEST_PORT for ever.
# Used by: ./vmm bench exits, and its C reference.

.include "long-mode.inc"

.globl entry
entry:
    mov     dx, TEST_PORT
again:
    out     dx, al
    jmp     again

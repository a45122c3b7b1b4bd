# SPDX-License-Identifier: Apache-2.0
# Real mode: writes a byte to TEST_PORT for ever. The time from one exit to the next is the
# cost of a port exit for a vCPU outside long mode.
# Used by: ./vmm bench exits, and its C reference.

.include "real-mode.inc"

    real_mode_entry
    mov     dx, TEST_PORT
again:
    out     dx, al
    jmp     again

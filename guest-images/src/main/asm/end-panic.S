# SPDX-License-Identifier: Apache-2.0
# Long mode: reports a panic to the pvpanic device, then stands still.
# Used by: tests of the exit code for a guest panic.

.include "long-mode.inc"

.globl entry
entry:
    mov     dx, PVPANIC
    mov     al, 1
    out     dx, al
    stand_still

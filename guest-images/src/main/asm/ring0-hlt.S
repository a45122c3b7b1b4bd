# SPDX-License-Identifier: Apache-2.0
# Long mode, ring 0: tells TEST_PORT once that it is up (0x48, 'H'), then halts with
# interrupts off.
# Used by: tests of stop, pause and kick on a halted vCPU.

.include "long-mode.inc"

.globl entry
entry:
    mov     dx, TEST_PORT
    mov     al, 'H'
    out     dx, al
    stand_still

# SPDX-License-Identifier: Apache-2.0
# Real mode: tells TEST_PORT once that it is up (0x48, 'H'), then halts again and again
# with interrupts off. Leaving it takes a kick.
# Used by: tests of stop, pause and kick on a halted vCPU.

.include "real-mode.inc"

    real_mode_entry
    mov     dx, TEST_PORT
    mov     al, 'H'
    out     dx, al
    stand_still

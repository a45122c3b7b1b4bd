# SPDX-License-Identifier: Apache-2.0
# Long mode: asks for a reset by pulsing the keyboard controller's reset line, which is how
# Linux reboots with reboot=k.
# Used by: tests of reset.

.include "long-mode.inc"

.globl entry
entry:
    mov     al, 0xfe
    out     I8042_COMMAND, al
    stand_still

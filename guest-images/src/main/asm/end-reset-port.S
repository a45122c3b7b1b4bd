# SPDX-License-Identifier: Apache-2.0
# Long mode: asks for a reset through port 0xcf9, the reset register of the ACPI FADT.
# Used by: tests of reset.

.include "long-mode.inc"

.globl entry
entry:
    mov     dx, RESET_PORT
    mov     al, 6
    out     dx, al
    stand_still

# SPDX-License-Identifier: Apache-2.0
# Long mode: powers off through the ACPI PM1a control register.
# Used by: tests of the exit code for a guest that ends by itself.

.include "long-mode.inc"

.globl entry
entry:
    power_off

# SPDX-License-Identifier: Apache-2.0
# Real mode: reads 16 bytes from TEST_PORT with one REP INSB, sends them back to the same
# port with one REP OUTSB, then powers off. KVM may hand several bytes to the monitor in
# one exit of a string input: what comes back shows whether each arrived, in order.
# Used by: tests of string input in the exit loop.

.include "real-mode.inc"

.equ COUNT, 16
.equ BUFFER, 0x2000

    real_mode_entry
    mov     di, BUFFER
    mov     cx, COUNT
    mov     dx, TEST_PORT
    rep insb
    mov     si, BUFFER
    mov     cx, COUNT
    rep outsb
    power_off

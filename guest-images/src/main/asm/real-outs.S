# SPDX-License-Identifier: Apache-2.0
# Real mode: sends a line to the serial port with one REP OUTSB, then powers off.
# Used by: tests of string output, of the serial port and of the whole way from start to
# power-off.

.include "real-mode.inc"

    real_mode_entry
    mov     si, offset line
    mov     cx, offset line_end - line
    mov     dx, COM1
    rep outsb
    power_off

line:
    .ascii  "real mode says hello\r\n"
line_end:

# SPDX-License-Identifier: Apache-2.0
# Ring 3, up to 64 vCPUs: each goes through a range of memory page by page, in ascending or
# in random order, and checks or writes a pattern in each page (workers/touch.inc).
#
# Parameters (32-bit reads of TEST_PORT): number of vCPUs; first page frame; pages per vCPU.
# Then every vCPU reports UP, and for each pass reads what to do: GO (bit 31) with
# TOUCH_RANDOM (bit 0) and TOUCH_WRITE (bit 1), or 0, which powers off. After the pass it
# reports DONE with the number of pages; a wrong page is reported as WRONG with its number.
# The test holds a vCPU back by answering late, so all can begin a pass together.
# Used by: tests and benchmarks of paging, dirty tracking, snapshots and migration.

.include "long-mode.inc"
.include "workers/frame.inc"
.include "workers/touch.inc"

.equ GO, 1 << 31

read_parameters:
    call    parameter
    mov     [rip + workers], eax
    jmp     read_range

worker_main:
    lea     rax, [rip + user]
    mov     edx, RFLAGS_OFF
    jmp     to_ring3

user:
    tell    REPORT_UP, 0
next_pass:
    call    parameter
    test    eax, GO
    jz      finish
    mov     edx, eax
    call    touch_range
    mov     ecx, eax
    mov     eax, REPORT_DONE
    call    report
    jmp     next_pass
finish:
    mov     edx, PM1A_CONTROL
    mov     eax, SLEEP_S5
    out     dx, ax
1:  pause
    jmp     1b

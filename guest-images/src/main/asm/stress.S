# SPDX-License-Identifier: Apache-2.0
# Up to 64 vCPUs, each with a role of its own that goes round for ever and checks itself; see
# workers/roles.inc. What a monitor does to a vCPU at any moment (kick, pause, save, restore)
# must not show.
#
# Parameters (32-bit reads of TEST_PORT): number of vCPUs; the role of each, in their order;
# first page frame and pages per vCPU for those in role 5 (0 and 0 when there are none).
# Roles: 0 computes, 1 halts, 2 uses ports, 3 uses device memory, 4 mixes SSE, x87, string
# I/O and timer interrupts, 5 checks pages, 6 is 4 with AVX.
# Every vCPU reports UP with its role, then PROGRESS after each round with the number of
# rounds, and WRONG or EXCEPTION when something is not as it should be.
# Used by: stress tests of kicks, pause, saved state; with role 5 of stalled page faults.

.include "long-mode.inc"
.include "workers/frame.inc"
.include "workers/touch.inc"
.include "workers/registers.inc"
.include "workers/roles.inc"
.include "workers/floating.inc"

.equ ROLE_HALT,     1
.equ ROLE_MIXED,    4
.equ ROLE_MIXED_WIDE, 6
.equ ROLES,         7

.data
.balign 8
entries:    .quad role_compute, role_halt, role_ports, role_mmio, role_mixed, role_pages
            .quad role_mixed_wide
.bss
roles:      .skip 4 * MAX_WORKERS
.text

# Before any worker runs. Clobbers rax, rcx, rdx, rdi, r8, r11.
read_parameters:
    call    parameter
    mov     [rip + workers], eax
    mov     ecx, eax
    lea     rdi, [rip + roles]
1:  call    parameter
    stosd
    dec     ecx
    jnz     1b
    jmp     read_range

worker_main:
    call    fill_memory
    lea     rax, [rip + roles]
    mov     esi, [rax + rbx * 4]
    cmp     esi, ROLES
    jae     unknown_role
    tell    REPORT_UP, esi
    cmp     esi, ROLE_HALT
    je      halt
    mov     r9d, RFLAGS_OFF
    cmp     esi, ROLE_MIXED
    je      1f
    cmp     esi, ROLE_MIXED_WIDE
    jne     2f
1:  mov     r9d, RFLAGS_ON
    call    start_timer
2:  lea     rax, [rip + entries]
    mov     rax, [rax + rsi * 8]
    mov     edx, r9d
    jmp     to_ring3
halt:
    call    start_timer
    jmp     role_halt

unknown_role:
    mov     ecx, esi
    jmp     wrong

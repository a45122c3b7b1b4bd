// SPDX-License-Identifier: Apache-2.0
/**
 * Page faults of this or another process, handed to a program: {@code userfaultfd(2)}.
 *
 * <p>Java code must never touch a page that may be missing: the thread would wait inside a memory
 * access, out of reach of the virtual machine, and the next collection would wait for it. If the
 * thread that serves faults is a Java thread too, the whole process stands still for good. Touch
 * such pages from within a system call ({@code Fd.tryRead}, {@code Mapping.tryAdvise}).
 *
 * <p>Sources: {@code Documentation/admin-guide/mm/userfaultfd.rst}, {@code ioctl_userfaultfd(2)},
 * {@code include/uapi/linux/userfaultfd.h}. Numbers and offsets stand here as constants and are
 * compared with the header by tests.
 */
package io.jvmm.ffi.uffd;

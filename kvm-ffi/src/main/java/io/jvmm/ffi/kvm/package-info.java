// SPDX-License-Identifier: Apache-2.0
/**
 * KVM, a class per kind of file descriptor: the device, a virtual machine, a vCPU.
 *
 * <p>Source: the kernel's {@code Documentation/virt/kvm/api.rst}; a method is the ioctl's name
 * without {@code KVM_}.
 */
package io.jvmm.ffi.kvm;

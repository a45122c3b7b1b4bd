// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

/** Offsets and sizes, in bytes, of what goes in and out of userfaultfd's calls. */
final class Layout {

    // struct uffdio_api
    static final long API_VERSION = 0;
    static final long API_FEATURES = 8;
    static final long API_BYTES = 24;

    // struct uffdio_range, with which the structures below begin, transfers excepted
    static final long RANGE_START = 0;
    static final long RANGE_LENGTH = 8;
    static final long RANGE_BYTES = 16;

    // struct uffdio_register
    static final long REGISTER_MODE = 16;
    static final long REGISTER_OPERATIONS = 24;
    static final long REGISTER_BYTES = 32;

    // struct uffdio_writeprotect
    static final long WRITEPROTECT_MODE = 16;
    static final long WRITEPROTECT_BYTES = 24;

    // struct uffdio_zeropage, uffdio_continue, uffdio_poison
    static final long FILL_MODE = 16;
    static final long FILL_DONE = 24;
    static final long FILL_BYTES = 32;

    // struct uffdio_copy, uffdio_move
    static final long TRANSFER_DESTINATION = 0;
    static final long TRANSFER_SOURCE = 8;
    static final long TRANSFER_LENGTH = 16;
    static final long TRANSFER_MODE = 24;
    static final long TRANSFER_DONE = 32;
    static final long TRANSFER_BYTES = 40;

    // struct uffd_msg
    static final long MESSAGE_EVENT = 0;
    static final long FAULT_FLAGS = 8;
    static final long FAULT_ADDRESS = 16;
    static final long FAULT_THREAD = 24;
    static final long FORK_DESCRIPTOR = 8;
    static final long REMAP_FROM = 8;
    static final long REMAP_TO = 16;
    static final long REMAP_LENGTH = 24;
    static final long REMOVE_START = 8;
    static final long REMOVE_END = 16;
    static final long MESSAGE_BYTES = 32;

    private Layout() {}
}

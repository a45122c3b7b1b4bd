// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static io.jvmm.ffi.linux.Ioctl.io;
import static io.jvmm.ffi.linux.Ioctl.ior;
import static io.jvmm.ffi.linux.Ioctl.iowr;

/** Request numbers of userfaultfd's ioctls, and the one version of the interface. */
final class UffdRequests {

    private static final int TYPE = 0xAA;

    static final long UFFD_API = 0xAA;

    // On /dev/userfaultfd.
    static final long USERFAULTFD_IOC_NEW = io(TYPE, 0x00);

    // On a userfaultfd.
    static final long UFFDIO_REGISTER = iowr(TYPE, 0x00, Layout.REGISTER_BYTES);
    // "Read" in the header, although the kernel only takes these two ranges.
    static final long UFFDIO_UNREGISTER = ior(TYPE, 0x01, Layout.RANGE_BYTES);
    static final long UFFDIO_WAKE = ior(TYPE, 0x02, Layout.RANGE_BYTES);
    static final long UFFDIO_COPY = iowr(TYPE, 0x03, Layout.TRANSFER_BYTES);
    static final long UFFDIO_ZEROPAGE = iowr(TYPE, 0x04, Layout.FILL_BYTES);
    static final long UFFDIO_MOVE = iowr(TYPE, 0x05, Layout.TRANSFER_BYTES);
    static final long UFFDIO_WRITEPROTECT = iowr(TYPE, 0x06, Layout.WRITEPROTECT_BYTES);
    static final long UFFDIO_CONTINUE = iowr(TYPE, 0x07, Layout.FILL_BYTES);
    static final long UFFDIO_POISON = iowr(TYPE, 0x08, Layout.FILL_BYTES);
    static final long UFFDIO_API = iowr(TYPE, 0x3F, Layout.API_BYTES);

    private UffdRequests() {}
}

// SPDX-License-Identifier: Apache-2.0
/** The guests that tests, demonstrations and the bare command boot, and what builds them. */
@org.jspecify.annotations.NullMarked
module io.jvmm.guest {
    requires static org.jspecify;
    requires org.apache.commons.compress;
    requires org.tukaani.xz;
    requires org.slf4j;

    exports io.jvmm.guest;
}

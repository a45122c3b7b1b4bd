// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.gen.GeneratedHeader;
import io.jvmm.ffi.gen.HandWritten;
import io.jvmm.ffi.gen.userfaultfd.uffd_msg;
import io.jvmm.ffi.gen.userfaultfd.uffdio_api;
import io.jvmm.ffi.gen.userfaultfd.uffdio_continue;
import io.jvmm.ffi.gen.userfaultfd.uffdio_copy;
import io.jvmm.ffi.gen.userfaultfd.uffdio_move;
import io.jvmm.ffi.gen.userfaultfd.uffdio_poison;
import io.jvmm.ffi.gen.userfaultfd.uffdio_range;
import io.jvmm.ffi.gen.userfaultfd.uffdio_register;
import io.jvmm.ffi.gen.userfaultfd.uffdio_writeprotect;
import io.jvmm.ffi.gen.userfaultfd.uffdio_zeropage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** Numbers written by hand are those that jextract found in the header. */
class UffdNumbersTest {

    private static final long ARG = uffd_msg.arg$offset();

    @Test
    void constantsAndRequestsHaveTheValuesOfTheHeader() {
        assertThat(HandWritten.constants(List.of(UffdConstants.class, UffdRequests.class)))
                .containsExactly("UffdRequests.TYPE");
        assertThat(GeneratedHeader.anyConstant("USERFAULTFD_IOC")).isEqualTo(0xAA);
    }

    @Test
    void featuresAreThoseOfTheHeader() {
        assertThat(Arrays.stream(Feature.values()).map(feature -> "UFFD_FEATURE_" + feature))
                .containsExactlyInAnyOrderElementsOf(
                        GeneratedHeader.allConstants().keySet().stream()
                                .filter(name -> name.startsWith("UFFD_FEATURE_"))
                                .toList());
        for (Feature feature : Feature.values()) {
            assertThat(feature.bit())
                    .as("%s", feature)
                    .isEqualTo(constant("UFFD_FEATURE_" + feature));
        }
    }

    @Test
    void modesAndOperationsAreThoseOfTheHeader() {
        for (Tracking mode : Tracking.values()) {
            assertThat(mode.bit()).isEqualTo(constant("UFFDIO_REGISTER_MODE_" + mode));
        }
        for (Operation operation : Operation.values()) {
            assertThat(operation.number()).isEqualTo((int) constant("_UFFDIO_" + operation));
        }
    }

    private static long constant(String name) {
        return GeneratedHeader.anyConstant(name).longValue();
    }

    static Stream<Arguments> offsets() {
        return Stream.of(
                row("api.api", Layout.API_VERSION, uffdio_api.api$offset()),
                row("api.features", Layout.API_FEATURES, uffdio_api.features$offset()),
                row("api", Layout.API_BYTES, uffdio_api.sizeof()),
                row("range.start", Layout.RANGE_START, uffdio_range.start$offset()),
                row("range.len", Layout.RANGE_LENGTH, uffdio_range.len$offset()),
                row("range", Layout.RANGE_BYTES, uffdio_range.sizeof()),
                row("register.range", 0, uffdio_register.range$offset()),
                row("register.mode", Layout.REGISTER_MODE, uffdio_register.mode$offset()),
                row("register.ioctls", Layout.REGISTER_OPERATIONS, uffdio_register.ioctls$offset()),
                row("register", Layout.REGISTER_BYTES, uffdio_register.sizeof()),
                row("protect.range", 0, uffdio_writeprotect.range$offset()),
                row("protect.mode", Layout.WRITEPROTECT_MODE, uffdio_writeprotect.mode$offset()),
                row("protect", Layout.WRITEPROTECT_BYTES, uffdio_writeprotect.sizeof()),
                row("zeropage.range", 0, uffdio_zeropage.range$offset()),
                row("zeropage.mode", Layout.FILL_MODE, uffdio_zeropage.mode$offset()),
                row("zeropage.zeropage", Layout.FILL_DONE, uffdio_zeropage.zeropage$offset()),
                row("zeropage", Layout.FILL_BYTES, uffdio_zeropage.sizeof()),
                row("continue.range", 0, uffdio_continue.range$offset()),
                row("continue.mode", Layout.FILL_MODE, uffdio_continue.mode$offset()),
                row("continue.mapped", Layout.FILL_DONE, uffdio_continue.mapped$offset()),
                row("continue", Layout.FILL_BYTES, uffdio_continue.sizeof()),
                row("poison.range", 0, uffdio_poison.range$offset()),
                row("poison.mode", Layout.FILL_MODE, uffdio_poison.mode$offset()),
                row("poison.updated", Layout.FILL_DONE, uffdio_poison.updated$offset()),
                row("poison", Layout.FILL_BYTES, uffdio_poison.sizeof()),
                row("copy.dst", Layout.TRANSFER_DESTINATION, uffdio_copy.dst$offset()),
                row("copy.src", Layout.TRANSFER_SOURCE, uffdio_copy.src$offset()),
                row("copy.len", Layout.TRANSFER_LENGTH, uffdio_copy.len$offset()),
                row("copy.mode", Layout.TRANSFER_MODE, uffdio_copy.mode$offset()),
                row("copy.copy", Layout.TRANSFER_DONE, uffdio_copy.copy$offset()),
                row("copy", Layout.TRANSFER_BYTES, uffdio_copy.sizeof()),
                row("move.dst", Layout.TRANSFER_DESTINATION, uffdio_move.dst$offset()),
                row("move.src", Layout.TRANSFER_SOURCE, uffdio_move.src$offset()),
                row("move.len", Layout.TRANSFER_LENGTH, uffdio_move.len$offset()),
                row("move.mode", Layout.TRANSFER_MODE, uffdio_move.mode$offset()),
                row("move.move", Layout.TRANSFER_DONE, uffdio_move.move$offset()),
                row("move", Layout.TRANSFER_BYTES, uffdio_move.sizeof()),
                row("msg.event", Layout.MESSAGE_EVENT, uffd_msg.event$offset()),
                row("msg", Layout.MESSAGE_BYTES, uffd_msg.sizeof()),
                row("flags", Layout.FAULT_FLAGS, ARG + uffd_msg.arg.pagefault.flags$offset()),
                row("address", Layout.FAULT_ADDRESS, ARG + uffd_msg.arg.pagefault.address$offset()),
                row("ptid", Layout.FAULT_THREAD, ARG + uffd_msg.arg.pagefault.feat$offset()),
                row("ufd", Layout.FORK_DESCRIPTOR, ARG + uffd_msg.arg.fork.ufd$offset()),
                row("from", Layout.REMAP_FROM, ARG + uffd_msg.arg.remap.from$offset()),
                row("to", Layout.REMAP_TO, ARG + uffd_msg.arg.remap.to$offset()),
                row("len", Layout.REMAP_LENGTH, ARG + uffd_msg.arg.remap.len$offset()),
                row("start", Layout.REMOVE_START, ARG + uffd_msg.arg.remove.start$offset()),
                row("end", Layout.REMOVE_END, ARG + uffd_msg.arg.remove.end$offset()));
    }

    private static Arguments row(String field, long byHand, long generated) {
        return Arguments.of(field, byHand, generated);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("offsets")
    void offsetIsTheHeaders(String field, long byHand, long generated) {
        assertThat(byHand).isEqualTo(generated);
    }
}

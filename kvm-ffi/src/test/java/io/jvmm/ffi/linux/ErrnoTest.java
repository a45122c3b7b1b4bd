// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.gen.GeneratedHeader;

import org.junit.jupiter.api.Test;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Set;

class ErrnoTest {

    private static final Set<String> ALIASES =
            Set.of("EDEADLOCK", "EFSBADCRC", "EFSCORRUPTED", "ENOTSUP", "EWOULDBLOCK");

    @Test
    void knowsEveryNumberOfTheHeaderByNameAndText() throws Throwable {
        Linker linker = Linker.nativeLinker();
        MethodHandle strerror =
                linker.downcallHandle(
                        linker.defaultLookup().findOrThrow("strerror"),
                        FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
        GeneratedHeader header =
                GeneratedHeader.all().stream()
                        .filter(candidate -> candidate.name().equals("errno"))
                        .findAny()
                        .orElseThrow();
        for (String name : header.constants()) {
            int number = header.constant(name).intValue();
            Errno errno = (Errno) Errno.class.getField(name).get(null);
            assertThat(errno).as(name).isEqualTo(Errno.of(number)).isEqualTo(Errno.of(-number));
            if (!ALIASES.contains(name)) {
                assertThat(errno.name()).isEqualTo(name);
            }
            String text =
                    ((MemorySegment) strerror.invokeExact(number)).reinterpret(256).getString(0);
            // An older libc does not know what a newer kernel says.
            if (!text.startsWith("Unknown error")) {
                assertThat(errno.text()).as(name).isEqualTo(text);
            }
        }
    }

    @Test
    void recognisesAResult() {
        assertThat(Errno.EINTR.is(-4)).isTrue();
        assertThat(Errno.EINTR.is(4)).isFalse();
        assertThat(Errno.EINTR.is(0)).isFalse();
    }

    @Test
    void showsNumbersWithoutAName() {
        assertThat(Errno.of(-524)).hasToString("errno (524)");
        assertThat(Errno.of(41).text()).isEqualTo("Unknown error 41");
    }

    @Test
    void failureSaysWhatAndWhyAndWhatToDo() {
        KernelException bare = new KernelException("KVM_CREATE_VCPU", Errno.EEXIST);
        assertThat(bare).hasMessage("KVM_CREATE_VCPU: EEXIST (17): File exists");
        assertThat(bare.remedy()).isEmpty();

        KernelException advised =
                new KernelException("open /dev/kvm", Errno.EACCES)
                        .withRemedy("add yourself to group kvm");
        assertThat(advised).hasMessage("open /dev/kvm: EACCES (13): add yourself to group kvm");
        assertThat(advised.operation()).isEqualTo("open /dev/kvm");
        assertThat(advised.errno()).isEqualTo(Errno.EACCES);
        assertThat(advised.remedy()).contains("add yourself to group kvm");
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.jvmm.boot.Tool;
import io.jvmm.bus.AcpiDevice;
import io.jvmm.bus.AcpiResource;
import io.jvmm.bus.Device;
import io.jvmm.bus.IrqLine;
import io.jvmm.device.ByteSink;
import io.jvmm.device.CmosRtc;
import io.jvmm.device.PvPanic;
import io.jvmm.device.SerialPort;
import io.jvmm.layout.GuestLayout;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;

class AcpiTablesTest {

    /** The devices of a machine that say something of themselves, in its order. */
    private static final List<AcpiDevice> PC =
            Stream.<Device>of(
                            new SerialPort(IrqLine.unconnected(), sink()),
                            new CmosRtc(InstantSource.system()),
                            new PvPanic(event -> {}))
                    .flatMap(device -> device.acpi().stream())
                    .toList();

    /** The DSDT of a PC since the first version of this program. */
    private static final String PC_DSDT =
            "44534454cc000000024c4a564d4d20204a564d4d20202020010000004a564d4d01000000"
                    + "1049095c5f53425f"
                    + "5b8232434f4d31085f4849440c41d00501085f55494401085f5354410a0f085f4352531110"
                    + "0a0d4701f803f803010822100079005b822c5254435f085f4849440c41d00b00085f535441"
                    + "0a0f085f43525311100a0d470170007000010222000179005b822e50455654085f4849440d"
                    + "51454d553030303100085f5354410a0f085f435253110d0a0a4701050505050101790008"
                    + "5c5f53355f1207040a05000000";

    private static ByteSink sink() {
        return octet -> {};
    }

    private final FirmwareMemory guest = new FirmwareMemory();

    @AfterEach
    void close() {
        guest.close();
    }

    private long xsdt(long rsdp) {
        return guest.memory.readU64(rsdp + 24);
    }

    private long fadt(long rsdp) {
        return guest.memory.readU64(xsdt(rsdp) + AcpiTable.HEADER_SIZE);
    }

    private long madt(long rsdp) {
        return guest.memory.readU64(xsdt(rsdp) + AcpiTable.HEADER_SIZE + 8);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 64, 255, 256, 1024, AcpiTables.MAX_CPUS})
    void allTablesAreFoundFromTheRootPointer(int cpus) {
        long rsdp = AcpiTables.write(guest.memory, cpus, List.of());
        assertThat(rsdp % 16).as("found by scanning").isZero();
        assertThat(guest.text(rsdp, 8)).isEqualTo("RSD PTR ");
        guest.assertSumIsZero(rsdp, 20);
        guest.assertSumIsZero(rsdp, 36);
        guest.acpiTable(xsdt(rsdp), "XSDT");
        guest.acpiTable(fadt(rsdp), "FACP");
        guest.acpiTable(madt(rsdp), "APIC");
        long facs = guest.memory.readU32(fadt(rsdp) + 36);
        assertThat(facs % 64).isZero();
        assertThat(guest.text(facs, 4)).isEqualTo("FACS");
        assertThat(guest.memory.readU32(facs + 4)).isEqualTo(64);
        long dsdt = guest.memory.readU32(fadt(rsdp) + 40);
        assertThat(guest.memory.readU64(fadt(rsdp) + 140)).isEqualTo(dsdt);
        guest.acpiTable(dsdt, "DSDT");
        assertThat(guest.memory.readU8(GuestLayout.MP_TABLE)).as("not overrun").isZero();
    }

    @Test
    void refusesProcessorsThatDoNotFit() {
        for (int cpus : new int[] {0, -1, AcpiTables.MAX_CPUS + 1}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> AcpiTables.write(guest.memory, cpus, List.of()));
        }
    }

    @Test
    void theFixedTableDescribesTheHardwareThatThereIs() {
        long fadt = fadt(AcpiTables.write(guest.memory, 1, List.of()));
        var memory = guest.memory;
        assertThat(memory.readU32(fadt + 4)).as("length of revision 6").isEqualTo(276);
        assertThat(memory.readU16(fadt + 46)).as("SCI").isEqualTo(9);
        assertThat(memory.readU32(fadt + 48)).as("SMI command").isZero();
        assertThat(memory.readU32(fadt + 56)).as("PM1a event").isEqualTo(0x600);
        assertThat(memory.readU32(fadt + 64)).as("PM1a control").isEqualTo(0x604);
        assertThat(memory.readU32(fadt + 76)).as("PM timer").isZero();
        assertThat(memory.readU8(fadt + 88)).as("PM1 event length").isEqualTo(4);
        assertThat(memory.readU8(fadt + 89)).as("PM1 control length").isEqualTo(2);
        long flags = memory.readU32(fadt + 112);
        assertThat(flags & 1 << 10).as("reset register").isNotZero();
        assertThat(flags & 1 << 4).as("fixed power button").isZero();
        assertThat(flags & 1 << 20).as("reduced hardware").isZero();
        assertThat(guest.bytes(fadt + 116, 12))
                .as("reset register")
                .containsExactly(1, 8, 0, 1, 0xF9, 0x0C, 0, 0, 0, 0, 0, 0);
        assertThat(memory.readU8(fadt + 128)).isEqualTo(6);
        assertThat(memory.readU64(fadt + 148 + 4)).as("PM1a event, long form").isEqualTo(0x600);
        assertThat(memory.readU64(fadt + 172 + 4)).as("PM1a control, long form").isEqualTo(0x604);
    }

    @Test
    void everyProcessorHasOneEntry() {
        long madt = madt(AcpiTables.write(guest.memory, 300, List.of()));
        int end = (int) guest.memory.readU32(madt + 4);
        List<Long> ids = new ArrayList<>();
        var kinds = new TreeMap<Integer, Integer>();
        int length;
        for (int at = AcpiTable.HEADER_SIZE + 8; at < end; at += length) {
            int kind = guest.memory.readU8(madt + at);
            length = guest.memory.readU8(madt + at + 1);
            assertThat(length).isPositive();
            kinds.merge(kind, 1, Integer::sum);
            if (kind == 0) {
                ids.add((long) guest.memory.readU8(madt + at + 3));
            } else if (kind == 9) {
                ids.add(guest.memory.readU32(madt + at + 4));
            }
        }
        assertThat(ids).hasSize(300).doesNotHaveDuplicates().contains(0L, 254L, 255L, 299L);
        assertThat(kinds)
                .containsEntry(0, 255)
                .containsEntry(9, 45)
                .containsEntry(1, 1)
                .containsEntry(2, 2);
    }

    @Test
    void theDescriptionsMeanWhatTheyShould(@TempDir Path folder) throws IOException {
        Tool.need("iasl", "acpica-tools");
        Path table = Files.write(folder.resolve("dsdt.aml"), Dsdt.build(PC));
        assertThat(Tool.run("iasl", "-d", table.toString()))
                .contains("Disassembly completed")
                .doesNotContainIgnoringCase("error")
                .doesNotContainIgnoringCase("warning");
        String source =
                Files.readString(folder.resolve("dsdt.dsl"))
                        .replaceAll("(?s)/\\*.*?\\*/|//[^\n]*", "")
                        .replaceAll("\\s+", " ");
        assertThat(source)
                .contains("Scope (\\_SB)")
                .contains("Device (COM1) { Name (_HID, EisaId (\"PNP0501\") )")
                .contains("IO (Decode16, 0x03F8, 0x03F8, 0x01, 0x08, ) IRQNoFlags () {4}")
                .contains("Device (RTC) { Name (_HID, EisaId (\"PNP0B00\") )")
                .contains("IO (Decode16, 0x0070, 0x0070, 0x01, 0x02, ) IRQNoFlags () {8}")
                .contains("Device (PEVT) { Name (_HID, \"QEMU0001\")")
                .contains("IO (Decode16, 0x0505, 0x0505, 0x01, 0x01, ) })")
                .contains("Name (\\_S5, Package (0x04) { 0x05, Zero, Zero, Zero })");
    }

    @Test
    void theTablesPassTheReferenceCompilersChecks(@TempDir Path folder) throws IOException {
        Tool.need("iasl", "acpica-tools");
        long rsdp = AcpiTables.write(guest.memory, 300, List.of());
        for (long gpa : new long[] {xsdt(rsdp), fadt(rsdp), madt(rsdp)}) {
            String signature = guest.text(gpa, 4);
            Path table = folder.resolve(signature + ".aml");
            Files.write(table, guest.acpiTable(gpa, signature));
            Tool.run("iasl", "-d", table.toString());
            Path source = folder.resolve(signature + ".dsl");
            assertThat(Tool.run("iasl", source.toString()))
                    .contains("Compilation successful. 0 Errors, 0 Warnings");
        }
    }

    @Test
    void whatThePcsDevicesSayIsWhatFirmwareAlwaysSaid() {
        assertThat(HexFormat.of().formatHex(Dsdt.build(PC))).isEqualTo(PC_DSDT);
    }

    @Test
    void twoDevicesOfOneNameAreRefused() {
        AcpiDevice device = AcpiDevice.of("VR00", "LNRO0005");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Dsdt.build(List.of(device, device)))
                .withMessageContaining("VR00");
        assertThatIllegalArgumentException().isThrownBy(() -> AcpiDevice.of("vr00", "LNRO0005"));
        assertThatIllegalArgumentException().isThrownBy(() -> AcpiDevice.of("VR00", "LNRO5"));
    }

    /** As many as a machine can have, of the kind that comes without a PC's traditions. */
    @Test
    void manyDevicesWithMemoryAndInterruptAreDescribed(@TempDir Path folder) throws IOException {
        Tool.need("iasl", "acpica-tools");
        List<AcpiDevice> devices = new ArrayList<>();
        for (int i = 0; i < 128; i++) {
            devices.add(
                    AcpiDevice.of("V%03X".formatted(i), "LNRO0005")
                            .uid(i)
                            .cacheCoherent()
                            .with(new AcpiResource.Memory(0xD000_0000L + i * 0x1000L, 0x1000))
                            .with(
                                    new AcpiResource.Interrupt(
                                            16 + i % 8,
                                            i == 0
                                                    ? AcpiResource.Trigger.LEVEL
                                                    : AcpiResource.Trigger.EDGE)));
        }
        Path table = Files.write(folder.resolve("dsdt.aml"), Dsdt.build(devices));
        assertThat(Tool.run("iasl", "-d", table.toString()))
                .contains("Disassembly completed")
                .doesNotContainIgnoringCase("error")
                .doesNotContainIgnoringCase("warning");
        String source =
                Files.readString(folder.resolve("dsdt.dsl"))
                        .replaceAll("(?s)/\\*.*?\\*/|//[^\n]*", "")
                        .replaceAll("\\s+", " ");
        assertThat(source)
                .contains("Device (V07F) { Name (_HID, \"LNRO0005\")")
                .contains("Name (_UID, 0x7F) Name (_STA, 0x0F) Name (_CCA, One)")
                .contains("Memory32Fixed (ReadWrite, 0xD007F000, 0x00001000, )")
                .contains(
                        "Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, ) {"
                                + " 0x00000017, }")
                .contains(
                        "Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive, ,, ) {"
                                + " 0x00000010, }");
    }
}

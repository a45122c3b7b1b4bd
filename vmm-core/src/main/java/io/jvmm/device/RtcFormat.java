// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import java.time.LocalDate;
import java.time.LocalDateTime;

/**
 * How an MC146818 writes time into its registers: binary or BCD, 24 or 12 hours, as register B
 * says.
 *
 * @param binary instead of BCD
 * @param fullDay 24 hours instead of 12 with a mark for the afternoon
 */
record RtcFormat(boolean binary, boolean fullDay) {

    static final int SECONDS = 0x00;
    static final int MINUTES = 0x02;
    static final int HOURS = 0x04;
    static final int WEEKDAY = 0x06; // 1 is Sunday
    static final int DAY = 0x07;
    static final int MONTH = 0x08;
    static final int YEAR = 0x09;
    static final int CENTURY = 0x32; // not the chip's; where ACPI's FADT says it is

    private static final int AFTERNOON = 0x80;

    static boolean isTime(int register) {
        return switch (register) {
            case SECONDS, MINUTES, HOURS, WEEKDAY, DAY, MONTH, YEAR, CENTURY -> true;
            default -> false;
        };
    }

    /** Returns what a time register holds at a time. */
    int encode(int register, LocalDateTime time) {
        return switch (register) {
            case SECONDS -> number(time.getSecond());
            case MINUTES -> number(time.getMinute());
            case HOURS -> hours(time.getHour());
            case WEEKDAY -> number(time.getDayOfWeek().getValue() % 7 + 1);
            case DAY -> number(time.getDayOfMonth());
            case MONTH -> number(time.getMonthValue());
            case YEAR -> number(Math.floorMod(time.getYear(), 100));
            case CENTURY -> number(Math.floorMod(time.getYear() / 100, 100));
            default -> throw new AssertionError("register " + register + " holds no time");
        };
    }

    /**
     * Returns the time that registers hold. GUEST: they hold anything. What is no date becomes one
     * by counting on: the 31st of February is the 3rd of March.
     */
    LocalDateTime decode(int[] registers) {
        int year = value(registers[CENTURY]) * 100 + value(registers[YEAR]);
        return LocalDate.of(year, 1, 1)
                .plusMonths(value(registers[MONTH]) - 1L)
                .plusDays(value(registers[DAY]) - 1L)
                .atStartOfDay()
                .plusHours(hourValue(registers[HOURS]))
                .plusMinutes(value(registers[MINUTES]))
                .plusSeconds(value(registers[SECONDS]));
    }

    int number(int value) {
        return binary ? value : ((value / 10) << 4) | (value % 10);
    }

    int hours(int hour) {
        if (fullDay) {
            return number(hour);
        }
        return number(hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? AFTERNOON : 0);
    }

    private int value(int register) {
        return binary ? register : (register >>> 4) * 10 + (register & 0x0F);
    }

    private int hourValue(int register) {
        if (fullDay) {
            return value(register);
        }
        return value(register & ~AFTERNOON) % 12 + ((register & AFTERNOON) != 0 ? 12 : 0);
    }
}

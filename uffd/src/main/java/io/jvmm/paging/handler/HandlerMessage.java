// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/**
 * The message that goes with the descriptor: a JSON array of flat objects, one for each region.
 *
 * <p>It comes from another process, which is not trusted, so what is taken is strict: numbers
 * without sign or fraction, no field twice, nothing behind the end. Fields of other names are
 * passed over if they are simple values. A reader of a hundred lines for this one form is less than
 * a JSON library would be to depend on.
 */
final class HandlerMessage {

    /** The most bytes of a message. */
    static final int MAX_BYTES = 64 << 10;

    private static final int MAX_REGIONS = 512;
    private static final String ADDRESS = "base_host_virt_addr";
    private static final String SIZE = "size";
    private static final String OFFSET = "offset";
    private static final String PAGE_SIZE = "page_size";
    // In bytes, in spite of its name. Firecracker 1.7 to 1.11 sends this field alone, and handlers
    // of that time know no other; from 1.12 on it sends both.
    private static final String PAGE_SIZE_OLD = "page_size_kib";
    private static final Long SMALL_PAGE = 4096L;

    private final byte[] text;
    private int at;

    private HandlerMessage(byte[] text) {
        this.text = text;
    }

    static byte[] encode(List<HandlerRegion> regions) {
        StringJoiner array = new StringJoiner(",", "[", "]");
        for (HandlerRegion region : regions) {
            array.add(
                    "{\"%s\":%d,\"%s\":%d,\"%s\":%d,\"%s\":%d,\"%s\":%d}"
                            .formatted(
                                    ADDRESS,
                                    region.address(),
                                    SIZE,
                                    region.size(),
                                    OFFSET,
                                    region.offset(),
                                    PAGE_SIZE,
                                    region.pageSize(),
                                    PAGE_SIZE_OLD,
                                    region.pageSize()));
        }
        return array.toString().getBytes(StandardCharsets.US_ASCII);
    }

    /** Whether the text may be whole: its sender writes it in one go, but streams may split it. */
    static boolean mayBeWhole(byte[] text) {
        for (int i = text.length - 1; i >= 0; i--) {
            if (!isSpace(text[i])) {
                return text[i] == ']';
            }
        }
        return false;
    }

    /**
     * @throws HandlerException if it is not such a message
     */
    static List<HandlerRegion> decode(byte[] text) {
        if (text.length > MAX_BYTES) {
            throw new HandlerException("a message of more than " + MAX_BYTES + " bytes");
        }
        return new HandlerMessage(text).regions();
    }

    private List<HandlerRegion> regions() {
        List<HandlerRegion> regions = new ArrayList<>();
        expect('[');
        do {
            if (regions.size() == MAX_REGIONS) {
                throw new HandlerException("more than " + MAX_REGIONS + " regions");
            }
            regions.add(region(fields()));
        } while (accept(','));
        expect(']');
        skipSpace();
        if (at != text.length) {
            throw wrong("something behind the end");
        }
        return List.copyOf(regions);
    }

    private HandlerRegion region(Map<String, Long> fields) {
        Long pageSize = fields.get(PAGE_SIZE);
        if (pageSize == null) {
            // Firecracker until 1.6 says nothing of pages, and knows none but of 4 KiB.
            pageSize = fields.getOrDefault(PAGE_SIZE_OLD, SMALL_PAGE);
            // No page is that small, so somebody has taken the name at its word.
            if (pageSize > 0 && pageSize < SMALL_PAGE) {
                pageSize *= 1024;
            }
        }
        Long address = fields.get(ADDRESS);
        Long size = fields.get(SIZE);
        Long offset = fields.get(OFFSET);
        if (address == null || size == null || offset == null) {
            throw wrong("a region lacks a field");
        }
        try {
            return new HandlerRegion(address, size, offset, pageSize);
        } catch (IllegalArgumentException e) {
            throw new HandlerException(String.valueOf(e.getMessage()));
        }
    }

    private Map<String, Long> fields() {
        Map<String, Long> fields = new HashMap<>();
        expect('{');
        do {
            String name = string();
            expect(':');
            skipSpace();
            if (at < text.length && text[at] >= '0' && text[at] <= '9') {
                if (fields.put(name, number()) != null) {
                    throw wrong("a field twice");
                }
            } else {
                skipSimple();
            }
        } while (accept(','));
        expect('}');
        return fields;
    }

    private long number() {
        int start = at;
        long number = 0;
        while (at < text.length && text[at] >= '0' && text[at] <= '9') {
            int digit = text[at++] - '0';
            if (number > (Long.MAX_VALUE - digit) / 10) {
                throw wrong("a number beyond 2^63");
            }
            number = number * 10 + digit;
        }
        if (at - start > 1 && text[start] == '0') {
            throw wrong("a number with a leading zero");
        }
        if (at < text.length && (text[at] == '.' || text[at] == 'e' || text[at] == 'E')) {
            throw wrong("a number that is not whole");
        }
        return number;
    }

    /** A string, {@code true}, {@code false} or {@code null}. */
    private void skipSimple() {
        if (at < text.length && text[at] == '"') {
            String _ = string();
            return;
        }
        int start = at;
        while (at < text.length && text[at] >= 'a' && text[at] <= 'z') {
            at++;
        }
        String word = new String(text, start, at - start, StandardCharsets.US_ASCII);
        if (!List.of("true", "false", "null").contains(word)) {
            throw wrong("a value that is not simple");
        }
    }

    private String string() {
        expect('"');
        int start = at;
        while (at < text.length && text[at] != '"') {
            if (text[at] == '\\' || text[at] < ' ') {
                throw wrong("a string with more than plain letters");
            }
            at++;
        }
        String string = new String(text, start, at - start, StandardCharsets.US_ASCII);
        expect('"');
        return string;
    }

    private void expect(char wanted) {
        if (!accept(wanted)) {
            throw wrong("no «" + wanted + "»");
        }
    }

    private boolean accept(char wanted) {
        skipSpace();
        if (at < text.length && text[at] == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void skipSpace() {
        while (at < text.length && isSpace(text[at])) {
            at++;
        }
    }

    private static boolean isSpace(byte letter) {
        return letter == ' ' || letter == '\n' || letter == '\r' || letter == '\t';
    }

    private HandlerException wrong(String what) {
        return new HandlerException("the regions' description has " + what + " at byte " + at);
    }
}

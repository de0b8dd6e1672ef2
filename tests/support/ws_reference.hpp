#pragma once
// What a WebSocket server should make of a client's octets, computed the slow and obvious way over
// the whole stream at once (RFC 6455 sections 5 to 8, RFC 7692); and a driver that feeds the same
// octets to ws::Assembler in pieces. Unit tests and the fuzz targets compare the two.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "base/buffer_pool.hpp"
#include "support/deflate_reference.hpp"
#include "ws/assembler.hpp"

namespace ringcast::test {

/// An event with its payload copied.
struct SeenEvent {
    ws::Event::Kind kind = ws::Event::Kind::need_more;
    std::string payload = {};
    MessageKind message_kind = MessageKind::binary;
    ws::Reason reason = ws::Reason::none;
    CloseCode code = CloseCode::no_status;

    friend bool operator==(const SeenEvent&, const SeenEvent&) = default;
    friend std::ostream& operator<<(std::ostream& out, const SeenEvent& event) {
        out << "{kind " << static_cast<int>(event.kind) << ", " << event.payload.size() << " bytes";
        if (event.reason != ws::Reason::none) out << ", " << ws::to_string(event.reason);
        return out << ", code " << static_cast<int>(event.code) << "}";
    }
};

enum class Utf8 : std::uint8_t { complete, incomplete, invalid };

/// RFC 3629 section 4, the table spelled out. `incomplete`: the text ends inside a character that
/// could still become valid.
[[nodiscard]] inline Utf8 check_utf8(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size()) {
        const auto first = static_cast<std::uint8_t>(text[i]);
        std::size_t more = 0;
        unsigned second_min = 0x80, second_max = 0xbf;
        if (first <= 0x7f)
            more = 0;
        else if (first >= 0xc2 && first <= 0xdf)
            more = 1;
        else if (first >= 0xe0 && first <= 0xef)
            more = 2;
        else if (first >= 0xf0 && first <= 0xf4)
            more = 3;
        else
            return Utf8::invalid;
        if (first == 0xe0) second_min = 0xa0;
        if (first == 0xed) second_max = 0x9f;
        if (first == 0xf0) second_min = 0x90;
        if (first == 0xf4) second_max = 0x8f;
        for (std::size_t j = 1; j <= more; ++j) {
            if (i + j == text.size()) return Utf8::incomplete;
            const auto next = static_cast<std::uint8_t>(text[i + j]);
            if (next < (j == 1 ? second_min : 0x80) || next > (j == 1 ? second_max : 0xbf))
                return Utf8::invalid;
        }
        i += more + 1;
    }
    return Utf8::complete;
}

/// What was agreed about permessage-deflate, and whether the client takes over its context.
enum class Agreed : std::uint8_t { nothing, no_takeover, takeover };

/// Octets of payload that a compressed message may have in all.
[[nodiscard]] inline std::uint64_t compressed_bytes_max(std::uint64_t message_bytes_max) {
    return 8 * message_bytes_max + 1024;
}

/// The events of `stream`, which may end anywhere.
[[nodiscard]] inline std::vector<SeenEvent> reference_events(std::string_view stream,
                                                             std::uint64_t message_bytes_max,
                                                             Agreed agreed = Agreed::nothing) {
    using Kind = ws::Event::Kind;
    using ws::Reason;
    std::vector<SeenEvent> events;
    std::string message, compressed, context;
    int message_opcode = 0;
    bool is_compressed = false;
    std::size_t at = 0;
    const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(stream[at + i]); };
    const auto fail = [&events](Reason reason) {
        events.push_back({.kind = Kind::failure, .reason = reason});
        return events;
    };
    for (;;) {
        const std::size_t left = stream.size() - at;
        if (left < 1) return events;
        const bool fin = (octet(0) & 0x80) != 0;
        const int opcode = octet(0) & 0x0f;
        const int reserved_bits = octet(0) >> 4 & 7;
        const bool starts_message = opcode == 1 || opcode == 2;
        if (reserved_bits != 0 &&
            (reserved_bits != 4 || !starts_message || agreed == Agreed::nothing)) {
            return fail(Reason::reserved_bits);
        }
        if (opcode != 0 && opcode != 1 && opcode != 2 && opcode != 8 && opcode != 9 &&
            opcode != 10) {
            return fail(Reason::reserved_opcode);
        }
        if (opcode >= 8 && !fin) return fail(Reason::control_frame_fragmented);
        if (opcode == 0 && message_opcode == 0) return fail(Reason::unexpected_continuation);
        if (starts_message && message_opcode != 0) return fail(Reason::expected_continuation);
        if (left < 2) return events;
        if ((octet(1) & 0x80) == 0) return fail(Reason::unmasked_frame);
        std::uint64_t size = octet(1) & 0x7f;
        if (opcode >= 8 && size > 125) return fail(Reason::control_frame_too_long);
        if (opcode == 8 && size == 1) return fail(Reason::close_payload_too_short);
        std::size_t header = 2;
        if (size == 126) {
            if (left < 4) return events;
            size = static_cast<std::uint64_t>(octet(2)) * 256 + octet(3);
            header = 4;
            if (size < 126) return fail(Reason::non_minimal_length);
        } else if (size == 127) {
            if (left > 2 && octet(2) >= 0x80) return fail(Reason::length_top_bit);
            if (left < 10) return events;
            size = 0;
            for (std::size_t i = 2; i < 10; ++i) size = size * 256 + octet(i);
            header = 10;
            if (size < 65536) return fail(Reason::non_minimal_length);
        }
        if (left < header + 4) return events;
        if (starts_message) is_compressed = reserved_bits != 0;
        if (opcode < 8) {
            const std::uint64_t before = is_compressed ? compressed.size() : message.size();
            const std::uint64_t size_max =
                is_compressed ? compressed_bytes_max(message_bytes_max) : message_bytes_max;
            if (size > size_max || before + size > size_max) return fail(Reason::message_too_big);
        }
        std::string payload;
        const std::size_t here = std::min<std::uint64_t>(size, left - header - 4);
        for (std::size_t i = 0; i < here; ++i) {
            payload.push_back(static_cast<char>(octet(header + 4 + i) ^ octet(header + i % 4)));
        }
        const bool is_whole = here == size;
        at += header + 4 + here;

        if (opcode < 8) {
            if (opcode != 0) message_opcode = opcode;
            Inflated inflated;
            if (is_compressed) {
                compressed += payload;
                inflated = reference_inflate(compressed, context);
                message = inflated.output;
            } else {
                message += payload;
            }
            const std::string_view allowed = std::string_view{message}.substr(0, message_bytes_max);
            const Utf8 utf8 = message_opcode == 1 ? check_utf8(allowed) : Utf8::complete;
            if (utf8 == Utf8::invalid) return fail(Reason::text_not_utf8);
            if (message.size() > message_bytes_max) return fail(Reason::message_too_big);
            if (inflated.end == Inflated::End::invalid) return fail(Reason::deflate_invalid);
            if (!is_whole) return events;
            if (!fin) continue;
            if (is_compressed && reference_inflate_message(compressed, context).end !=
                                     Inflated::End::between_blocks) {
                return fail(Reason::deflate_cut_short);
            }
            if (utf8 == Utf8::incomplete) return fail(Reason::text_not_utf8);
            events.push_back(
                {.kind = Kind::message,
                 .payload = message,
                 .message_kind = message_opcode == 1 ? MessageKind::text : MessageKind::binary});
            if (is_compressed && agreed == Agreed::takeover) context += message;
            message.clear();
            compressed.clear();
            message_opcode = 0;
            continue;
        }
        if (!is_whole) return events;
        if (opcode == 9 || opcode == 10) {
            events.push_back({.kind = opcode == 9 ? Kind::ping : Kind::pong, .payload = payload});
            continue;
        }
        if (payload.empty()) {
            events.push_back({.kind = Kind::close});
            return events;
        }
        const int code =
            static_cast<std::uint8_t>(payload[0]) * 256 + static_cast<std::uint8_t>(payload[1]);
        const bool is_registered =
            code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
        if (!is_registered && (code < 3000 || code > 4999)) return fail(Reason::close_code_invalid);
        if (check_utf8(payload.substr(2)) != Utf8::complete)
            return fail(Reason::close_reason_not_utf8);
        events.push_back({.kind = Kind::close,
                          .payload = payload.substr(2),
                          .code = static_cast<CloseCode>(code)});
        return events;
    }
}

/// Feeds `stream` to an Assembler, cut at `cuts` (ascending positions in it), each slice in memory
/// of exactly its size so that a sanitizer sees an access outside. Takes the block of every second
/// message that has one. Checks on the way what holds for any stream: where payloads lie, and that
/// at the end nothing is left in the pool, and no inflater is out but for a context that is kept.
[[nodiscard]] inline std::vector<SeenEvent> assembler_events(std::string_view stream,
                                                             const std::vector<std::size_t>& cuts,
                                                             const ws::AssemblerLimits& limits,
                                                             Agreed agreed = Agreed::nothing) {
    BufferPool pool;
    ws::Inflaters inflaters;
    std::vector<SeenEvent> events;
    {
        const bool takes_over = agreed == Agreed::takeover;
        ws::Inflation inflation{inflaters, {.client_no_context_takeover = !takes_over}};
        ws::Inflation* const agreed_inflation = agreed == Agreed::nothing ? nullptr : &inflation;
        ws::Assembler assembler;
        bool is_over = false, takes_block = false;
        std::size_t start = 0;
        for (std::size_t next_cut = 0; start < stream.size() && !is_over; ++next_cut) {
            const std::size_t end = next_cut < cuts.size() ? cuts[next_cut] : stream.size();
            const std::size_t size = end - start;
            const std::unique_ptr<std::byte[]> slice{new std::byte[size]};
            if (size != 0) std::memcpy(slice.get(), stream.data() + start, size);
            std::span<std::byte> input{slice.get(), size};
            start = end;
            while (!is_over) {
                const ws::Event event = assembler.next(input, pool, limits, agreed_inflation);
                if (event.kind == ws::Event::Kind::need_more) {
                    if (input.empty()) break;
                    continue;
                }
                is_over =
                    event.kind == ws::Event::Kind::close || event.kind == ws::Event::Kind::failure;
                const std::byte* const first = event.payload.data();
                if (event.in_slice) {
                    RC_ASSERT(first >= slice.get() + 6 &&
                              first + event.payload.size() <= slice.get() + size);
                    RC_ASSERT(pool.blocks_in_use() == 0);
                }
                Block block;
                if (event.kind == ws::Event::Kind::message && !event.in_slice) {
                    takes_block = !takes_block;
                    if (takes_block) {
                        block = assembler.take_block();
                        RC_ASSERT(block.data() == first &&
                                  block.capacity() >= event.payload.size());
                    }
                }
                events.push_back(
                    {.kind = event.kind,
                     .payload = {reinterpret_cast<const char*>(first), event.payload.size()},
                     .message_kind = event.message_kind,
                     .reason = event.reason,
                     .code = event.code});
            }
            if (!is_over) RC_ASSERT(input.empty());
            if (!is_over && !assembler.is_partial()) {
                RC_ASSERT(pool.blocks_in_use() == 0);
                RC_ASSERT(inflaters.taken_count() <= (takes_over ? 1 : 0));
            }
        }
    }
    RC_ASSERT(pool.blocks_in_use() == 0);
    return events;
}

}  // namespace ringcast::test

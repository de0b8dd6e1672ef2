#include "dialect/raw.hpp"

#include <cstring>

#include "base/assert.hpp"
#include "dialect/centrifuge/payload.hpp"
#include "simd/utf8.hpp"

namespace ringcast::dialect::raw {

void write_frame(std::span<std::byte> frame, PublicationKind kind,
                 std::span<const std::byte> payload) noexcept {
    const std::size_t header_bytes = ws::server_header_bytes(payload.size());
    RC_ASSERT(frame.size() == header_bytes + payload.size());
    std::byte* const target = frame.data() + header_bytes;
    ws::write_header_before(target, opcode_of(kind), payload.size());
    if (!payload.empty()) std::memcpy(target, payload.data(), payload.size());
}

bool is_text(std::span<const std::byte> payload) noexcept {
    return simd::is_utf8(payload);
}

std::string skipped_text(std::uint64_t count) {
    return "{\"skipped\":" + std::to_string(count) + "}";
}

std::string position_text(std::string_view epoch, std::uint64_t offset,
                          std::optional<bool> recovered) {
    std::string text = "{\"epoch\":\"";
    text += epoch;
    text += "\",\"offset\":" + std::to_string(offset);
    if (recovered) text += *recovered ? ",\"recovered\":true" : ",\"recovered\":false";
    return text + "}";
}

std::string close_text(std::uint16_t code, std::string_view reason) {
    std::string text = "{\"code\":" + std::to_string(code) + ",\"reason\":";
    centrifuge::append_json(text, {.bytes = reason, .kind = PublicationKind::text});
    return text + "}";
}

}  // namespace ringcast::dialect::raw

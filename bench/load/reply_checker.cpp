#include "reply_checker.hpp"

#include <algorithm>
#include <cstring>

namespace ringcast::bench {

Expected<std::size_t> ReplyChecker::consume(ReplyState& state, std::span<const std::byte> bytes,
                                            std::vector<std::byte>& pongs) const {
    const std::size_t reply_bytes = messages_.reply_header_bytes() + messages_.payload_bytes();
    std::size_t completed = 0;
    while (!bytes.empty()) {
        if (starts_with_reply(state, bytes)) {
            complete_reply(state);
            ++completed;
            bytes = bytes.subspan(reply_bytes);
            continue;
        }
        const auto piece = reader_.next(state, bytes, pongs);
        if (!piece) return std::unexpected(piece.error());
        if (auto checked = check_payload(state, *piece); !checked)
            return std::unexpected(checked.error());
        if (piece->completes_message) {
            complete_reply(state);
            ++completed;
        }
    }
    return completed;
}

bool ReplyChecker::starts_with_reply(const ReplyState& state,
                                     std::span<const std::byte> bytes) const {
    const std::span expected = messages_.reply(state.expected_index);
    if (bytes.size() < expected.size() || !state.is_between_messages()) return false;
    const std::size_t compared =
        verify_ == Verify::full ? expected.size() : messages_.reply_header_bytes();
    return std::memcmp(bytes.data(), expected.data(), compared) == 0;
}

Expected<void> ReplyChecker::check_payload(const ReplyState& state, const Piece& piece) const {
    const std::span got = piece.payload;
    if (verify_ == Verify::length || got.empty()) return {};
    const std::span expected =
        messages_.reply(state.expected_index)
            .subspan(messages_.reply_header_bytes() + piece.offset, got.size());
    if (std::memcmp(got.data(), expected.data(), got.size()) == 0) return {};
    const auto differing = std::mismatch(got.begin(), got.end(), expected.begin());
    return fail(
        "reply {}: the payload differs at byte {}: expected {:#04x}, got {:#04x}", state.messages,
        piece.offset + static_cast<std::uint64_t>(differing.first - got.begin()),
        std::to_integer<unsigned>(*differing.second), std::to_integer<unsigned>(*differing.first));
}

void ReplyChecker::complete_reply(ReplyState& state) const {
    ++state.messages;
    if (++state.expected_index == messages_.cycle_count()) state.expected_index = 0;
}

}  // namespace ringcast::bench

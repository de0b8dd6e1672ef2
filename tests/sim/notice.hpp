#pragma once
// Messages that the simulated application sends on its own account, to all sessions and as far as
// their queues have room. They are numbered by session, so that a client can tell one that was lost
// from one that the shard refused to take.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringcast::sim {

/// No echo starts like this: clients send text, or bytes that are random.
inline constexpr std::string_view notice_mark{"\0notice\xff", 8};
inline constexpr std::size_t notice_bytes_min = notice_mark.size() + sizeof(std::uint64_t);

/// The payload of a session's notice number `number`, of at least notice_bytes_min bytes.
[[nodiscard]] inline std::string notice_payload(std::uint64_t number, std::size_t size) {
    std::string payload{notice_mark};
    while (payload.size() < size) payload += static_cast<char>(number >> payload.size() % 8 * 8);
    return payload;
}

[[nodiscard]] inline bool is_notice(std::string_view payload) noexcept {
    return payload.starts_with(notice_mark);
}

}  // namespace ringcast::sim

#pragma once
// Who a client is, as other clients are told: beside what it publishes, where they ask who is
// there, and when it comes and goes. Packed once, for a client and a topic, and carried as bytes
// through queues and histories until an encoder unpacks it:
//
//   | id | connection bytes | user bytes | user | connection | channel ... |
//     16   2                  1
//
// What a token says of its bearer is opaque here, but for its kind: an info is nothing, or an octet
// for that and the rest.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/publication.hpp"

namespace ringcast {

/// Drawn when a client connects; one that comes back has another. All zeros: it has no connection
/// that could be named.
using ClientId = std::array<std::byte, 16>;

/// As a UUID (RFC 9562 section 4).
[[nodiscard]] std::array<char, 36> text_of(const ClientId& id) noexcept;

/// What a token says of its bearer. A view; no bytes: nothing.
struct Info {
    PublicationKind kind = PublicationKind::json;
    std::string_view bytes;
};
[[nodiscard]] std::string pack(const Info& info);
[[nodiscard]] Info unpack_info(std::string_view packed) noexcept;

/// Views; `connection` and `channel` are packed infos.
struct ClientInfo {
    static constexpr std::size_t user_bytes_max = UINT8_MAX, info_bytes_max = 16 << 10;
    /// Of one that is packed.
    static constexpr std::size_t packed_bytes_max = UINT16_MAX;

    ClientId id{};
    std::string_view user;  ///< Empty: nobody in particular.
    std::string_view connection;
    std::string_view channel;
};
/// What is packed without `channel` may have that appended later.
[[nodiscard]] std::string pack(const ClientInfo& client);
/// Of what was packed here: views of `packed`.
[[nodiscard]] ClientInfo unpack_client(std::span<const std::byte> packed) noexcept;

}  // namespace ringcast

#include "base/client_info.hpp"

#include <cstring>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/hex.hpp"

namespace ringcast {

namespace {

struct Head {
    ClientId id;
    std::uint16_t connection_bytes;
    std::uint8_t user_bytes;
};
constexpr std::size_t head_bytes = sizeof(ClientId) + sizeof(std::uint16_t) + sizeof(std::uint8_t);

}  // namespace

std::array<char, 36> text_of(const ClientId& id) noexcept {
    std::array<char, 36> text;
    char* at = text.data();
    for (std::size_t i = 0; i < id.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        *at++ = hex_digit(std::to_integer<unsigned>(id[i]) >> 4);
        *at++ = hex_digit(std::to_integer<unsigned>(id[i]));
    }
    return text;
}

std::string pack(const Info& info) {
    std::string packed;
    if (!info.bytes.empty()) packed += static_cast<char>(info.kind);
    return packed.append(info.bytes);
}

Info unpack_info(std::string_view packed) noexcept {
    if (packed.empty()) return {};
    return {.kind = static_cast<PublicationKind>(packed.front()), .bytes = packed.substr(1)};
}

std::string pack(const ClientInfo& client) {
    RC_ASSERT(client.user.size() <= ClientInfo::user_bytes_max);
    RC_ASSERT(client.connection.size() <= ClientInfo::info_bytes_max);
    RC_ASSERT(client.channel.size() <= ClientInfo::info_bytes_max);
    Head head{.id = client.id,
              .connection_bytes = static_cast<std::uint16_t>(client.connection.size()),
              .user_bytes = static_cast<std::uint8_t>(client.user.size())};
    std::string packed(head_bytes, '\0');
    std::memcpy(packed.data(), &head, head_bytes);
    return packed.append(client.user).append(client.connection).append(client.channel);
}

ClientInfo unpack_client(std::span<const std::byte> packed) noexcept {
    Head head;
    RC_ASSERT(packed.size() >= head_bytes);
    std::memcpy(&head, packed.data(), head_bytes);
    std::string_view rest = as_text(packed);
    rest.remove_prefix(head_bytes);
    RC_ASSERT(rest.size() >= std::size_t{head.user_bytes} + head.connection_bytes);
    const std::string_view user = rest.substr(0, head.user_bytes);
    rest.remove_prefix(user.size());
    return {.id = head.id,
            .user = user,
            .connection = rest.substr(0, head.connection_bytes),
            .channel = rest.substr(head.connection_bytes)};
}

}  // namespace ringcast

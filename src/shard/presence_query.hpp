#pragma once
// As whom sessions are in topics, and what they ask about who else is there.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/client_info.hpp"
#include "hub/presence.hpp"

namespace ringcast::shard {

/// As whom a session subscribes. By default as nobody, who hears of nobody.
struct SubscribeAs {
    std::string_view info{};  ///< A packed ClientInfo. Empty: as nobody.
    hub::Visibility seen{};
    bool hears_others = false;  ///< It is told of those who come and go.
    /// It is sent publications as deltas to those that it has, where that is shorter. Only of
    /// encodings of the Centrifuge protocol.
    bool takes_deltas = false;
};

enum class PresenceQuery : std::uint8_t {
    clients,  ///< Who is there.
    counts,   ///< How many.
};

/// Clients one behind the other, packed, each behind its length. Crosses the mesh as bytes.
class ClientList {
public:
    ClientList() = default;
    explicit ClientList(std::span<const std::byte> bytes) noexcept : bytes_{bytes} {}
    static void append(std::string& list, const ClientInfo& client) {
        const std::string packed = pack(client);
        const auto size = static_cast<std::uint32_t>(packed.size());
        char length[sizeof size];
        std::memcpy(length, &size, sizeof size);
        list.append(length, sizeof size).append(packed);
    }
    /// Calls `visit(ClientInfo)` for each.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::span<const std::byte> rest = bytes_; !rest.empty();) {
            std::uint32_t size;
            std::memcpy(&size, rest.data(), sizeof size);
            visit(unpack_client(rest.subspan(sizeof size, size)));
            rest = rest.subspan(sizeof size + size);
        }
    }

private:
    std::span<const std::byte> bytes_;
};

/// The answer to a PresenceQuery: true at its place among what the session is told of comers and
/// goers. Views die with the call.
struct PresenceAnswer {
    std::string_view topic;
    std::uint64_t tag = 0;  ///< Of the question.
    bool is_lost = false;   ///< On its way; the question may be asked again.
    hub::Presence::Stats counts;
    ClientList clients;  ///< If they were asked for.
};

/// All that is asked, of the members of `topic`.
[[nodiscard]] std::string client_list_of(const hub::Presence& presence, std::string_view topic);

}  // namespace ringcast::shard

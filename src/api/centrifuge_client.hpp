#pragma once
// What the endpoint of the Centrifuge protocol keeps of one client: the state of its session.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/centrifuge_endpoint.hpp"
#include "api/centrifuge_joining.hpp"
#include "auth/claims.hpp"
#include "base/client_info.hpp"

namespace ringcast::api {

/// What a token or the application says of a client, as others are told.
[[nodiscard]] inline std::string packed(const std::optional<auth::Payload>& info) {
    return info ? pack(Info{.kind = info->kind, .bytes = info->bytes}) : std::string{};
}

/// A topic that a token names, until when, and what goes with it; `info` is packed.
struct CentrifugeEndpoint::Admission {
    std::string channel;
    Instant until = instant_never;
    std::string info{};
    auth::Overrides overrides{};
};

/// The state of a session.
struct CentrifugeEndpoint::Client {
    Client(const dialect::centrifuge::SessionSettings& settings,
           const dialect::centrifuge::Wire& client_wire, dialect::centrifuge::Pings pings,
           Instant now)
        : wire{client_wire},
          format{client_wire.format},
          session{settings, client_wire, now, pings} {}

    /// What it says goes to the emulation endpoint, with `stream_id`.
    [[nodiscard]] bool is_emulated() const noexcept {
        return wire.framing != dialect::centrifuge::Framing::message && !wire.is_unidirectional;
    }

    const dialect::centrifuge::Wire wire;
    const dialect::centrifuge::Format format;
    Session session;
    std::string opening;    ///< What came with the request that has opened the session.
    std::string stream_id;  ///< The secret of a client that is_emulated(), once it is connected.
    std::string id;         ///< Empty: not connected.
    std::string user;       ///< Empty: nobody in particular.
    std::string info;  ///< Who it is, as others are told: a packed ClientInfo without `channel`.
    /// What tokens say of a topic, the one brought for it before the connection's; null: nothing.
    [[nodiscard]] const Admission* admission_to(std::string_view channel) const noexcept {
        for (const auto* const admissions : {&admitted, &granted}) {
            const auto found = std::ranges::find(*admissions, channel, &Admission::channel);
            if (found != admissions->end()) return &*found;
        }
        return nullptr;
    }
    std::vector<Admission> granted;          ///< By the connection's token.
    std::vector<Admission> admitted;         ///< By tokens that the client has brought for them.
    std::unique_ptr<Joining> joining;        ///< Of a connect command that waits for it.
    TimeToLive subscription_ttl;             ///< Of the subscription that the shard has to confirm.
    dialect::centrifuge::Ticket ticket = 0;  ///< Of the request that the shard has to answer first.
    std::string rest;                        ///< Of the message behind that.
    std::uint32_t place = 0;                 ///< Among the sessions of its user.
    std::uint64_t recovered_from = 0;  ///< Of a subscription that recovers: what it asked for.
    bool rejects_unrecovered = false;  ///< Likewise: an error rather than a gap.
    bool takes_deltas = false;         ///< Of the subscription that the shard has to confirm.
};

}  // namespace ringcast::api

#pragma once
// What the endpoint of the Centrifuge protocol keeps of one client: the state of its session.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/authentication.hpp"
#include "api/centrifuge_endpoint.hpp"
#include "api/centrifuge_joining.hpp"
#include "api/packed_info.hpp"
#include "auth/claims.hpp"

namespace ringcast::api {

/// A topic that a token names, or an order of the application, until when, and what goes with it;
/// `info` is packed.
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
    std::unique_ptr<ShownToken> shown;  ///< With the request that has opened the session.
    std::string opening;                ///< What came with the request that has opened the session.
    std::string stream_id;  ///< The secret of a client that is_emulated(), once it is connected.
    std::string id;         ///< Empty: not connected.
    std::string user;       ///< Empty: nobody in particular.
    std::string info;  ///< Who it is, as others are told: a packed ClientInfo without `channel`.
    /// What goes with a topic, as the application says that has subscribed it to that; else as
    /// tokens say, the one brought for it before the connection's. Null: nothing.
    [[nodiscard]] const Admission* admission_to(std::string_view channel) const noexcept {
        const bool is_imposed =
            session.subscribed_by(channel) == dialect::centrifuge::SubscribedBy::host;
        for (const auto* const admissions : {&imposed, &admitted}) {
            if (admissions == &imposed && !is_imposed) continue;
            const auto found = std::ranges::find(*admissions, channel, &Admission::channel);
            if (found != admissions->end()) return &*found;
        }
        return grant_of(channel);
    }
    /// What the connection's token says of it, or null.
    [[nodiscard]] const Admission* grant_of(std::string_view channel) const noexcept {
        const auto found = std::ranges::lower_bound(granted, channel, {}, &Admission::channel);
        return found != granted.end() && found->channel == channel ? &*found : nullptr;
    }
    /// The application is about to subscribe it to that.
    void impose(Admission admission) {
        using dialect::centrifuge::SubscribedBy;
        std::erase_if(imposed, [this](const Admission& each) {
            return session.subscribed_by(each.channel) != SubscribedBy::host;
        });
        imposed.push_back(std::move(admission));
    }
    std::vector<Admission> imposed;          ///< By orders, which permit nothing else.
    std::vector<Admission> granted;          ///< By the connection's token; in order of channels.
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

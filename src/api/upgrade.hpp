#pragma once
// What stands behind a public Upgrade and a Ticket.

#include <string>

#include "ringcast/upgrade.hpp"
#include "shard/endpoint.hpp"

namespace ringcast {

/// Lives during one on_upgrade.
struct Upgrade::Impl {
    shard::Upgrade& upgrade;
    std::string subprotocol{};
    std::string fields{};
    bool deferred = false;  ///< A ticket has been given out.
};

namespace api {

[[nodiscard]] shard::Verdict admitted(detail::ErasedState state, Upgrade::Impl&& impl);
[[nodiscard]] shard::Verdict refused(Rejection&& rejection);

}  // namespace api

}  // namespace ringcast

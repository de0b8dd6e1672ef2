#pragma once
// What stands behind a public Upgrade and a Ticket.

#include <string>
#include <string_view>

#include "ringcast/upgrade.hpp"
#include "shard/endpoint.hpp"

namespace ringcast {

/// Lives during one on_upgrade.
struct Upgrade::Impl {
    shard::Upgrade& upgrade;
    std::string subprotocol{};
    std::string fields{};
    bool deferred = false;       ///< A ticket has been given out.
    const User* user = nullptr;  ///< Of a token, if there was one.
};

namespace api {

/// Appends a header line to `fields`. False, and nothing is appended, if HTTP does not allow it.
[[nodiscard]] bool append_field(std::string& fields, std::string_view name, std::string_view value);

[[nodiscard]] shard::Verdict admitted(detail::ErasedState state, Upgrade::Impl&& impl);
[[nodiscard]] shard::Verdict refused(Rejection&& rejection);

}  // namespace api

}  // namespace ringcast

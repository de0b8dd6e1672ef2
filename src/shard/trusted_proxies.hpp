#pragma once
// Who is believed when it says on whose behalf it connects.

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"
#include "ring/address.hpp"

namespace ringcast::shard {

class TrustedProxies {
public:
    /// `10.0.0.0/8`, `2001:db8::/32`, one address, or `unix`: whoever comes through a Unix socket.
    /// The error is one sentence that quotes the text.
    [[nodiscard]] std::expected<void, std::string> add(std::string_view text);

    [[nodiscard]] bool empty() const noexcept { return networks_.empty() && !has_unix_; }
    [[nodiscard]] bool contains(const IpAddress& ip) const noexcept;
    [[nodiscard]] bool contains(const ring::Address& address) const noexcept;

private:
    std::vector<IpNetwork> networks_;
    bool has_unix_ = false;
};

}  // namespace ringcast::shard

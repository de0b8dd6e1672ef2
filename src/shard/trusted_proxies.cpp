#include "shard/trusted_proxies.hpp"

#include <algorithm>
#include <utility>

namespace ringcast::shard {

std::expected<void, std::string> TrustedProxies::add(std::string_view text) {
    if (text == "unix") {
        has_unix_ = true;
        return {};
    }
    auto network = IpNetwork::parse(text);
    if (!network) return std::unexpected{std::move(network.error())};
    networks_.push_back(*network);
    return {};
}

bool TrustedProxies::contains(const IpAddress& ip) const noexcept {
    return std::ranges::any_of(networks_,
                               [&](const IpNetwork& network) { return network.contains(ip); });
}

bool TrustedProxies::contains(const ring::Address& address) const noexcept {
    if (address.family == ring::Address::Family::unix_path) return has_unix_;
    const auto endpoint = address.ip_endpoint();
    return endpoint && contains(endpoint->ip);
}

}  // namespace ringcast::shard

#include "sources.hpp"

#include <algorithm>
#include <fstream>

namespace ringcast::bench {

namespace {

/// The kernel gives connect() every other port first and looks through all of those when they are
/// taken, so a million connections need more addresses than ports would allow.
constexpr std::uint32_t loopback_address_count = 256;

}  // namespace

Expected<Sources> Sources::create(std::span<const std::string> addresses, const Url& url) {
    Sources sources;
    for (const std::string& text : addresses) {
        const auto address = SocketAddress::parse(text, 0);
        if (!address || address->family() != url.address.family())
            return fail("--source must be an {} address, as the server's, got '{}'",
                        url.address.family() == AF_INET6 ? "IPv6" : "IPv4", text);
        sources.addresses_.push_back(*address);
    }
    if (!addresses.empty() || !url.address.is_ipv4_loopback()) return sources;
    for (std::uint32_t i = 0; i < loopback_address_count; ++i)
        sources.addresses_.push_back(SocketAddress::loopback(i));
    return sources;
}

std::optional<SocketAddress> Sources::next() noexcept {
    if (addresses_.empty()) return std::nullopt;
    return addresses_[next_++ % addresses_.size()];
}

Expected<void> Sources::check_ports(std::uint64_t connections,
                                    std::uint64_t ports_per_address) const {
    const std::uint64_t count = std::max<std::uint64_t>(addresses_.size(), 1);
    if (connections <= count * ports_per_address) return {};
    return fail(
        "{} connections need more ports than {} source address{} with {} each: give {} with "
        "--source, or widen net.ipv4.ip_local_port_range",
        connections, count, count == 1 ? "" : "es", ports_per_address,
        (connections + ports_per_address - 1) / ports_per_address);
}

std::uint64_t ephemeral_port_count() {
    std::ifstream stream("/proc/sys/net/ipv4/ip_local_port_range");
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    constexpr std::uint64_t usual = 28'232;
    return stream >> first >> last && first <= last ? last - first + 1 : usual;
}

}  // namespace ringcast::bench

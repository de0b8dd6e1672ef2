#pragma once
// Network addresses as values: what a listener is bound to and where a peer comes from. No socket
// header is needed to hold one.

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/ip_address.hpp"

namespace ringcast::ring {

/// An IPv4, IPv6 or Unix-domain address. Copyable, owns nothing but a path.
struct Address {
    enum class Family : std::uint8_t { none, ipv4, ipv6, unix_path };

    Family family = Family::none;
    std::uint16_t port = 0;             ///< Host byte order; 0 asks the kernel to choose.
    std::uint32_t scope = 0;            ///< IPv6 zone index (`%eth0`), else 0.
    std::array<std::uint8_t, 16> ip{};  ///< Network byte order; IPv4 uses the first four.
    std::string path;                   ///< unix_path only.

    /// `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/x.sock`, or `unknown`; without a port (a proxy
    /// need not tell it) as ip_string().
    [[nodiscard]] std::string to_string() const;
    /// The address without its port: `127.0.0.1`, `::1`, `unix`, or `unknown`. IPv4-mapped IPv6 is
    /// printed as IPv4.
    [[nodiscard]] std::string ip_string() const;
    [[nodiscard]] static Address of(const IpEndpoint& endpoint) noexcept;
    /// No value for what is not of IP.
    [[nodiscard]] std::optional<IpEndpoint> ip_endpoint() const noexcept;
    /// True if only this machine can reach it: 127.0.0.0/8, ::1, a Unix path.
    [[nodiscard]] bool is_loopback() const noexcept;

    friend bool operator==(const Address&, const Address&) = default;
};

}  // namespace ringcast::ring

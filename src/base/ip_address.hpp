#pragma once
// IP addresses as plain values, for what is said about them in headers and settings. No socket
// header is needed to hold one; what a descriptor is bound to is a ring::Address.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringcast {

/// IPv6, or IPv4 in the shape of `::ffff:a.b.c.d` (RFC 4291 section 2.5.5.2), so that a client is
/// the same one whichever kind of socket it came through.
struct IpAddress {
    std::array<std::uint8_t, 16> octets{};  ///< Network byte order.

    [[nodiscard]] static IpAddress ipv4(std::span<const std::uint8_t, 4> octets) noexcept;
    [[nodiscard]] bool is_ipv4() const noexcept;

    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// Four decimal numbers without leading zeros, or the text of RFC 4291 section 2.2; no zone, no
/// brackets.
[[nodiscard]] std::optional<IpAddress> parse_ip_address(std::string_view text) noexcept;

/// Where a client is. Port 0: not known.
struct IpEndpoint {
    IpAddress ip;
    std::uint16_t port = 0;

    friend auto operator<=>(const IpEndpoint&, const IpEndpoint&) = default;
};

/// `192.0.2.7`, `2001:db8::7`, `192.0.2.7:80` or `[2001:db8::7]:80`; the brackets may stand without
/// a port.
[[nodiscard]] std::optional<IpEndpoint> parse_ip_endpoint(std::string_view text) noexcept;

/// All addresses that begin with the same bits (RFC 4632 section 3.1). `::/0` has IPv4 in it, too.
class IpNetwork {
public:
    /// `10.0.0.0/8`, `2001:db8::/32`, or one address. Bits behind the prefix have to be 0, or what
    /// was meant is not what was written. The error is one sentence that quotes the text.
    [[nodiscard]] static std::expected<IpNetwork, std::string> parse(std::string_view text);

    [[nodiscard]] bool contains(const IpAddress& ip) const noexcept;

private:
    IpNetwork(const IpAddress& first, unsigned prefix_bits) noexcept
        : first_{first}, prefix_bits_{prefix_bits} {}

    IpAddress first_;
    unsigned prefix_bits_;  // Of 128.
};

}  // namespace ringcast

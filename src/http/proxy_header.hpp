#pragma once
// The PROXY protocol (haproxy.org/download/3.0/doc/proxy-protocol.txt), versions 1 and 2: what a
// proxy sends in front of a connection's first byte, to say whose connection it passes on.
//
//   version 1    PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n
//   version 2    12 octets | 0x20 LOCAL, 0x21 PROXY | family | length | addresses | TLVs
//                                                                      '--- length ---'

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/ip_address.hpp"

namespace ringcast::http {

/// Why what came is no PROXY header.
enum class ProxyHeaderReason : std::uint8_t {
    none,
    no_signature,  // Neither version's: a client that came past the proxy, or TLS, or HTTP.
    malformed_line,
    line_too_long,
    unsupported_version,
    unsupported_command,
    unsupported_family,  // Or a transport that is no stream.
    too_short,           // For the addresses of its family.
    too_long,
};
[[nodiscard]] std::string_view to_string(ProxyHeaderReason reason) noexcept;

/// Made for one connection. Strict: a header is there from the first byte on, is complete, and says
/// nothing that this does not know; anything else fails at the first byte that tells. How the bytes
/// are cut makes no difference.
class ProxyHeaderParser {
public:
    static constexpr std::size_t line_bytes_max = 107;  ///< Version 1, with its CRLF.
    /// Version 2, what stands behind the first 16 octets. TLVs are skipped; the longest in use are
    /// the names in a client's certificate.
    static constexpr std::size_t body_bytes_max = 4096;

    enum class Found : std::uint8_t { need_more, header, failure };

    /// Takes what belongs to the header from the front of `input`; all of it for `need_more`. Not
    /// to be called again after another answer.
    [[nodiscard]] Found next(std::span<std::byte>& input) noexcept;

    /// Behind `header`: whose connection it is. No value: the proxy's own (LOCAL), or not of an IP
    /// address (UNKNOWN, UNSPEC, UNIX).
    [[nodiscard]] const std::optional<IpEndpoint>& source() const noexcept { return source_; }
    /// Behind `failure`.
    [[nodiscard]] ProxyHeaderReason reason() const noexcept { return reason_; }

private:
    [[nodiscard]] Found fail(ProxyHeaderReason reason) noexcept;
    [[nodiscard]] Found take_octet(std::byte octet) noexcept;
    [[nodiscard]] Found take_line_octet() noexcept;
    [[nodiscard]] Found take_binary_octet() noexcept;
    [[nodiscard]] Found parse_line() noexcept;
    [[nodiscard]] Found parse_prologue() noexcept;
    [[nodiscard]] Found finish_binary() noexcept;

    std::array<std::uint8_t, line_bytes_max> octets_;  // What has come, but for what is skipped.
    ProxyHeaderReason reason_ = ProxyHeaderReason::none;
    std::size_t size_ = 0;
    std::size_t kept_size_ = 0;     // Version 2: its prologue and addresses that are looked at.
    std::size_t skipped_size_ = 0;  // And what comes behind.
    std::optional<IpEndpoint> source_;
};

}  // namespace ringcast::http

#include "http/proxy_header.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/decimal.hpp"

namespace ringcast::http {

namespace {

using Found = ProxyHeaderParser::Found;

constexpr std::string_view line_signature = "PROXY ";
constexpr std::array<std::uint8_t, 12> binary_signature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                        0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t prologue_size = 16;
constexpr unsigned port_max = 65535;

enum class Family : std::uint8_t { unspecified = 0, ipv4 = 1, ipv6 = 2, unix_path = 3 };

/// Of source and destination with their ports, or two paths.
constexpr std::size_t addresses_size(Family family) noexcept {
    switch (family) {
        case Family::unspecified: return 0;
        case Family::ipv4: return 12;
        case Family::ipv6: return 36;
        case Family::unix_path: return 216;
    }
    return 0;
}

constexpr std::uint16_t read_number(const std::uint8_t* octets) noexcept {
    return static_cast<std::uint16_t>(octets[0] << 8 | octets[1]);
}

/// Takes a word and the single space behind it, if one has to be there.
std::optional<std::string_view> take_word(std::string_view& rest, bool is_last) noexcept {
    const std::size_t end = rest.find(' ');
    if ((end == std::string_view::npos) != is_last) return std::nullopt;
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(is_last ? rest.size() : end + 1);
    return word;
}

/// An address of the family that the line says, as it is written there.
std::optional<IpAddress> read_address(std::string_view text, bool is_ipv4) noexcept {
    if (text.contains(':') == is_ipv4) return std::nullopt;
    return parse_ip_address(text);
}

/// What stands between `TCP4 ` or `TCP6 ` and CRLF.
std::optional<IpEndpoint> read_addresses(std::string_view rest, bool is_ipv4) noexcept {
    const auto source = take_word(rest, false);
    const auto destination = take_word(rest, false);
    const auto source_port = take_word(rest, false);
    const auto destination_port = take_word(rest, true);
    if (!source || !destination || !source_port || !destination_port) return std::nullopt;
    const auto ip = read_address(*source, is_ipv4);
    const auto port = parse_decimal(*source_port, port_max);
    if (!ip || !port || !read_address(*destination, is_ipv4) ||
        !parse_decimal(*destination_port, port_max))
        return std::nullopt;
    return IpEndpoint{.ip = *ip, .port = static_cast<std::uint16_t>(*port)};
}

}  // namespace

std::string_view to_string(ProxyHeaderReason reason) noexcept {
    switch (reason) {
        case ProxyHeaderReason::none: return "none";
        case ProxyHeaderReason::no_signature: return "no signature";
        case ProxyHeaderReason::malformed_line: return "malformed line";
        case ProxyHeaderReason::line_too_long: return "line too long";
        case ProxyHeaderReason::unsupported_version: return "unsupported version";
        case ProxyHeaderReason::unsupported_command: return "unsupported command";
        case ProxyHeaderReason::unsupported_family: return "unsupported family";
        case ProxyHeaderReason::too_short: return "too short";
        case ProxyHeaderReason::too_long: return "too long";
    }
    return {};
}

Found ProxyHeaderParser::next(std::span<std::byte>& input) noexcept {
    while (!input.empty()) {
        if (size_ > 0 && size_ == kept_size_) {
            const std::size_t skipped = std::min(skipped_size_, input.size());
            input = input.subspan(skipped);
            skipped_size_ -= skipped;
            if (skipped_size_ == 0) return Found::header;
            continue;
        }
        const std::byte octet = input.front();
        input = input.subspan(1);
        if (const Found found = take_octet(octet); found != Found::need_more) return found;
    }
    return Found::need_more;
}

Found ProxyHeaderParser::fail(ProxyHeaderReason reason) noexcept {
    reason_ = reason;
    return Found::failure;
}

Found ProxyHeaderParser::take_octet(std::byte octet) noexcept {
    RC_ASSERT(size_ < octets_.size() && reason_ == ProxyHeaderReason::none);
    octets_[size_++] = static_cast<std::uint8_t>(octet);
    return octets_[0] == binary_signature[0] ? take_binary_octet() : take_line_octet();
}

Found ProxyHeaderParser::take_line_octet() noexcept {
    const std::uint8_t octet = octets_[size_ - 1];
    if (size_ <= line_signature.size()) {
        const bool is_signature = octet == static_cast<std::uint8_t>(line_signature[size_ - 1]);
        return is_signature ? Found::need_more : fail(ProxyHeaderReason::no_signature);
    }
    if (octets_[size_ - 2] == '\r')
        return octet == '\n' ? parse_line() : fail(ProxyHeaderReason::malformed_line);
    if (octet == '\n') return fail(ProxyHeaderReason::malformed_line);
    return size_ < line_bytes_max ? Found::need_more : fail(ProxyHeaderReason::line_too_long);
}

Found ProxyHeaderParser::parse_line() noexcept {
    std::string_view rest{reinterpret_cast<const char*>(octets_.data()), size_ - 2};
    rest.remove_prefix(line_signature.size());
    const std::string_view protocol = rest.substr(0, rest.find(' '));
    if (protocol == "UNKNOWN") return Found::header;  // Whatever stands behind it.
    const bool is_ipv4 = protocol == "TCP4";
    if (!is_ipv4 && protocol != "TCP6") return fail(ProxyHeaderReason::malformed_line);
    rest.remove_prefix(std::min(protocol.size() + 1, rest.size()));
    source_ = read_addresses(rest, is_ipv4);
    return source_ ? Found::header : fail(ProxyHeaderReason::malformed_line);
}

Found ProxyHeaderParser::take_binary_octet() noexcept {
    if (size_ <= binary_signature.size()) {
        const bool is_signature = octets_[size_ - 1] == binary_signature[size_ - 1];
        return is_signature ? Found::need_more : fail(ProxyHeaderReason::no_signature);
    }
    if (size_ < prologue_size) return Found::need_more;
    if (size_ == prologue_size) {
        if (const Found found = parse_prologue(); found == Found::failure) return found;
    }
    return size_ == kept_size_ ? finish_binary() : Found::need_more;
}

/// Octets 12 to 15: version and command, family and transport, length.
Found ProxyHeaderParser::parse_prologue() noexcept {
    constexpr std::uint8_t stream = 1;
    const std::uint8_t version = octets_[12] >> 4;
    const std::uint8_t command = octets_[12] & 0xf;
    const auto family = static_cast<Family>(octets_[13] >> 4);
    const std::uint8_t transport = octets_[13] & 0xf;
    const std::size_t length = read_number(&octets_[14]);
    if (version != 2) return fail(ProxyHeaderReason::unsupported_version);
    if (command > 1) return fail(ProxyHeaderReason::unsupported_command);
    if (length > body_bytes_max) return fail(ProxyHeaderReason::too_long);
    const bool is_local = command == 0;  // Then nothing else counts.
    const bool is_known = octets_[13] == 0 || (family != Family::unspecified &&
                                               family <= Family::unix_path && transport == stream);
    if (!is_local && !is_known) return fail(ProxyHeaderReason::unsupported_family);
    const std::size_t needed = is_local ? 0 : addresses_size(family);
    if (length < needed) return fail(ProxyHeaderReason::too_short);
    const bool is_ip = family == Family::ipv4 || family == Family::ipv6;
    kept_size_ = prologue_size + (is_ip ? needed : 0);
    skipped_size_ = prologue_size + length - kept_size_;
    return Found::need_more;
}

/// All that is kept has come.
Found ProxyHeaderParser::finish_binary() noexcept {
    const std::uint8_t* const body = &octets_[prologue_size];
    if (kept_size_ == prologue_size + addresses_size(Family::ipv4)) {
        source_ = {.ip = IpAddress::ipv4(std::span{body, 4}.first<4>()),
                   .port = read_number(body + 8)};
    } else if (kept_size_ == prologue_size + addresses_size(Family::ipv6)) {
        source_.emplace();
        std::copy_n(body, source_->ip.octets.size(), source_->ip.octets.begin());
        source_->port = read_number(body + 32);
    }
    return skipped_size_ == 0 ? Found::header : Found::need_more;
}

}  // namespace ringcast::http

#include "base/ip_address.hpp"

#include <algorithm>
#include <charconv>

#include "base/decimal.hpp"

namespace ringcast {

namespace {

constexpr std::array<std::uint8_t, 12> ipv4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned ipv4_prefix_bits = 96;

bool parse_ipv4(std::string_view text, std::span<std::uint8_t, 4> octets) noexcept {
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return false;
        const auto octet = parse_decimal(text.substr(0, dot), 255);
        if (!octet) return false;
        octets[i] = static_cast<std::uint8_t>(*octet);
        if (i < 3) text.remove_prefix(dot + 1);
    }
    return true;
}

/// One to four hexadecimal digits at the beginning of `text`, which are taken from it.
bool take_group(std::string_view& text, std::span<std::uint8_t, 2> octets) noexcept {
    unsigned group = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, group, 16);
    const auto size = static_cast<std::size_t>(stop - text.data());
    if (error != std::errc{} || size > 4) return false;
    octets[0] = static_cast<std::uint8_t>(group >> 8);
    octets[1] = static_cast<std::uint8_t>(group);
    text.remove_prefix(size);
    return true;
}

/// Groups up to the end of `text`, the last two perhaps as an IPv4 address; true if all of it was
/// that and `count` octets, at most 16, came of it.
bool parse_groups(std::string_view text, std::span<std::uint8_t, 16> octets,
                  std::size_t& count) noexcept {
    count = 0;
    if (text.empty()) return true;
    while (true) {
        const std::size_t colon = text.find(':');
        if (colon == std::string_view::npos && text.contains('.')) {
            if (count + 4 > octets.size()) return false;
            if (!parse_ipv4(text, octets.subspan(count).first<4>())) return false;
            count += 4;
            return true;
        }
        if (count + 2 > octets.size()) return false;
        if (!take_group(text, octets.subspan(count).first<2>())) return false;
        count += 2;
        if (text.empty()) return true;
        if (text.front() != ':') return false;
        text.remove_prefix(1);
    }
}

/// RFC 4291 section 2.2. `::` stands for at least one group of zeros.
bool parse_ipv6(std::string_view text, std::array<std::uint8_t, 16>& octets) noexcept {
    const std::size_t gap = text.find("::");
    std::size_t head_count = 0;
    if (gap == std::string_view::npos)
        return parse_groups(text, octets, head_count) && head_count == octets.size();
    std::array<std::uint8_t, 16> tail{};
    std::size_t tail_count = 0;
    const std::string_view head = text.substr(0, gap);
    if (head.contains('.') || !parse_groups(head, octets, head_count) ||
        !parse_groups(text.substr(gap + 2), tail, tail_count))
        return false;
    if (head_count + tail_count + 2 > octets.size()) return false;
    std::copy_n(tail.begin(), tail_count, octets.end() - static_cast<std::ptrdiff_t>(tail_count));
    return true;
}

}  // namespace

IpAddress IpAddress::ipv4(std::span<const std::uint8_t, 4> octets) noexcept {
    IpAddress address;
    std::ranges::copy(octets, std::ranges::copy(ipv4_prefix, address.octets.begin()).out);
    return address;
}

bool IpAddress::is_ipv4() const noexcept {
    return std::equal(ipv4_prefix.begin(), ipv4_prefix.end(), octets.begin());
}

std::optional<IpAddress> parse_ip_address(std::string_view text) noexcept {
    IpAddress address;
    if (text.contains(':')) {
        if (!parse_ipv6(text, address.octets)) return std::nullopt;
        return address;
    }
    std::array<std::uint8_t, 4> octets{};
    if (!parse_ipv4(text, octets)) return std::nullopt;
    return IpAddress::ipv4(octets);
}

std::optional<IpEndpoint> parse_ip_endpoint(std::string_view text) noexcept {
    std::string_view host = text;
    std::string_view rest;
    const std::size_t colon = text.find(':');
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        if (bracket == std::string_view::npos) return std::nullopt;
        host = text.substr(1, bracket - 1);
        rest = text.substr(bracket + 1);
        if (!host.contains(':')) return std::nullopt;
    } else if (colon != std::string_view::npos && text.find(':', colon + 1) == text.npos) {
        host = text.substr(0, colon);
        rest = text.substr(colon);
    }
    const auto ip = parse_ip_address(host);
    if (!ip) return std::nullopt;
    if (rest.empty()) return IpEndpoint{.ip = *ip};
    const auto port = parse_decimal(rest.substr(1), 65535);
    if (rest.front() != ':' || !port) return std::nullopt;
    return IpEndpoint{.ip = *ip, .port = static_cast<std::uint16_t>(*port)};
}

std::expected<IpNetwork, std::string> IpNetwork::parse(std::string_view text) {
    const auto refuse = [&](std::string_view why) {
        return std::unexpected{"'" + std::string{text} + "': " + std::string{why}};
    };
    const std::size_t slash = text.find('/');
    const auto ip = parse_ip_address(text.substr(0, slash));
    if (!ip) return refuse("expected an address, or a network as 10.0.0.0/8 or 2001:db8::/32");
    unsigned bits = 128;
    if (slash != std::string_view::npos) {
        const bool is_ipv4 = !text.contains(':');
        const auto given = parse_decimal(text.substr(slash + 1), is_ipv4 ? 32 : 128);
        if (!given) return refuse("expected 0 to 32 bits of an IPv4 prefix, or 0 to 128 of IPv6");
        bits = *given + (is_ipv4 ? ipv4_prefix_bits : 0);
    }
    for (unsigned bit = bits; bit < 128; ++bit) {
        if ((ip->octets[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return refuse("the address has bits behind its prefix");
    }
    return IpNetwork{*ip, bits};
}

bool IpNetwork::contains(const IpAddress& ip) const noexcept {
    const unsigned whole = prefix_bits_ / 8;
    const unsigned rest = prefix_bits_ % 8;
    if (!std::equal(ip.octets.begin(), ip.octets.begin() + whole, first_.octets.begin()))
        return false;
    return rest == 0 || (ip.octets[whole] ^ first_.octets[whole]) >> (8 - rest) == 0;
}

}  // namespace ringcast

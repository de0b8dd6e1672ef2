#include "ring/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <bit>
#include <cstring>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include "base/assert.hpp"
#include "ring/sockaddr.hpp"

namespace ringcast::ring {
namespace {

/// `::ffff:a.b.c.d`, how a dual-stack socket shows an IPv4 peer (RFC 4291 section 2.5.5.2).
[[nodiscard]] bool is_ipv4_mapped(const std::array<std::uint8_t, 16>& ip) noexcept {
    constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::equal(prefix.begin(), prefix.end(), ip.begin());
}

[[nodiscard]] std::string ip_text(int family, const std::uint8_t* ip) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, ip, text.data(), text.size());
    return text.data();
}

}  // namespace

std::string Address::ip_string() const {
    switch (family) {
        case Family::none: return "unknown";
        case Family::unix_path: return "unix";
        case Family::ipv4: return ip_text(AF_INET, ip.data());
        case Family::ipv6: break;
    }
    if (is_ipv4_mapped(ip)) return ip_text(AF_INET, ip.data() + 12);
    std::string text = ip_text(AF_INET6, ip.data());
    if (scope != 0) {
        std::array<char, IF_NAMESIZE> name{};
        text += '%';
        text += if_indextoname(scope, name.data()) != nullptr ? name.data() : std::to_string(scope);
    }
    return text;
}

std::string Address::to_string() const {
    if (port == 0) return family == Family::unix_path ? "unix:" + path : ip_string();
    switch (family) {
        case Family::none: return "unknown";
        case Family::unix_path: return "unix:" + path;
        case Family::ipv4: break;
        case Family::ipv6:
            if (!is_ipv4_mapped(ip)) return "[" + ip_string() + "]:" + std::to_string(port);
            break;
    }
    return ip_string() + ":" + std::to_string(port);
}

Address Address::of(const IpEndpoint& endpoint) noexcept {
    return {.family = Family::ipv6,
            .port = endpoint.port,
            .scope = 0,
            .ip = endpoint.ip.octets,
            .path = {}};
}

std::optional<IpEndpoint> Address::ip_endpoint() const noexcept {
    switch (family) {
        case Family::none:
        case Family::unix_path: return std::nullopt;
        case Family::ipv4:
            return IpEndpoint{.ip = IpAddress::ipv4(std::span{ip}.first<4>()), .port = port};
        case Family::ipv6: return IpEndpoint{.ip = {.octets = ip}, .port = port};
    }
    return std::nullopt;
}

bool Address::is_loopback() const noexcept {
    constexpr std::uint8_t ipv4_loopback = 127;
    switch (family) {
        case Family::none: return false;
        case Family::unix_path: return true;
        case Family::ipv4: return ip[0] == ipv4_loopback;
        case Family::ipv6: break;
    }
    if (is_ipv4_mapped(ip)) return ip[12] == ipv4_loopback;
    constexpr std::array<std::uint8_t, 16> ipv6_loopback{0, 0, 0, 0, 0, 0, 0, 0,
                                                         0, 0, 0, 0, 0, 0, 0, 1};
    return ip == ipv6_loopback;
}

SocketAddress to_socket_address(const Address& address) noexcept {
    SocketAddress result;
    switch (address.family) {
        case Address::Family::none: RC_ASSERT(false);
        case Address::Family::ipv4: {
            sockaddr_in in{};
            in.sin_family = AF_INET;
            in.sin_port = htons(address.port);
            std::memcpy(&in.sin_addr, address.ip.data(), sizeof in.sin_addr);
            std::memcpy(&result.storage, &in, result.size = sizeof in);
            break;
        }
        case Address::Family::ipv6: {
            sockaddr_in6 in{};
            in.sin6_family = AF_INET6;
            in.sin6_port = htons(address.port);
            in.sin6_scope_id = address.scope;
            std::memcpy(&in.sin6_addr, address.ip.data(), sizeof in.sin6_addr);
            std::memcpy(&result.storage, &in, result.size = sizeof in);
            break;
        }
        case Address::Family::unix_path: {
            sockaddr_un un{};
            un.sun_family = AF_UNIX;
            RC_ASSERT(address.path.size() < sizeof un.sun_path);
            std::memcpy(un.sun_path, address.path.c_str(), address.path.size() + 1);
            std::memcpy(&result.storage, &un, result.size = sizeof un);
            break;
        }
    }
    return result;
}

Address from_socket_address(const SocketAddress& source) {
    Address address;
    if (source.storage.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &source.storage, sizeof in);
        address.family = Address::Family::ipv4;
        address.port = ntohs(in.sin_port);
        std::memcpy(address.ip.data(), &in.sin_addr, sizeof in.sin_addr);
    } else if (source.storage.ss_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &source.storage, sizeof in);
        address.family = Address::Family::ipv6;
        address.port = ntohs(in.sin6_port);
        address.scope = in.sin6_scope_id;
        std::memcpy(address.ip.data(), &in.sin6_addr, sizeof in.sin6_addr);
    } else if (source.storage.ss_family == AF_UNIX) {
        sockaddr_un un{};
        std::memcpy(&un, &source.storage, std::min<std::size_t>(source.size, sizeof un));
        address.family = Address::Family::unix_path;
        address.path.assign(un.sun_path, strnlen(un.sun_path, sizeof un.sun_path));
    }
    return address;
}

Address peer_of(int fd) {
    SocketAddress address;
    if (getpeername(fd, address.data(), &address.size) != 0) return {};
    return from_socket_address(address);
}

std::uint64_t unacknowledged_bytes_of(int fd) noexcept {
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

}  // namespace ringcast::ring

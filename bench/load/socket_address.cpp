#include "socket_address.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <memory>
#include <netdb.h>

namespace ringcast::bench {

std::optional<SocketAddress> SocketAddress::parse(const std::string& host, std::uint16_t port) {
    SocketAddress address;
    if (inet_pton(AF_INET6, host.c_str(), &address.v6_.sin6_addr) == 1) {
        address.v6_.sin6_family = AF_INET6;
        address.v6_.sin6_port = htons(port);
        return address;
    }
    address.v4_ = {};
    if (inet_pton(AF_INET, host.c_str(), &address.v4_.sin_addr) != 1) return std::nullopt;
    address.v4_.sin_family = AF_INET;
    address.v4_.sin_port = htons(port);
    return address;
}

Expected<SocketAddress> SocketAddress::resolve(const std::string& host, std::uint16_t port) {
    if (const auto numeric = parse(host, port)) return *numeric;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (code != 0) return fail("the host '{}' is not known: {}", host, gai_strerror(code));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{found, freeaddrinfo};
    SocketAddress address;
    if (found->ai_addrlen > sizeof address)
        return fail("the host '{}' has no IPv4 or IPv6 address", host);
    std::memcpy(static_cast<void*>(&address), found->ai_addr, found->ai_addrlen);
    return address;
}

SocketAddress SocketAddress::loopback(std::uint32_t index) noexcept {
    SocketAddress address;
    address.v4_ = {.sin_family = AF_INET,
                   .sin_port = 0,
                   .sin_addr = {htonl(INADDR_LOOPBACK + index)},
                   .sin_zero = {}};
    return address;
}

std::string SocketAddress::host() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* const bytes = family() == AF_INET6 ? static_cast<const void*>(&v6_.sin6_addr)
                                                   : static_cast<const void*>(&v4_.sin_addr);
    inet_ntop(family(), bytes, text.data(), text.size());
    return text.data();
}

}  // namespace ringcast::bench

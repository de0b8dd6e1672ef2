#pragma once
// An address of a server, or one that connections leave from: IPv4 or IPv6, with a port.

#include <cstdint>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>

#include "error.hpp"

namespace ringcast::bench {

/// As system calls take it.
class SocketAddress {
public:
    /// `host` is a numeric address, IPv6 without brackets; nothing if it is none.
    [[nodiscard]] static std::optional<SocketAddress> parse(const std::string& host,
                                                            std::uint16_t port);
    /// Also of a name, which is looked up: the first address that the resolver knows.
    [[nodiscard]] static Expected<SocketAddress> resolve(const std::string& host,
                                                         std::uint16_t port);
    /// 127.0.0.1, and `index` behind it.
    [[nodiscard]] static SocketAddress loopback(std::uint32_t index) noexcept;

    [[nodiscard]] int family() const noexcept { return any_.sa_family; }
    [[nodiscard]] const sockaddr* get() const noexcept { return &any_; }
    [[nodiscard]] socklen_t size() const noexcept {
        return family() == AF_INET6 ? sizeof(v6_) : sizeof(v4_);
    }
    [[nodiscard]] std::uint16_t port() const noexcept {
        return ntohs(family() == AF_INET6 ? v6_.sin6_port : v4_.sin_port);
    }
    /// True for 127.0.0.0/8, where connections can leave from any address of that network.
    [[nodiscard]] bool is_ipv4_loopback() const noexcept {
        return family() == AF_INET && (ntohl(v4_.sin_addr.s_addr) >> 24U) == 127;
    }
    /// "127.0.0.1" or "::1"
    [[nodiscard]] std::string host() const;

private:
    union {
        sockaddr any_;
        sockaddr_in v4_;
        sockaddr_in6 v6_{};
    };
};

}  // namespace ringcast::bench

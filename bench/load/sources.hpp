#pragma once
// The addresses that connections leave from, in turn: to one address and port of a server, one
// source address has only some 28,000 ports.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "error.hpp"
#include "socket_address.hpp"
#include "url.hpp"

namespace ringcast::bench {

class Sources {
public:
    /// Of `addresses`, of the server's family each. Without any: some of 127.0.0.0/8 if the server
    /// is there, else what the kernel chooses.
    [[nodiscard]] static Expected<Sources> create(std::span<const std::string> addresses,
                                                  const Url& url);

    /// The address of the next connection; nothing if the kernel chooses.
    [[nodiscard]] std::optional<SocketAddress> next() noexcept;
    /// Fails if the addresses have too few ports for so many connections at a time.
    [[nodiscard]] Expected<void> check_ports(std::uint64_t connections,
                                             std::uint64_t ports_per_address) const;

private:
    std::vector<SocketAddress> addresses_;
    std::size_t next_ = 0;
};

/// Ports that the kernel gives to connections from one address.
[[nodiscard]] std::uint64_t ephemeral_port_count();

}  // namespace ringcast::bench

#pragma once
// Everything that one server listens on: the clients' addresses and the admins'.

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

#include "ringcast/settings.hpp"
#include "server/listening.hpp"
#include "shard/log.hpp"

namespace ringcast::server {

/// Opened once, by the server's thread; the shards borrow the descriptors.
class Listeners {
public:
    /// Opens `listen` and `admin_listen` for each of `settings.shards`; warns in `log` of admin
    /// listeners that others can reach. The error is one sentence; what was open by then stays so.
    [[nodiscard]] std::expected<void, std::string> open(const Settings& settings,
                                                        shard::LogQueue& log);

    [[nodiscard]] std::vector<int> descriptors_of(std::size_t shard) const;
    /// Those at `wss://`, which are not among the others.
    [[nodiscard]] std::vector<int> tls_descriptors_of(std::size_t shard) const;
    [[nodiscard]] std::vector<int> admin_descriptors_of(std::size_t shard) const;

    /// With the ports that the kernel chose.
    [[nodiscard]] std::vector<std::string> urls() const;
    [[nodiscard]] std::vector<std::string> admin_urls() const;

    /// Frees the paths of Unix sockets for a successor.
    void remove_files() noexcept;
    void remove_admin_files() noexcept;

private:
    std::vector<Listening> listening_;
    std::vector<Listening> admin_listening_;
};

}  // namespace ringcast::server

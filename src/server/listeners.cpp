#include "server/listeners.hpp"

#include <functional>
#include <span>
#include <utility>

namespace ringcast::server {

namespace {

template <class Predicate>
std::vector<int> descriptors(std::span<const Listening> all, std::size_t shard,
                             Predicate predicate) {
    std::vector<int> result;
    for (const Listening& listening : all) {
        if (std::invoke(predicate, listening)) result.push_back(listening.descriptor_of(shard));
    }
    return result;
}

std::vector<std::string> urls_of(std::span<const Listening> all) {
    std::vector<std::string> result;
    for (const Listening& listening : all) result.push_back(listening.url());
    return result;
}

}  // namespace

std::expected<void, std::string> Listeners::open(const Settings& settings, shard::LogQueue& log) {
    const ring::ListenOptions options{.backlog = settings.listen_backlog,
                                      .user_timeout = settings.tcp_user_timeout};
    for (const std::string& url : settings.listen) {
        auto listening = open_listener(url, ring::websocket_schemes, settings.shards, options);
        if (!listening) return std::unexpected{std::move(listening.error())};
        listening_.push_back(std::move(*listening));
    }
    for (const std::string& url : settings.admin_listen) {
        auto listening = open_listener(url, ring::http_schemes, settings.shards, options);
        if (!listening) return std::unexpected{std::move(listening.error())};
        if (!listening->address.is_loopback()) {
            log.warn("admin_listener_exposed")
                .field("url", listening->url())
                .field("advice", "whoever reaches it can publish: listen on 127.0.0.1 or [::1]");
        }
        admin_listening_.push_back(std::move(*listening));
    }
    return {};
}

std::vector<int> Listeners::descriptors_of(std::size_t shard) const {
    return descriptors(listening_, shard, std::not_fn(&Listening::is_tls));
}

std::vector<int> Listeners::tls_descriptors_of(std::size_t shard) const {
    return descriptors(listening_, shard, &Listening::is_tls);
}

std::vector<int> Listeners::admin_descriptors_of(std::size_t shard) const {
    return descriptors(admin_listening_, shard, [](const Listening&) { return true; });
}

std::vector<std::string> Listeners::urls() const {
    return urls_of(listening_);
}

std::vector<std::string> Listeners::admin_urls() const {
    return urls_of(admin_listening_);
}

void Listeners::remove_files() noexcept {
    for (Listening& listening : listening_) listening.remove_file();
}

void Listeners::remove_admin_files() noexcept {
    for (Listening& listening : admin_listening_) listening.remove_file();
}

}  // namespace ringcast::server

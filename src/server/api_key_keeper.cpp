#include "server/api_key_keeper.hpp"

#include <utility>

#include "ring/clock.hpp"

namespace ringcast::server {

ApiKeyKeeper::ApiKeyKeeper(std::string path, shard::LogQueue& log)
    : path_{std::move(path)}, log_{log} {}

std::expected<ApiKeys, std::string> ApiKeyKeeper::load() const {
    return ApiKeys::load(path_);
}

void ApiKeyKeeper::start(Publish publish) {
    const std::lock_guard lock{mutex_};
    publish_ = std::move(publish);
    if (std::exchange(is_reload_asked_, false)) read_again();
}

void ApiKeyKeeper::reload() {
    const std::lock_guard lock{mutex_};
    if (publish_) return read_again();
    is_reload_asked_ = true;
}

/// With the mutex held.
void ApiKeyKeeper::read_again() {
    const auto loaded = load();
    log_.set_now(ring::read_clock());
    if (!loaded) {
        log_.error("api_keys_reload_failed")
            .field("reason", loaded.error())
            .field("advice", "the keys read before stay in use");
        return;
    }
    publish_(*loaded);
    log_.info("api_keys_reloaded").field("keys", loaded->count());
}

}  // namespace ringcast::server

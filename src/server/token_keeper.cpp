#include "server/token_keeper.hpp"

#include <utility>

#include "ring/clock.hpp"
#include "server/token_files.hpp"

namespace ringcast::server {

TokenKeeper::TokenKeeper(TokenSettings settings, shard::LogQueue& log)
    : settings_{std::move(settings)}, log_{log} {}

std::expected<shard::TokenMaterial, std::string> TokenKeeper::load() {
    const std::lock_guard lock{mutex_};
    auto loaded = load_token_keys(settings_);
    if (!loaded) return std::unexpected{std::move(loaded.error())};
    log_warnings(*loaded);
    return material_of(std::move(*loaded));
}

void TokenKeeper::start(Publish publish) {
    const std::lock_guard lock{mutex_};
    publish_ = std::move(publish);
    if (std::exchange(is_reload_asked_, false)) read_again();
}

void TokenKeeper::reload() {
    const std::lock_guard lock{mutex_};
    if (publish_) return read_again();
    is_reload_asked_ = true;
}

/// With the mutex held.
void TokenKeeper::read_again() {
    auto loaded = load_token_keys(settings_);
    if (!loaded) {
        log()
            .error("token_reload_failed")
            .field("reason", loaded.error())
            .field("advice", "the keys read before stay in use");
        return;
    }
    log_warnings(*loaded);
    const std::size_t keys_count = loaded->keys.size();
    publish_(material_of(std::move(*loaded)));
    log().info("tokens_reloaded").field("keys", keys_count);
}

shard::TokenMaterial TokenKeeper::material_of(auth::LoadedKeys loaded) const {
    return {.keys = std::move(loaded.keys),
            .rules = token_rules(settings_),
            .places = token_places(settings_)};
}

void TokenKeeper::log_warnings(const auth::LoadedKeys& loaded) {
    for (const std::string& warning : loaded.warnings)
        log().warn("token_key_skipped").field("reason", warning);
}

shard::LogQueue& TokenKeeper::log() noexcept {
    log_.set_now(ring::read_clock());
    return log_;
}

}  // namespace ringcast::server

#include "server/tls_keeper.hpp"

#include <pthread.h>
#include <utility>

#include "ring/clock.hpp"
#include "server/entropy.hpp"
#include "server/start_thread.hpp"
#include "server/tls_files.hpp"

namespace ringcast::server {

TlsKeeper::TlsKeeper(TlsSettings settings, shard::LogQueue& log)
    : settings_{std::move(settings)}, log_{log} {}

std::expected<void, std::string> TlsKeeper::load() {
    auto loaded = load_tls(settings_);
    if (!loaded) return std::unexpected{std::move(loaded.error())};
    log_warnings(*loaded);
    material_.emplace(std::move(loaded->context),
                      tls::TicketKeys{ring::read_clock(), &fill_random});
    return {};
}

std::expected<void, std::string> TlsKeeper::start(Publish publish) {
    publish_ = std::move(publish);
    auto thread = start_thread([this] { run(); });
    if (!thread) return std::unexpected{"TLS: " + thread.error()};
    thread_ = std::move(*thread);
    return {};
}

void TlsKeeper::reload() noexcept {
    const std::lock_guard lock{mutex_};
    is_reload_asked_ = true;
    changed_.notify_one();
}

void TlsKeeper::stop() noexcept {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{mutex_};
        is_stopping_ = true;
        changed_.notify_one();
    }
    thread_.join();
}

void TlsKeeper::run() {
    pthread_setname_np(pthread_self(), "tls-keeper");
    const Duration interval = settings_.ticket_lifetime / 2;
    std::unique_lock lock{mutex_};
    while (!is_stopping_) {
        const Instant rotate_at = material_->ticket_keys.rotated_at() + interval;
        changed_.wait_for(lock, ring::remaining_wait(rotate_at),
                          [this] { return is_stopping_ || is_reload_asked_; });
        const bool is_reload_asked = std::exchange(is_reload_asked_, false);
        lock.unlock();
        if (is_reload_asked) reload_files();
        if (const Instant now = ring::read_clock(); now >= rotate_at) {
            material_->ticket_keys.rotate(now);
            publish_(*material_);
        }
        lock.lock();
    }
}

void TlsKeeper::reload_files() {
    auto loaded = load_tls(settings_);
    if (!loaded) {
        log()
            .error("tls_reload_failed")
            .field("reason", loaded.error())
            .field("advice", "the certificates read before stay in use");
        return;
    }
    log_warnings(*loaded);
    material_->context = std::move(loaded->context);
    publish_(*material_);
    log()
        .info("tls_reloaded")
        .field("expires_at", material_->context.expires_at().time_since_epoch().count());
}

void TlsKeeper::log_warnings(const tls::LoadedContext& loaded) {
    for (const std::string& warning : loaded.warnings)
        log().warn("tls_certificate_expired").field("reason", warning);
}

shard::LogQueue& TlsKeeper::log() noexcept {
    log_.set_now(ring::read_clock());
    return log_;
}

}  // namespace ringcast::server

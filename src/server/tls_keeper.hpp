#pragma once
// Keeps what TLS listeners show and seal tickets with up to date, on a thread of its own: ticket
// keys are rotated by the clock, certificates are read again when somebody asks for it.

#include <condition_variable>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ringcast/tls.hpp"
#include "shard/log.hpp"
#include "shard/secure.hpp"

namespace ringcast::server {

/// Life: made, load(), start(), stop(); by the server's thread. reload() from any.
class TlsKeeper {
public:
    /// Called on the keeper's thread with what is in force from now on, on all shards.
    using Publish = std::function<void(const shard::TlsMaterial&)>;

    /// `log` is the keeper's alone and outlives it.
    TlsKeeper(TlsSettings settings, shard::LogQueue& log);
    ~TlsKeeper() { stop(); }
    TlsKeeper(const TlsKeeper&) = delete;
    TlsKeeper& operator=(const TlsKeeper&) = delete;

    /// Reads the files and draws the first keys. The error is one sentence that names the file.
    [[nodiscard]] std::expected<void, std::string> load();
    /// Behind load().
    [[nodiscard]] const shard::TlsMaterial& material() const noexcept { return *material_; }
    [[nodiscard]] std::expected<void, std::string> start(Publish publish);
    /// Reads the files again, soon. What they hold is checked first: if it is of no use, that is
    /// logged, and what was in force stays so. Any thread.
    void reload() noexcept;
    /// Publishes nothing from then on. Does nothing if it has not begun.
    void stop() noexcept;

private:
    void run();
    void reload_files();
    void log_warnings(const tls::LoadedContext& loaded);
    [[nodiscard]] shard::LogQueue& log() noexcept;

    const TlsSettings settings_;
    shard::LogQueue& log_;
    std::optional<shard::TlsMaterial> material_;  // From start() on the thread's.
    Publish publish_;
    std::mutex mutex_;  // Guards the two flags.
    std::condition_variable changed_;
    bool is_reload_asked_ = false;
    bool is_stopping_ = false;
    std::thread thread_;  // Uses everything above.
};

}  // namespace ringcast::server

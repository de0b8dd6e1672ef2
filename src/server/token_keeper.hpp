#pragma once
// Keeps what clients' tokens are checked with up to date: the files are read again when somebody
// asks for it. Unlike with TLS nothing changes by itself, so this needs no thread: whoever asks
// reads them.

#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "ringcast/tokens.hpp"
#include "shard/log.hpp"
#include "shard/tokens.hpp"

namespace ringcast::server {

/// Life: made, load(), start(); by the server's thread. reload() from any.
class TokenKeeper {
public:
    /// Called by whoever calls reload(), with what is in force from now on, on all shards.
    using Publish = std::function<void(const shard::TokenMaterial&)>;

    /// `log` is the keeper's alone and outlives it.
    TokenKeeper(TokenSettings settings, shard::LogQueue& log);
    TokenKeeper(const TokenKeeper&) = delete;
    TokenKeeper& operator=(const TokenKeeper&) = delete;

    /// Reads the files. The error is one sentence that names the file.
    [[nodiscard]] std::expected<shard::TokenMaterial, std::string> load();
    /// Behind load(), once the shards have what that returned. What was asked for meanwhile is done
    /// now.
    void start(Publish publish);
    /// Reads the files again. What they hold is checked first: if it is of no use, that is logged,
    /// and what was in force stays so. Any thread.
    void reload();

private:
    void log_warnings(const auth::LoadedKeys& loaded);
    [[nodiscard]] shard::LogQueue& log() noexcept;
    [[nodiscard]] shard::TokenMaterial material_of(auth::LoadedKeys loaded) const;
    void read_again();

    const TokenSettings settings_;
    std::mutex mutex_;  // Guards everything below: one reads and publishes at a time.
    shard::LogQueue& log_;
    Publish publish_;
    bool is_reload_asked_ = false;  // Before start().
};

}  // namespace ringcast::server

#pragma once
// Keeps the keys of the server API up to date: the file is read again when somebody asks for it, as
// the files of token_keeper.hpp are.

#include <expected>
#include <functional>
#include <mutex>
#include <string>

#include "server/api_keys.hpp"
#include "shard/log.hpp"

namespace ringcast::server {

/// Life: made, load(), start(); by the server's thread. reload() from any.
class ApiKeyKeeper {
public:
    /// Called by whoever calls reload(), with what is in force from now on, on all shards.
    using Publish = std::function<void(const ApiKeys&)>;

    /// `log` is the keeper's alone and outlives it.
    ApiKeyKeeper(std::string path, shard::LogQueue& log);
    ApiKeyKeeper(const ApiKeyKeeper&) = delete;
    ApiKeyKeeper& operator=(const ApiKeyKeeper&) = delete;

    /// Reads the file. The error is one sentence that names it.
    [[nodiscard]] std::expected<ApiKeys, std::string> load() const;
    /// Behind load(), once the shards have what that returned. What was asked for meanwhile is done
    /// now.
    void start(Publish publish);
    /// Reads the file again. If that is of no use, this is logged, and the keys before stay in
    /// force. Any thread.
    void reload();

private:
    void read_again();

    const std::string path_;
    std::mutex mutex_;  // Guards everything below: one reads and publishes at a time.
    shard::LogQueue& log_;
    Publish publish_;
    bool is_reload_asked_ = false;  // Before start().
};

}  // namespace ringcast::server

#pragma once
// One shard on its thread: makes the ring and the handlers there, turns the loop, and ends when the
// shard has finished.

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ring/make_ring.hpp"
#include "shard/client_limits.hpp"
#include "shard/inbox.hpp"
#include "shard/log.hpp"
#include "shard/mesh.hpp"
#include "shard/metrics.hpp"
#include "shard/router.hpp"
#include "shard/secure.hpp"
#include "shard/settings.hpp"
#include "shard/tokens.hpp"

namespace ringcast::server {

/// What a shard's thread needs to begin. The descriptors are borrowed and outlive the thread.
struct ShardPlan {
    shard::Settings settings;
    ring::Backend backend = ring::Backend::epoll;
    ring::Options ring;
    std::vector<int> listeners;
    std::vector<int> tls_listeners;
    std::vector<int> admin_listeners;
    std::optional<shard::TlsMaterial> tls;         ///< If there are TLS listeners.
    std::optional<shard::TokenMaterial> tokens;    ///< If there are keys for tokens.
    std::optional<std::uint32_t> cpu;              ///< Where the thread stays, if anywhere.
    shard::Mesh* mesh = nullptr;                   ///< Between the shards; outlives the thread.
    shard::ClientLimits* client_limits = nullptr;  ///< Of all shards; outlives the thread.
    std::function<shard::Router()>
        make_router;  ///< Called on the thread; may throw what a handler's constructor throws.
    std::function<shard::Router()> make_admin_router;  ///< Likewise, if there are admin listeners.
    shard::Metrics* metrics = nullptr;                 ///< Outlives the thread.
};

/// How the threads tell of a shard whose state has changed.
struct ShardEvents {
    std::mutex mutex;
    std::condition_variable changed;   ///< For one waiting thread.
    std::function<void()> on_changed;  ///< Called on the shard's thread, with the mutex held.
};

/// Made and joined by the server's thread.
class ShardThread {
public:
    /// Starts the thread; if there can be none, the state is `failed`. `events` is told when
    /// state() changes later; it and `log` outlive this. With ShardEvents::mutex held.
    ShardThread(ShardPlan plan, shard::LogQueue& log, ShardEvents& events);
    /// The thread must have ended or be about to: joins it.
    ~ShardThread();
    ShardThread(const ShardThread&) = delete;
    ShardThread& operator=(const ShardThread&) = delete;

    /// In the order in which they are reached. `drained`: only admin listeners are still served.
    enum class State : std::uint8_t { starting, serving, drained, failed, ended };
    /// With ShardEvents::mutex held.
    [[nodiscard]] State state() const noexcept { return state_; }
    /// Why it failed. With ShardEvents::mutex held.
    [[nodiscard]] const std::string& error() const noexcept { return error_; }

    /// Posts a note to the shard; does nothing once it has ended. Any thread, with
    /// ShardEvents::mutex held.
    void post(shard::Note::Kind kind, CloseCode code = CloseCode::going_away) noexcept;
    void post(std::unique_ptr<shard::Note> note) noexcept;

private:
    void run();
    [[nodiscard]] std::expected<void, std::string> serve();
    void set(State state, std::string error = {});

    ShardPlan plan_;
    shard::LogQueue& log_;
    ShardEvents& events_;
    // Guarded by ShardEvents::mutex from here to the thread.
    State state_ = State::starting;
    std::string error_;
    std::thread thread_;  // Uses everything above. Joinable, unless it could not be started.
};

}  // namespace ringcast::server

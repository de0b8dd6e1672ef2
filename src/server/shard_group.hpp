#pragma once
// The shards of one server together: their threads, the mesh between them, the figures that they
// publish, and the order in which they begin and end.

#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hub/topic_namespaces.hpp"
#include "ringcast/close_code.hpp"
#include "ringcast/topics.hpp"
#include "server/shard_thread.hpp"
#include "server/signals.hpp"
#include "shard/log.hpp"
#include "shard/mesh.hpp"
#include "shard/metrics.hpp"

namespace ringcast::server {

/// Empty until start(), which the server's thread calls at most once. stop() may come before that,
/// and from any thread. Once there are shards, end() has to be called.
class ShardGroup {
public:
    ShardGroup() {
        events_.on_changed = [this] { end_admin_if_drained(); };
    }
    ShardGroup(const ShardGroup&) = delete;
    ShardGroup& operator=(const ShardGroup&) = delete;

    /// Makes the mesh of `mesh_bytes` and one shard per plan, whose `mesh` and `metrics` it fills
    /// in, with the log of the same place; returns when all of them serve. The error, one sentence,
    /// is of a shard that cannot; the others may serve already. The logs outlive this.
    [[nodiscard]] std::expected<void, std::string> start(std::vector<ShardPlan> plans,
                                                         std::span<shard::LogQueue* const> logs,
                                                         std::uint64_t mesh_bytes);

    /// Begins an orderly stop; only the first call counts. Any thread.
    void stop(CloseCode code);
    /// `signals`, or nobody any more, is woken by stop(); at once, if it was called already.
    void wake_at_stop(SignalWaiter* signals);
    void wait_for_stop();
    /// Behind wait_for_stop(): waits until all shards have ended. What is left when `timeout` has
    /// passed since stop() is cut.
    void end(Duration timeout);

    /// What TLS connections get from now on, on all shards. Any thread.
    void set_tls(const shard::TlsMaterial& material);

    /// What tokens are checked with from now on, on all shards. Any thread.
    void set_tokens(const shard::TokenMaterial& material);
    /// Each shard runs `task` in its next turn.
    void run_on_each(const shard::Task& task);

    /// `closed` if there are no shards yet. `namespaces` are copied. Any thread.
    [[nodiscard]] Publisher make_publisher(const hub::TopicNamespaces& namespaces);

    /// Of each shard. Any thread.
    [[nodiscard]] std::vector<shard::Metrics> metrics() const;
    /// The same on a shard's thread, which never locks.
    [[nodiscard]] std::vector<shard::Metrics> metrics_on_shard() const;

private:
    /// The first stop().
    struct StopRequest {
        CloseCode code;
        std::chrono::steady_clock::time_point time;
    };

    void end_admin_if_drained() noexcept;
    void tell(shard::Note::Kind kind, CloseCode code = CloseCode::going_away) noexcept;
    [[nodiscard]] bool have_reached(ShardThread::State state) const noexcept;

    // Its mutex guards all of this, except for the metrics when they are read by shards.
    mutable ShardEvents events_;
    std::optional<StopRequest> stop_request_;
    SignalWaiter* signals_ = nullptr;
    std::optional<shard::Mesh> mesh_;
    std::uint32_t publishers_count_ = 0;
    bool is_admin_ended_ = false;
    // One per shard, all made before the first thread starts: any of them may read all.
    std::deque<shard::Metrics> metrics_;
    std::deque<ShardThread> shards_;  // Last: the threads use everything above.
};

}  // namespace ringcast::server

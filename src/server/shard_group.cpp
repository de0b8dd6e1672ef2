#include "server/shard_group.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "api/publisher.hpp"
#include "base/assert.hpp"

namespace ringcast::server {

namespace {

/// The lane of one publisher. A quarter of it is the longest publication.
constexpr std::size_t publisher_lane_bytes = 1 << 20;
static_assert(Publisher::message_bytes_max + 1024 < publisher_lane_bytes / 4);

}  // namespace

std::expected<void, std::string> ShardGroup::start(std::vector<ShardPlan> plans,
                                                   std::span<shard::LogQueue* const> logs,
                                                   std::uint64_t mesh_bytes) {
    RC_ASSERT(plans.size() == logs.size());
    // At any time, and from the first thread on in a handler, somebody may call stop() or
    // metrics(), which go through all shards.
    std::unique_lock lock{events_.mutex};
    RC_ASSERT(!mesh_);
    mesh_.emplace(static_cast<std::uint32_t>(plans.size()), mesh_bytes);
    for (ShardPlan& plan : plans) {
        plan.mesh = &*mesh_;
        plan.metrics = &metrics_.emplace_back();
    }
    for (std::size_t i = 0; i < plans.size(); ++i)
        shards_.emplace_back(std::move(plans[i]), *logs[i], events_);
    events_.changed.wait(lock, [&] {
        return std::ranges::none_of(shards_, [](const auto& shard) {
            return shard.state() == ShardThread::State::starting;
        });
    });
    for (const ShardThread& shard : shards_) {
        if (shard.state() == ShardThread::State::failed) return std::unexpected{shard.error()};
    }
    // A handler may have stopped the server already, before the last shard could be told.
    if (stop_request_) tell(shard::Note::Kind::shutdown, stop_request_->code);
    return {};
}

void ShardGroup::stop(CloseCode code) {
    const std::lock_guard lock{events_.mutex};
    if (stop_request_) return;
    stop_request_ = {.code = code, .time = std::chrono::steady_clock::now()};
    tell(shard::Note::Kind::shutdown, code);
    events_.changed.notify_all();
    if (signals_ != nullptr) signals_->wake();
}

void ShardGroup::wake_at_stop(SignalWaiter* signals) {
    const std::lock_guard lock{events_.mutex};
    signals_ = signals;
    if (signals != nullptr && stop_request_) signals->wake();
}

void ShardGroup::wait_for_stop() {
    std::unique_lock lock{events_.mutex};
    events_.changed.wait(lock, [&] { return stop_request_.has_value(); });
}

void ShardGroup::end(Duration timeout) {
    std::unique_lock lock{events_.mutex};
    RC_ASSERT(stop_request_);
    const auto cut_time = stop_request_->time + timeout;
    const auto have_ended = [&] { return have_reached(ShardThread::State::failed); };
    if (events_.changed.wait_until(lock, cut_time, have_ended)) return;
    tell(shard::Note::Kind::terminate);
    events_.changed.wait(lock, have_ended);
}

/// Whoever asks an admin listener is told "draining" until no shard has a client any more. With the
/// mutex held.
void ShardGroup::end_admin_if_drained() noexcept {
    if (is_admin_ended_ || !have_reached(ShardThread::State::drained)) return;
    is_admin_ended_ = true;
    tell(shard::Note::Kind::end_admin);
}

/// With the mutex held.
void ShardGroup::tell(shard::Note::Kind kind, CloseCode code) noexcept {
    for (ShardThread& shard : shards_) shard.post(kind, code);
}

/// With the mutex held. True of no shards.
bool ShardGroup::have_reached(ShardThread::State state) const noexcept {
    return std::ranges::all_of(shards_,
                               [state](const auto& shard) { return shard.state() >= state; });
}

void ShardGroup::set_tls(const shard::TlsMaterial& material) {
    const std::lock_guard lock{events_.mutex};
    for (ShardThread& shard : shards_) {
        auto note = std::make_unique<shard::Note>();
        note->kind = shard::Note::Kind::tls;
        note->tls = std::make_unique<shard::TlsMaterial>(material);
        shard.post(std::move(note));
    }
}

void ShardGroup::set_tokens(const shard::TokenMaterial& material) {
    const std::lock_guard lock{events_.mutex};
    for (ShardThread& shard : shards_) {
        auto note = std::make_unique<shard::Note>();
        note->kind = shard::Note::Kind::tokens;
        note->tokens = std::make_unique<shard::TokenMaterial>(material);
        shard.post(std::move(note));
    }
}

void ShardGroup::run_on_each(const shard::Task& task) {
    const std::lock_guard lock{events_.mutex};
    for (ShardThread& shard : shards_) {
        auto note = std::make_unique<shard::Note>();
        note->kind = shard::Note::Kind::task;
        note->task = task;
        shard.post(std::move(note));
    }
}

/// Publishers are spread over the shards that carry them.
Publisher ShardGroup::make_publisher(const hub::TopicNamespaces& namespaces) {
    const std::lock_guard lock{events_.mutex};
    if (shards_.empty()) return Publisher{nullptr};
    const std::uint32_t carrier = publishers_count_++ % mesh_->shards();
    auto* const lane = shard::PublisherLane::make(publisher_lane_bytes, mesh_->inbox(carrier),
                                                  std::uint64_t{1} << carrier);
    auto note = std::make_unique<shard::Note>();
    note->kind = shard::Note::Kind::publisher;
    note->publisher = lane;
    lane->acquire();
    if (!mesh_->inbox(carrier).post(std::move(note))) {
        lane->close();
        lane->release();
    }
    return Publisher{new Publisher::Impl{*lane, namespaces}};
}

std::vector<shard::Metrics> ShardGroup::metrics() const {
    const std::lock_guard lock{events_.mutex};
    return metrics_on_shard();
}

std::vector<shard::Metrics> ShardGroup::metrics_on_shard() const {
    return {metrics_.begin(), metrics_.end()};
}

}  // namespace ringcast::server

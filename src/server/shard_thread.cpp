#include "server/shard_thread.hpp"

#include <exception>
#include <pthread.h>
#include <utility>

#include "server/placement.hpp"
#include "server/start_thread.hpp"
#include "shard/shard.hpp"

namespace ringcast::server {

ShardThread::ShardThread(ShardPlan plan, shard::LogQueue& log, ShardEvents& events)
    : plan_{std::move(plan)}, log_{log}, events_{events} {
    auto thread = start_thread([this] { run(); });
    if (thread) {
        thread_ = std::move(*thread);
    } else {
        state_ = State::failed;
        error_ = "shard " + std::to_string(plan_.settings.index) + ": " + thread.error();
    }
}

ShardThread::~ShardThread() {
    if (thread_.joinable()) thread_.join();
}

void ShardThread::post(shard::Note::Kind kind, CloseCode code) noexcept {
    auto note = std::make_unique<shard::Note>();
    note->kind = kind;
    note->code = code;
    post(std::move(note));
}

void ShardThread::post(std::unique_ptr<shard::Note> note) noexcept {
    plan_.mesh->inbox(plan_.settings.index).post(std::move(note));
}

void ShardThread::run() {
    pthread_setname_np(pthread_self(), ("shard-" + std::to_string(plan_.settings.index)).c_str());
    std::expected<void, std::string> result;
    try {
        result = serve();
    } catch (const std::exception& exception) {
        result = std::unexpected{std::string{"a handler's constructor threw: "} + exception.what()};
    } catch (...) {
        result = std::unexpected{std::string{"a handler's constructor threw"}};
    }
    if (result) return set(State::ended);
    set(State::failed, std::move(result.error()));
}

std::expected<void, std::string> ShardThread::serve() {
    if (plan_.cpu) {
        if (auto pinned = pin_this_thread(*plan_.cpu); !pinned) return pinned;
    }
    auto ring = ring::make_ring(plan_.backend, plan_.ring);
    if (!ring) return std::unexpected{std::move(ring.error())};
    shard::Shard shard{**ring,        plan_.settings, plan_.make_router(), log_,
                       plan_.metrics, plan_.mesh,     plan_.client_limits};
    for (const int listener : plan_.listeners) shard.listen(listener);
    if (plan_.tls) shard.set_tls(*plan_.tls);
    for (const int listener : plan_.tls_listeners) shard.listen(listener, shard::Transport::tls);
    if (plan_.tokens) shard.set_tokens(*plan_.tokens);
    if (!plan_.admin_listeners.empty())
        shard.listen_admin(plan_.admin_listeners, plan_.make_admin_router());
    set(State::serving);
    while (!shard.drained()) shard.turn();
    set(State::drained);
    while (!shard.finished()) shard.turn();
    return {};
}

void ShardThread::set(State state, std::string error) {
    const std::lock_guard lock{events_.mutex};
    state_ = state;
    error_ = std::move(error);
    events_.on_changed();
    events_.changed.notify_all();
}

}  // namespace ringcast::server

#include "api/endpoint.hpp"

#include <utility>

#include "api/authentication.hpp"
#include "api/upgrade.hpp"
#include "shard/session.hpp"

namespace ringcast::api {

namespace {

/// Runs a hook for a session, which ends with 1011 if the hook throws.
template <class Hook>
void call_for(shard::Session& session, const char* name, Hook&& hook) noexcept {
    if (!call(session.shard(), name, hook))
        session.close(CloseCode::internal_error, "internal error");
}

detail::SessionCore core_of(shard::Session& session) noexcept {
    return {&session.shard(), &session.connection()};
}

}  // namespace

const void* ApiEndpoint::class_tag() const noexcept {
    return &detail::type_tag<ApiEndpoint>;
}

shard::Verdict HandlerEndpoint::on_upgrade(shard::Upgrade& upgrade) {
    auto client = authenticate(upgrade);
    if (!client) return std::move(client.error());
    Upgrade::Impl impl{.upgrade = upgrade};
    if (*client) {
        impl.user = &(*client)->user;
        impl.subprotocol = (*client)->subprotocol;
    }
    opening_user_ = *client ? (*client)->user.name : std::string{};
    Upgrade view{impl};
    detail::Handler::Decision decision = Rejection{.status = 500, .body = "internal error\n"};
    call(upgrade.session.shard(), "on_upgrade", [&] { decision = handler_->on_upgrade(view); });
    if (auto* state = std::get_if<detail::ErasedState>(&decision)) {
        return admitted(std::move(*state), std::move(impl));
    }
    if (auto* rejection = std::get_if<Rejection>(&decision)) return refused(std::move(*rejection));
    // A handler that says `pending` and has no ticket could never decide: that is an error of the
    // handler's.
    if (!impl.deferred) return refused({.status = 500, .body = "internal error\n"});
    shard::Verdict verdict;
    verdict.kind = shard::Verdict::Kind::pending;
    if (!opening_user_.empty()) {
        verdict.state = {new std::string{std::move(opening_user_)},
                         [](void* user) noexcept { delete static_cast<std::string*>(user); }};
    }
    return verdict;
}

shard::Verdict HandlerEndpoint::on_late_verdict(shard::Verdict late, shard::Verdict pending) {
    auto* const user = static_cast<std::string*>(pending.state.get());
    opening_user_ = user != nullptr ? std::move(*user) : std::string{};
    return late;
}

void HandlerEndpoint::on_open(shard::Session& session) {
    if (!opening_user_.empty()) {
        count_user(opening_user_);
        session_users_.emplace(session.id().slot, std::exchange(opening_user_, {}));
    }
    call_for(session, "on_open", [&] { handler_->on_open(core_of(session)); });
}

void HandlerEndpoint::on_message(shard::Session session, std::string_view payload,
                                 MessageKind kind) {
    call_for(session, "on_message", [&] { handler_->on_message(core_of(session), payload, kind); });
}

/// Comes where a handler may not be called, since it may do anything: noted for later.
void HandlerEndpoint::on_skipped(shard::Session& session, std::uint64_t count) {
    skipped_[session.id().slot] += count;
}

/// False if the session is not open any more, be it that the handler has closed it just now.
bool HandlerEndpoint::tell_skipped(shard::Session& session) {
    if (const auto entry = skipped_.extract(session.id().slot)) {
        call_for(session, "on_skipped",
                 [&] { handler_->on_skipped(core_of(session), entry.mapped()); });
    }
    return session.connection().phase == shard::Phase::open;
}

void HandlerEndpoint::on_drain(shard::Session& session) {
    if (!tell_skipped(session)) return;
    call_for(session, "on_drain", [&] { handler_->on_drain(core_of(session)); });
}

void HandlerEndpoint::on_close(shard::Session& session, CloseCode code, std::string_view reason) {
    (void)tell_skipped(session);
    if (const auto entry = session_users_.extract(session.id().slot)) discount_user(entry.mapped());
    call(session.shard(), "on_close", [&] { handler_->on_close(core_of(session), code, reason); });
}

std::string_view HandlerEndpoint::user_of(const shard::Session& session) const {
    const auto found = session_users_.find(session.id().slot);
    return found != session_users_.end() ? found->second : std::string_view{};
}

void HandlerEndpoint::on_tick(shard::Shard& shard) {
    call(shard, "on_tick", [&] { handler_->on_tick(ringcast::Shard{&shard}); });
}

}  // namespace ringcast::api

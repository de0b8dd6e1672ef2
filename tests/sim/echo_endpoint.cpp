#include "sim/echo_endpoint.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "base/assert.hpp"
#include "shard/shard.hpp"
#include "sim/network.hpp"
#include "sim/notice.hpp"

namespace ringcast::sim {

namespace {

Admission& admission_of(const shard::Session& session) {
    return *static_cast<Admission*>(session.state());
}

}  // namespace

shard::Verdict EchoEndpoint::on_upgrade(shard::Upgrade& upgrade) {
    Admission& admission = ledger_.admissions.emplace_back();
    admission.client = Network::client_at(upgrade.session.peer_address());
    admission.session = upgrade.session.id();
    if (!draw(settings_.pending_odds)) return decide(admission);
    if (draw(settings_.silent_odds)) {
        admission.is_silent = true;
        admission.status = 503;  // The handshake's timeout.
    } else {
        ledger_.pending.push_back(&admission);
    }
    return {.kind = shard::Verdict::Kind::pending};
}

shard::Verdict EchoEndpoint::decide(Admission& admission) {
    if (draw(settings_.refuse_odds)) {
        constexpr std::uint16_t statuses[] = {400, 401, 403, 404, 429, 500, 503, 599};
        const std::uint16_t status = statuses[prng_.below(std::size(statuses))];
        admission.status = status;
        return {.kind = shard::Verdict::Kind::refuse, .status = status, .body = "not you\n"};
    }
    admission.status = 101;
    admission.has_state = true;
    return {.state = {&admission, [](void* state) noexcept {
                          static_cast<Admission*>(state)->has_state = false;
                      }}};
}

void EchoEndpoint::on_open(shard::Session& session) {
    Admission& admission = admission_of(session);
    ++admission.opened;
    if (ledger_.turns != nullptr) ledger_.turns->on_open(admission.client);
}

void EchoEndpoint::on_message(shard::Session session, std::string_view payload, MessageKind kind) {
    if (ledger_.turns != nullptr)
        ledger_.turns->on_message(admission_of(session).client, payload.size());
    if (!settings_.defers_echoes) return echo(session, payload, kind);
    deferred_.push_back({session.id(), std::string{payload}, kind});
}

void EchoEndpoint::echo(shard::Session& session, std::string_view payload, MessageKind kind) {
    Admission& admission = admission_of(session);
    RC_ASSERT(admission.is_open());
    switch (session.send(payload, kind)) {
        case SendStatus::accepted: return;
        case SendStatus::behind: admission.is_behind = true; return;
        case SendStatus::dropped:
            // Only what the client did not ask for can have filled its queue so far: its input
            // waits while replies do.
            RC_ASSERT(settings_.notices_max > 0 || settings_.defers_echoes);
            admission.is_behind = true;
            ++admission.drops;
            return session.close(CloseCode::try_again_later, "too slow");
        case SendStatus::closed: RC_ASSERT(false && "a message of a session that is closed");
    }
}

void EchoEndpoint::on_drain(shard::Session& session) {
    Admission& admission = admission_of(session);
    RC_ASSERT(admission.is_open());
    RC_ASSERT(admission.is_behind);
    admission.is_behind = false;
}

void EchoEndpoint::on_close(shard::Session& session, CloseCode, std::string_view) {
    Admission& admission = admission_of(session);
    ++admission.closed;
    if (ledger_.turns != nullptr) ledger_.turns->on_close(admission.client);
}

void EchoEndpoint::on_tick(shard::Shard& shard) {
    for (const Deferred& each : std::exchange(deferred_, {})) {
        std::optional<shard::Session> session = shard.find(each.session);
        if (session) echo(*session, each.payload, each.kind);
    }
    for (Admission& admission : ledger_.admissions) {
        std::optional<shard::Session> session = shard.find(admission.session);
        const bool is_found = session && session->state() == &admission;
        RC_ASSERT(is_found == admission.is_open());
        if (!is_found) continue;
        const std::uint64_t left = settings_.notices_max - admission.notices;
        for (std::uint64_t i = std::min(left, settings_.notices_per_tick); i > 0; --i)
            send_notice(*session, admission);
    }
}

void EchoEndpoint::send_notice(shard::Session& session, Admission& admission) {
    const std::string payload = notice_payload(admission.notices, settings_.notice_bytes);
    switch (session.send({.payload = payload, .kind = MessageKind::binary})) {
        case SendStatus::behind: admission.is_behind = true; [[fallthrough]];
        case SendStatus::accepted: ++admission.notices; return;
        case SendStatus::dropped:
            admission.is_behind = true;
            ++admission.drops;
            return;
        case SendStatus::closed: return;
    }
}

}  // namespace ringcast::sim

#include "sim/centrifuge_application.hpp"

#include <algorithm>
#include <charconv>

#include "http/response.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"

namespace ringcast::sim {

shard::Verdict OverheardCentrifuge::on_upgrade(shard::Upgrade& upgrade) {
    const std::string visit = http::query_parameter(upgrade.request.query, "visit").value_or("");
    std::from_chars(visit.data(), visit.data() + visit.size(), visits[upgrade.session.id().slot]);
    return CentrifugeEndpoint::on_upgrade(upgrade);
}

void OverheardCentrifuge::on_message(shard::Session session, std::string_view payload,
                                     MessageKind kind) {
    drawing_for = visit_of(session);
    CentrifugeEndpoint::on_message(session, payload, kind);
}

void OverheardCentrifuge::on_resume(shard::Session& session) {
    drawing_for = visit_of(session);
    CentrifugeEndpoint::on_resume(session);
}

void OverheardCentrifuge::on_close(shard::Session& session, CloseCode code,
                                   std::string_view reason) {
    stage_.on_gone(visit_of(session));
    CentrifugeEndpoint::on_close(session, code, reason);
}

Instant OverheardCentrifuge::deadline(const shard::Session& session) const {
    if (forgets_ends()) return instant_never;
    return CentrifugeEndpoint::deadline(session);
}

Instant OverheardCentrifuge::expiry(const shard::Session& session) const {
    if (forgets_ends()) return instant_never;
    return CentrifugeEndpoint::expiry(session);
}

CentrifugePolicy OverheardCentrifuge::policy_of(const CentrifugeStage& stage) {
    CentrifugePolicy policy = *stage.scenario.centrifuge;
    if (stage.broken == TopicBreak::forgive_silence) policy.pong_timeout = std::chrono::hours{24};
    if (stage.broken == TopicBreak::open_topics) policy.anonymous = TopicAccess::publish;
    return policy;
}

std::uint32_t OverheardCentrifuge::visit_of(const shard::Session& session) const {
    return visits.at(session.id().slot);
}

/// The visit in front, most significant octet first.
void DrawnVisits::draw(std::span<std::byte> target) const {
    std::ranges::fill(target, std::byte{0});
    for (std::size_t i = 0; i < 4 && i < target.size(); ++i)
        target[i] = static_cast<std::byte>(drawing_for >> (24 - 8 * i));
}

}  // namespace ringcast::sim

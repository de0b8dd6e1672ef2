#pragma once
// What a shard of the simulated server serves at /connection/websocket: a CentrifugeEndpoint as it
// is, with a look at who is gone. Its clients say in the query which visit they are; so the ids
// that it draws for them can say it, too.

#include <cstdint>
#include <map>
#include <span>
#include <string_view>

#include "api/centrifuge_endpoint.hpp"
#include "shard/endpoint.hpp"
#include "sim/centrifuge_conversation.hpp"

namespace ringcast::sim {

/// What is there before the endpoint, which draws as soon as it is made.
struct DrawnVisits {
    void draw(std::span<std::byte> target) const;

    std::uint32_t drawing_for = 0;
    std::map<std::uint32_t, std::uint32_t> visits{};  ///< By the slot of their session.
};

class OverheardCentrifuge final : private DrawnVisits, public api::CentrifugeEndpoint {
public:
    OverheardCentrifuge(const shard::SessionLimits& limits, CentrifugeStage& stage)
        : CentrifugeEndpoint{limits, policy_of(stage),
                             [drawn = static_cast<const DrawnVisits*>(this)](
                                 std::span<std::byte> target) { drawn->draw(target); },
                             "simulated", "node"},
          stage_{stage} {}

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override;
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override;
    void on_resume(shard::Session& session) override;
    [[nodiscard]] Instant deadline(const shard::Session& session) const override;
    [[nodiscard]] Instant expiry(const shard::Session& session) const override;
    void on_close(shard::Session& session, CloseCode code, std::string_view reason) override;

private:
    [[nodiscard]] static CentrifugePolicy policy_of(const CentrifugeStage& stage);
    [[nodiscard]] bool forgets_ends() const noexcept {
        return stage_.broken == TopicBreak::forget_end || stage_.broken == TopicBreak::overstay;
    }
    [[nodiscard]] std::uint32_t visit_of(const shard::Session& session) const;

    CentrifugeStage& stage_;
};

}  // namespace ringcast::sim

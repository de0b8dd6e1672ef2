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

class OverheardCentrifuge final : public shard::Endpoint {
public:
    OverheardCentrifuge(const shard::SessionLimits& limits, CentrifugeStage& stage)
        : Endpoint{limits},
          stage_{stage},
          clients_{limits, policy_of(stage), [this](std::span<std::byte> target) { draw(target); },
                   "simulated", "node"} {}

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override;
    void on_open(shard::Session& session) override { clients_.on_open(session); }
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override;
    void on_resume(shard::Session& session) override;
    void on_close(shard::Session& session, CloseCode code, std::string_view reason) override;

    void on_subscribed(shard::Session& session, const shard::Subscribed& subscribed) override {
        clients_.on_subscribed(session, subscribed);
    }
    void on_subscription_lost(shard::Session& session, std::string_view topic,
                              std::string_view reason) override {
        clients_.on_subscription_lost(session, topic, reason);
    }
    void on_history(shard::Session& session, const shard::HistoryAnswer& answer) override {
        clients_.on_history(session, answer);
    }
    void on_presence(shard::Session& session, const shard::PresenceAnswer& answer) override {
        clients_.on_presence(session, answer);
    }
    [[nodiscard]] Instant deadline(const shard::Session& session) const override {
        return clients_.deadline(session);
    }
    [[nodiscard]] Instant expiry(const shard::Session& session) const override {
        return clients_.expiry(session);
    }
    void on_time(shard::Session& session) override { clients_.on_time(session); }
    void on_drain(shard::Session& session) override { clients_.on_drain(session); }
    void on_held(shard::Session& session, std::string_view message) override {
        clients_.on_held(session, message);
    }
    void on_tick(shard::Shard& shard) override { clients_.on_tick(shard); }
    [[nodiscard]] CloseReason reason_of_slow() const noexcept override {
        return clients_.reason_of_slow();
    }
    [[nodiscard]] CloseReason reason_of_shutdown(CloseCode code) const noexcept override {
        return clients_.reason_of_shutdown(code);
    }

private:
    [[nodiscard]] static CentrifugePolicy policy_of(const CentrifugeStage& stage);
    void draw(std::span<std::byte> target) const;
    [[nodiscard]] std::uint32_t visit_of(const shard::Session& session) const;

    CentrifugeStage& stage_;
    std::uint32_t drawing_for_ = 0;
    std::map<std::uint32_t, std::uint32_t> visits_;  // By the slot of their session.
    api::CentrifugeEndpoint clients_;
};

}  // namespace ringcast::sim

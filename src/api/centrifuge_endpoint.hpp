#pragma once
// Sessions of mount_centrifuge(), over WebSocket or as streams (centrifuge_streams.hpp): clients of
// the Centrifuge protocol. What they may say, and when, is ClientSession's work
// (dialect/centrifuge/client_session.hpp); here is what it asks for: who may do what,
// subscriptions, publications, histories.
//
//   message -> ClientSession -> request -> answered at once, or
//                                  |         held: the session's input waits
//                                  +-> shard -> on_subscribed, on_history -> answered, goes on

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/endpoint.hpp"
#include "api/session_orders.hpp"
#include "api/stream_id.hpp"
#include "api/topic_rules.hpp"
#include "auth/claims.hpp"
#include "base/prng.hpp"
#include "dialect/centrifuge/client_session.hpp"
#include "ringcast/centrifuge.hpp"
#include "shard/endpoint.hpp"
#include "shard/session.hpp"

namespace ringcast::api {

/// How long a token is good for, as clients are told.
struct TimeToLive {
    bool expires = false;
    std::uint32_t seconds = 0;
};

/// One per mounted path and shard.
class CentrifugeEndpoint : public ApiEndpoint {
public:
    /// What clients of its WebSocket say: commands, or nothing behind their connect request.
    enum class Direction : std::uint8_t { both, to_client };

    /// `version`: the server's, as clients are told; in static storage. `node` names this server,
    /// another one each time that it starts.
    CentrifugeEndpoint(const shard::SessionLimits& limits, const CentrifugePolicy& policy,
                       EntropySource entropy, std::string_view version, std::string node,
                       Direction direction = Direction::both);

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override;
    /// About a session that is a stream, with what its client has said so far, and `fields` in any
    /// answer.
    [[nodiscard]] shard::Verdict admit_stream(const shard::Upgrade& upgrade,
                                              shard::Encoding encoding, std::string opening,
                                              std::string_view fields) const;
    /// Commands for a session of any endpoint like this on that shard; `closed` if it is over, or
    /// `secret` is not what its client was told.
    [[nodiscard]] static shard::ReceiveStatus receive(shard::Shard& shard, SlotId session,
                                                      std::string_view secret, std::string commands,
                                                      MessageKind kind);
    void on_open(shard::Session& session) override;
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override;
    void on_subscribed(shard::Session& session, const shard::Subscribed& subscribed) override;
    void on_subscription_lost(shard::Session& session, std::string_view topic,
                              std::string_view reason) override;
    void on_history(shard::Session& session, const shard::HistoryAnswer& answer) override;
    void on_presence(shard::Session& session, const shard::PresenceAnswer& answer) override;
    void on_held(shard::Session& session, std::string_view message) override;
    [[nodiscard]] Instant deadline(const shard::Session& session) const override;
    [[nodiscard]] Instant expiry(const shard::Session& session) const override;
    void on_time(shard::Session& session) override;
    void on_resume(shard::Session& session) override;
    void on_drain(shard::Session&) override {}
    void on_close(shard::Session& session, CloseCode code, std::string_view reason) override;
    void on_tick(shard::Shard&) override {}
    void append_farewell(const shard::Session& session, CloseCode code, std::string_view reason,
                         std::string& content) const override;
    [[nodiscard]] CloseReason reason_of_slow() const noexcept override;
    [[nodiscard]] CloseReason reason_of_shutdown(CloseCode code) const noexcept override;

    [[nodiscard]] const void* state_tag() const noexcept override;

    void carry_out(shard::Shard& shard, const SessionOrder& order, shard::Task done) override;
    [[nodiscard]] std::size_t user_count() const noexcept override { return users_.size(); }

private:
    struct Client;
    struct Admission;
    struct Joining;
    using Session = dialect::centrifuge::ClientSession;
    using Answer = dialect::centrifuge::SessionAnswer;

    [[nodiscard]] static Client& client_of(const shard::Session& session) noexcept;
    [[nodiscard]] shard::Verdict admit(const shard::Upgrade& upgrade, shard::Encoding encoding,
                                       std::string opening, dialect::centrifuge::Pings pings) const;

    void take_message(shard::Session& session, Client& client);
    void take(shard::Session& session, Client& client, std::span<char> message);
    void take_rest(shard::Session& session, Client& client);
    void take_connect(shard::Session& session, Client& client, std::span<char> request);
    /// Serves what the client's session has stopped at. False: its answer comes later.
    [[nodiscard]] bool serve(shard::Session& session, Client& client);
    /// The answer, or nothing if it comes later.
    [[nodiscard]] std::optional<Answer> serve(shard::Session& session, Client& client,
                                              const dialect::centrifuge::SessionRequest& request);
    [[nodiscard]] bool may(const shard::Session& session, const Client& client,
                           std::string_view channel, TopicAction action) const;
    [[nodiscard]] static std::vector<Admission> admissions_of(std::span<const auth::Grant> grants);
    [[nodiscard]] std::optional<Answer> connect(shard::Session& session, Client& client,
                                                const dialect::centrifuge::ConnectRequest& request);
    [[nodiscard]] Answer refresh(shard::Session& session, Client& client,
                                 const dialect::centrifuge::RefreshRequest& request);
    [[nodiscard]] static Answer refresh(shard::Session& session, Client& client,
                                        const dialect::centrifuge::SubRefreshRequest& request);
    [[nodiscard]] static std::expected<TimeToLive, dialect::centrifuge::ErrorCode> admit(
        shard::Session& session, Client& client, std::string_view channel, std::string_view token);
    [[nodiscard]] std::optional<Answer> subscribe(
        shard::Session& session, Client& client,
        const dialect::centrifuge::SubscribeRequest& request);
    [[nodiscard]] std::optional<Answer> publish(shard::Session& session, const Client& client,
                                                const dialect::centrifuge::PublishRequest& request);
    [[nodiscard]] std::optional<Answer> presence(shard::Session& session, const Client& client,
                                                 std::string_view channel,
                                                 shard::PresenceQuery query) const;
    /// Who the client is, in a topic, as others are told: packed. Valid until the next call.
    [[nodiscard]] std::string_view publication_info_in(const Client& client,
                                                       std::string_view channel);
    /// As whom it subscribes; likewise. `asks`: to be told of others.
    /// `admission`: what is known of it there; null: nothing.
    [[nodiscard]] shard::SubscribeAs identity_in(const shard::Session& session,
                                                 const Client& client, std::string_view channel,
                                                 bool asks, const Admission* admission);
    [[nodiscard]] std::optional<Answer> history(
        shard::Session& session, const Client& client,
        const dialect::centrifuge::HistoryRequest& request) const;
    /// What is wrong with a topic that clients name.
    [[nodiscard]] static std::optional<dialect::centrifuge::ErrorCode> fault_of(
        const shard::Session& session, std::string_view channel);
    [[nodiscard]] static shard::SubscribeFrom start_of(
        const shard::Session& session, std::string_view channel,
        const dialect::centrifuge::SubscribeRequest& request);
    [[nodiscard]] dialect::centrifuge::ConnectResult connect_result(const Client& client,
                                                                    const TimeToLive& ttl) const;
    /// `pushes` go out behind it.
    void answer(shard::Session& session, Client& client, const Answer& answer,
                std::string_view pushes = {});
    /// Sends what was said, and ends what is over.
    void flush(shard::Session& session, Client& client);

    // centrifuge_joining.cpp: subscriptions that tokens make.
    [[nodiscard]] std::optional<Answer> join(shard::Session& session, Client& client,
                                             const dialect::centrifuge::ConnectRequest& request,
                                             std::vector<auth::Grant> grants,
                                             const TimeToLive& ttl);
    void on_joined(shard::Session& session, Client& client, const shard::Subscribed& subscribed);
    void finish_joining(shard::Session& session, Client& client);
    void end_joining(shard::Session& session, Client& client, const Answer& why);
    void end_revoked(shard::Session& session, Client& client);

    // session_orders.cpp: what applications want of sessions, and finding these.

    /// An order that is being carried out.
    struct Work {
        SessionOrder order;
        shard::Task done;
        std::vector<SlotId> sessions{};  // Of the user who is named.
        std::size_t next = 0;
        std::uint32_t slots_end = 0;  // Nobody is: all that there are.
        std::uint32_t next_slot = 0;
        bool is_begun = false;                        // On each of them.
        std::uint32_t postponed_count = 0;            // Those that are not connected yet.
        std::unordered_set<std::uint64_t> waiting{};  // Those whose subscription is on its way.
    };
    using Works = std::map<std::uint64_t, Work>;

    void note_user(const shard::Session& session, Client& client);
    void forget_user(const shard::Session& session, Client& client);
    void go_on(shard::Shard& shard, std::uint64_t id);
    void end_if_done(shard::Shard& shard, std::uint64_t id);
    void apply(shard::Session& session, std::uint64_t id);
    void carry_out_postponed(const shard::Session& session, std::span<const std::uint64_t> orders);
    void unsubscribe(shard::Session& session, Client& client, std::string_view channel);
    void refresh(shard::Session& session, Client& client, const RefreshOrder& order);
    [[nodiscard]] bool is_full(const shard::Session& session, std::string_view channel) const;
    [[nodiscard]] static Admission admission_of(const SubscribeOrder& order);
    [[nodiscard]] bool impose(shard::Session& session, Client& client, const SubscribeOrder& order);
    [[nodiscard]] bool on_imposed(shard::Session& session, Client& client,
                                  const shard::Subscribed& subscribed);
    [[nodiscard]] Works::iterator find_work(const shard::Session& session,
                                            std::string_view channel);
    std::vector<std::string> stop_waiting(const shard::Session& session, std::string_view channel);

    const CentrifugePolicy policy_;
    const dialect::centrifuge::SessionSettings settings_;
    const EntropySource entropy_;
    const std::string_view version_;
    const std::string node_;
    const Direction direction_;
    Prng prng_;
    std::string out_;      // What the session under way is sent.
    std::string message_;  // A copy, since it is decoded in place.
    std::string info_;     // Of a client in a topic.
    std::unordered_map<std::string, std::vector<SlotId>> users_;  // Their sessions; of nobody none.
    Works works_;
    std::uint64_t last_work_ = 0;
};

}  // namespace ringcast::api

#pragma once
// One request of the server API on its way: its commands one after the other, each of which may
// have to wait for room towards a topic's home, or for the answers of other shards.
//
//   begin -> run -> complete -----------------------------> take_answer
//             | ^
//             v |  proceed: there may be room, or all shards have answered
//            waits

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/session_orders.hpp"
#include "base/publication.hpp"
#include "base/time.hpp"
#include "dialect/centrifuge/server_api_codec.hpp"
#include "shard/http_exchange.hpp"
#include "shard/presence_query.hpp"
#include "shard/submission.hpp"

namespace ringcast::server {

/// Who answers.
struct ApiNode {
    std::string uid;  ///< Another one for each start.
    double start_time_seconds = 0;
};

/// What all shards say together.
struct ShardFigures {
    std::uint64_t sessions = 0;
    std::uint64_t subscriptions = 0;
    std::uint64_t channels = 0;
    /// Those that were asked for, with their subscribers; one too many if there are too many.
    std::map<std::string, std::uint32_t, std::less<>> subscribers;
};

/// Who is in a topic, as its home knows.
struct Crowd {
    hub::Presence::Stats counts;
    std::string clients;  ///< A shard::ClientList, if that was asked for.
};

/// Belongs to its exchange once that is held. For one shard's thread.
class ApiCall {
public:
    explicit ApiCall(const ApiNode& node) : node_{node} {}

    /// Begins anew, with a request of that method. False if there is no such method.
    [[nodiscard]] bool begin(std::string_view method, std::span<const std::byte> body);
    /// Goes on, for about one share of a turn. True once every command has its result; else what
    /// is waited for brings on proceed().
    [[nodiscard]] bool run(shard::HttpExchange& exchange);
    /// What became of the publication that was handed to its topic's home: then run() goes on.
    void take(const shard::Submitted& submitted);
    /// One shard's part of what was asked. True if it was the last one: then run() goes on.
    [[nodiscard]] bool take(const ShardFigures& figures);
    /// What a topic keeps: then run() goes on.
    void take(const shard::HistoryAnswer& said);
    /// Who is in the topic that was asked for: then run() goes on, too.
    void take(Crowd crowd) { crowd_ = std::move(crowd); }
    [[nodiscard]] std::string take_answer() { return answer_.finish(); }

private:
    using ErrorCode = dialect::centrifuge::ErrorCode;
    using PublishResponse =
        dialect::centrifuge::server_api::Response<dialect::centrifuge::server_api::PublishResult>;

    /// What is published, of the kind that it says.
    struct Content {
        PublicationKind kind;
        std::string_view bytes;
    };
    /// What was asked of all shards.
    struct Survey {
        std::uint32_t missing_count = 0;
        ShardFigures figures;
    };

    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::PublishRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::BroadcastRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::InfoRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::ChannelsRequest& request);
    // api_orders.cpp
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::DisconnectRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::UnsubscribeRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::SubscribeRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::RefreshRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::HistoryRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::HistoryRemoveRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::PresenceRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::PresenceStatsRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange, const std::monostate& unknown);
    template <class Request>
    [[nodiscard]] bool serve(shard::HttpExchange& exchange, const Request& request);

    [[nodiscard]] bool publish(shard::HttpExchange& exchange,
                               std::span<const std::string_view> channels,
                               const dialect::centrifuge::server_api::NewPublication& publication);
    void submit(shard::HttpExchange& exchange, std::string_view topic, std::string_view key);
    [[nodiscard]] std::optional<ErrorCode> read(
        const dialect::centrifuge::server_api::NewPublication& publication);
    [[nodiscard]] std::optional<ErrorCode> read_data(
        const dialect::centrifuge::server_api::NewPublication& publication);
    [[nodiscard]] std::optional<ErrorCode> read_base64(
        const dialect::centrifuge::server_api::NewPublication& publication);
    [[nodiscard]] bool ask_shards(shard::HttpExchange& exchange,
                                  std::optional<std::string> pattern);
    [[nodiscard]] bool order(shard::HttpExchange& exchange, const api::SessionOrder& order);
    /// What is wrong with the name of a channel.
    [[nodiscard]] static std::optional<ErrorCode> fault_of(const shard::HttpExchange& exchange,
                                                           std::string_view channel);
    /// The command is done, with that.
    bool refuse(ErrorCode code);
    [[nodiscard]] bool ask_home(shard::HttpExchange& exchange, std::string_view topic,
                                shard::PresenceQuery query);
    void add(dialect::centrifuge::server_api::Result result);

    const ApiNode& node_;
    std::string text_;  // The body; what was decoded are views of it.
    dialect::centrifuge::server_api::Call call_;
    dialect::centrifuge::server_api::AnswerText answer_{false};
    std::size_t done_count_ = 0;   // Commands.
    std::size_t share_bytes_ = 0;  // What may still be published in this run.
    // Of the command under way.
    std::optional<Content> content_;
    std::string decoded_;
    std::vector<PublishResponse> responses_;
    std::deque<hub::Epoch> epochs_;  // That they are views of.
    bool is_submitted_ = false;      // The home of the next one's topic has not answered yet.
    std::optional<Survey> survey_;
    bool is_history_answered_ = false;
    std::optional<Crowd> crowd_;
};

/// Channels of one answer. Whoever wants more asks for less.
inline constexpr std::size_t channels_max = 10'000;
/// A batch that has been answered this much gets no more lists.
inline constexpr std::size_t answer_bytes_max = 16 << 20;

/// The answer that a call which is complete has come to.
[[nodiscard]] shard::HttpAnswer answer_of(ApiCall& call);
/// Brings one shard's part of what an exchange there has asked, if that is not over.
void take_answer(shard::Shard& asking, shard::ExchangeId id, const ShardFigures& figures);
/// Runs the call of an exchange that is held, and answers it if that completes it.
void proceed(shard::HttpExchange& exchange);

}  // namespace ringcast::server

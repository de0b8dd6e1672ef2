#pragma once
// One request of the server API on its way: its commands one after the other, each of which may
// have to wait for the answers of shards.
//
//   begin -> run -> complete -----------------------------> take_answer
//             | ^
//             v |  proceed: all of them have answered
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
#include "shard/way_back.hpp"

namespace ringcast::server {

/// Who answers.
struct ApiNode {
    std::string uid;  ///< Another one for each start.
    double start_time_seconds = 0;
};

/// What all shards say together.
struct ShardFigures {
    std::uint64_t sessions = 0;
    std::uint64_t users = 0;  ///< Counted on each shard.
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

/// What became of a publication that was handed to its topic's home.
struct SubmissionAnswer {
    std::size_t index;  ///< Of its response.
    shard::Submitted submitted;
};

/// All that there is to say.
struct Done {};

/// Belongs to its exchange once that is held. For one shard's thread.
class ApiCall {
public:
    explicit ApiCall(const ApiNode& node) : node_{node} {}

    /// Begins anew, with a request of that method. False if there is no such method.
    [[nodiscard]] bool begin(std::string_view method, std::span<const std::byte> body);
    /// Goes on, for about one share of a turn. True once every command has its result; else what
    /// is waited for brings on proceed().
    [[nodiscard]] bool run(shard::HttpExchange& exchange);
    // Answers that the command under way waits for; run() goes on with each.

    /// What became of all that was handed to one home.
    void take(std::span<const SubmissionAnswer> answers);
    /// One shard's part of what was asked of all.
    void take(const ShardFigures& figures);
    /// What a topic keeps.
    void take(const shard::HistoryAnswer& said);
    /// Who is in a topic.
    void take(Crowd crowd);
    /// What was ordered is done, by one of those who were asked.
    void take(Done done);

    [[nodiscard]] std::string take_answer() { return answer_.finish(); }

private:
    using ErrorCode = dialect::centrifuge::ErrorCode;
    using PublishResponse =
        dialect::centrifuge::server_api::Response<dialect::centrifuge::server_api::PublishResult>;

    /// A channel, and what is published there.
    struct Target {
        std::string_view channel;
        const dialect::centrifuge::server_api::NewPublication* publication;
    };
    /// What is published, of the kind that it says.
    struct Content {
        PublicationKind kind = PublicationKind::json;
        std::string_view bytes{};
    };
    /// Of the command under way, or of publications that follow each other: what was asked, what
    /// has come of it, and the decoded texts that results are views of.
    struct Progress {
        bool has_asked = false;
        std::uint32_t missing_count = 0;  // Answers.
        ShardFigures figures{};
        const shard::HistoryAnswer* history = nullptr;  // Of the run that it brings on.
        Crowd crowd{};
        std::vector<Target> targets{};
        // The publication that was read last, and what is wrong with it; else what it says.
        const dialect::centrifuge::server_api::NewPublication* publication = nullptr;
        std::optional<ErrorCode> fault{};
        Content content{};
        std::string decoded{};
        std::string info{};                        // That goes with what is published, packed.
        std::vector<PublishResponse> responses{};  // Of the first targets; some are to come.
        std::deque<hub::Epoch> epochs{};

        void clear() noexcept;
    };

    // Each is called until it returns true, but not while answers are missing.

    // api_publish.cpp
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::PublishRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::BroadcastRequest& request);
    // api_questions.cpp
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::InfoRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::ChannelsRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::server_api::HistoryRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::PresenceRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange,
                             const dialect::centrifuge::PresenceStatsRequest& request);
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
                             const dialect::centrifuge::server_api::HistoryRemoveRequest& request);
    [[nodiscard]] bool serve(shard::HttpExchange& exchange, const std::monostate& unknown);

    void aim(std::string_view channel,
             const dialect::centrifuge::server_api::NewPublication& publication);
    [[nodiscard]] bool publish(shard::HttpExchange& exchange);
    [[nodiscard]] std::optional<ErrorCode> fault_of(const shard::HttpExchange& exchange,
                                                    const Target& target);
    [[nodiscard]] std::optional<ErrorCode> read(
        const dialect::centrifuge::server_api::NewPublication& publication);
    [[nodiscard]] std::optional<ErrorCode> read_data(
        const dialect::centrifuge::server_api::NewPublication& publication);
    [[nodiscard]] std::optional<ErrorCode> read_base64(
        const dialect::centrifuge::server_api::NewPublication& publication);
    bool ask_shards(shard::HttpExchange& exchange, const std::optional<std::string>& pattern);
    bool ask_home(shard::HttpExchange& exchange, std::string_view topic,
                  shard::PresenceQuery query);
    bool order(shard::HttpExchange& exchange, const api::SessionOrder& order);
    /// What is wrong with the name of a channel.
    [[nodiscard]] static std::optional<ErrorCode> fault_of(const shard::HttpExchange& exchange,
                                                           std::string_view channel);
    /// The command is done, with that: true.
    bool finish(const dialect::centrifuge::server_api::Result& result);
    bool refuse(ErrorCode code) { return finish({dialect::centrifuge::server_api::Error{code}}); }
    /// The command goes on when so many answers have come: false.
    bool await(std::uint32_t count) noexcept;
    void count_answer() noexcept;

    const ApiNode& node_;
    std::string text_;  // The body; what was decoded are views of it.
    dialect::centrifuge::server_api::Call call_;
    dialect::centrifuge::server_api::AnswerText answer_{false};
    std::size_t done_count_ = 0;   // Commands.
    std::size_t share_bytes_ = 0;  // What may still be published in this run.
    Progress progress_;
};

/// The answer that a call which is complete has come to.
[[nodiscard]] shard::HttpAnswer answer_of(ApiCall& call);
/// Runs the call of an exchange that is held, and answers it if that completes it.
void proceed(shard::HttpExchange& exchange);

/// Brings an answer to the call of an exchange, and has it go on.
template <class Answer>
void take_answer(shard::HttpExchange& exchange, Answer&& answer) {
    static_cast<ApiCall*>(exchange.state())->take(std::forward<Answer>(answer));
    proceed(exchange);
}
/// Likewise from the shard that was asked.
template <class Answer>
void send_back(const shard::WayBack& back, shard::Shard& there, Answer answer) {
    back(there, [answer = std::move(answer)](shard::HttpExchange& exchange) mutable {
        take_answer(exchange, std::move(answer));
    });
}

}  // namespace ringcast::server

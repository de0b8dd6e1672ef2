// `ringcast-bench mixed`: every kind of load at once against one server, for as long as it takes to
// find out whether it holds: echo, fan-out, connections that come and go in the middle of both, and
// subscribers that hardly read. Everything is verified; speed is not the point.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "churn_clients.hpp"
#include "commands.hpp"
#include "echo_clients.hpp"
#include "echo_conversation.hpp"
#include "fanout_clients.hpp"
#include "fanout_load.hpp"
#include "follow_conversation.hpp"
#include "measurement.hpp"
#include "rig.hpp"

namespace ringcast::bench {

namespace {

constexpr std::uint32_t passing_connections = 64;  ///< At a time, that echo, and that subscribe.
constexpr std::uint32_t churned_messages = 4;
constexpr std::uint64_t visited_deliveries = 20;
constexpr double abrupt_share = 0.5;
/// Small, so that what is not read soon waits in the server.
constexpr int slow_receive_buffer_bytes = 4096;

FanoutOptions fanout_of(const MixedOptions& options) {
    return {.subscribers = options.subscribers,
            .publishers = options.publishers,
            .topics = options.topics,
            .topic_prefix = options.topic_prefix,
            .message_bytes = options.message_bytes,
            .rate = options.publish_rate};
}

/// The crowds, in the order of their connections.
class Mix {
public:
    Mix(Rig& rig, const CommonOptions& common, const MixedOptions& options)
        : rig_(rig),
          common_(common),
          options_(options),
          messages_(ws::Opcode::binary, options.message_bytes,
                    EchoPace{.rate = options.echo_rate}.burst_max(), common.compression),
          load_(fanout_of(options), common.compression),
          echo_opener_(opener()),
          topic_opener_(opener()),
          churn_opener_(opener()),
          visit_opener_(opener()),
          slow_opener_(opener()) {
        std::string prefix = rig.url.path;
        while (prefix.ends_with('/')) prefix.pop_back();
        const FanoutOptions load_options = fanout_of(options);
        std::vector<std::string> topic_paths;
        std::vector<std::string> slow_paths;
        for (std::uint32_t topic = 0; topic < options.topics; ++topic) {
            topic_paths.push_back(prefix + "/topics/" + load_options.topic_name(topic));
            slow_paths.push_back(topic_paths.back() + (options.asks_for_gaps ? "?gaps=1" : ""));
        }
        const std::vector<std::string> echo_path{prefix + "/echo"};
        echo_opener_.set_paths(echo_path);
        churn_opener_.set_paths(echo_path);
        topic_opener_.set_paths(topic_paths);
        visit_opener_.set_paths(topic_paths);
        slow_opener_.set_paths(slow_paths);
        slow_opener_.set_receive_buffer(slow_receive_buffer_bytes);
    }

    /// Opens the connections that stay and adds every crowd to `loop`.
    [[nodiscard]] Expected<void> join(Loop& loop);
    void add_to(Report& report, const Measured& measured) const;

private:
    [[nodiscard]] Opener opener() const {
        return Opener(*rig_.io, rig_.url, rig_.sources, common_.compression);
    }
    void join_passing(Loop& loop, std::uint32_t first_index);

    Rig& rig_;
    const CommonOptions& common_;
    const MixedOptions& options_;
    Messages messages_;
    FanoutLoad load_;
    Opener echo_opener_, topic_opener_, churn_opener_, visit_opener_, slow_opener_;
    std::optional<EchoClients> echo_;
    std::optional<FanoutClients> fanout_;
    std::optional<EchoConversation> churn_conversation_;
    std::optional<FollowConversation> visit_conversation_, slow_conversation_;
    std::optional<ChurnClients> churn_, visits_, slow_;
    std::vector<Crowd*> crowds_;  ///< Those that there are, as the loop has them.
};

Expected<void> Mix::join(Loop& loop) {
    Io& io = *rig_.io;
    const auto timeout = common_.stall_timeout();
    const std::uint32_t subscribers = options_.publishers + options_.subscribers;
    const std::uint32_t echoes = options_.echo_connections;
    EarlyBytes echo_early;
    EarlyBytes fanout_early;
    if (auto opened = open_connections(io, echo_opener_, echoes, timeout, rig_.progress, 0,
                                       echo_early.keep());
        !opened)
        return opened;
    if (auto opened = open_connections(io, topic_opener_, subscribers, timeout, rig_.progress,
                                       echoes, fanout_early.keep());
        !opened)
        return opened;

    const EchoPace pace{.rate = options_.echo_rate};
    echo_.emplace(io, messages_, Verify::full, echoes, pace, timeout);
    fanout_.emplace(io, load_, subscribers, timeout, echoes);
    if (auto given = echo_early.give_to(*echo_); !given) return given;
    if (auto given = fanout_early.give_to(*fanout_); !given) return given;
    loop.add(*echo_, 0);
    loop.add(*fanout_, echoes);
    crowds_ = {&*echo_, &*fanout_};
    join_passing(loop, echoes + subscribers);
    return {};
}

/// Those that come and go.
void Mix::join_passing(Loop& loop, std::uint32_t first_index) {
    const MessageShape shape{ws::Opcode::binary, options_.message_bytes, common_.compression};
    const auto add = [&](std::optional<ChurnClients>& crowd, Opener& opener,
                         Conversation& conversation, ChurnPlan plan) {
        crowd.emplace(*rig_.io, opener, conversation, plan, common_.stall_timeout(), first_index);
        loop.add(*crowd, first_index);
        crowds_.push_back(&*crowd);
        first_index += plan.connections;
    };
    churn_conversation_.emplace(messages_, churned_messages, passing_connections);
    add(churn_, churn_opener_, *churn_conversation_,
        {.connections = passing_connections,
         .rate = options_.churn_rate,
         .endings = mixed_endings(abrupt_share, churned_messages)});
    visit_conversation_.emplace(load_, shape, visited_deliveries, passing_connections);
    add(visits_, visit_opener_, *visit_conversation_,
        {.name = "visits",
         .unit = "visit",
         .connections = passing_connections,
         .rate = options_.visit_rate,
         .endings = mixed_endings(abrupt_share, 0)});
    if (options_.slow_readers == 0) return;
    MessageShape slow_shape = shape;
    slow_shape.has_notices = options_.asks_for_gaps;
    slow_conversation_.emplace(load_, slow_shape, 0, options_.slow_readers);
    add(slow_, slow_opener_, *slow_conversation_,
        {.name = "slow",
         .unit = "slow delivery",
         .counts_messages = true,
         .connections = options_.slow_readers,
         .bytes_per_second = options_.slow_bytes_per_second,
         .may_fall_behind = true});
}

void Mix::add_to(Report& report, const Measured& measured) const {
    for (std::size_t index = 0; index < crowds_.size(); ++index)
        add_rate(report, measured, crowds_[index]->unit(), index);
    report.add_latency(echo_->latency(), "latency", "echo");
    report.add_latency(load_.latencies().each, "delivery", "delivery");
    report.add_latency(churn_->handshakes(), "handshake", "handshake");
    report.add("unsent", "due, but never sent", echo_->unsent() + load_.unsent());
    report.add("unbegun", "lives due, but never begun", churn_->unbegun() + visits_->unbegun());
    if (!slow_) return;
    report.add("slow_fallen_behind", "slow readers sent away", slow_->fallen_behind());
    if (options_.asks_for_gaps)
        report.add("slow_skipped", "left out for slow readers", slow_conversation_->skipped());
}

}  // namespace

Expected<Report> run_mixed(const CommonOptions& common, const MixedOptions& options) {
    const std::uint32_t connections = options.echo_connections + fanout_of(options).connections() +
                                      2 * passing_connections + options.slow_readers;
    auto rig = Rig::create(common, connections);
    if (!rig) return std::unexpected(rig.error());
    Mix mix(*rig, common, options);
    Loop loop(*rig->io, rig->progress);
    if (auto joined = mix.join(loop); !joined) return std::unexpected(joined.error());
    if (auto connected = rig->meter.check_connected(options.echo_connections); !connected)
        return std::unexpected(connected.error());
    const auto measured = measure(loop, rig->meter, options.lengths);
    if (!measured) return std::unexpected(measured.error());
    if (auto flat = check_memory(*measured, common.memory_growth_max); !flat)
        return std::unexpected(flat.error());

    Report report = begin_report("mixed", common);
    report.add("connections", "connections", std::uint64_t{connections});
    report.add("message_bytes", "bytes of a message", options.message_bytes);
    add_totals(report, *measured);
    mix.add_to(report, *measured);
    add_memory(report, *measured);
    return report;
}

}  // namespace ringcast::bench

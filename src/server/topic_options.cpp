#include "server/topic_options.hpp"

#include <algorithm>
#include <array>

#include "server/option_values.hpp"

namespace ringcast::server {
namespace {

using namespace option_values;

constexpr std::array access_words{Word<TopicAccess>{"none", TopicAccess::none},
                                  Word<TopicAccess>{"subscribe", TopicAccess::subscribe},
                                  Word<TopicAccess>{"publish", TopicAccess::publish}};
constexpr std::array slow_words{Word<SlowConsumer>{"close", SlowConsumer::close},
                                Word<SlowConsumer>{"drop", SlowConsumer::drop},
                                Word<SlowConsumer>{"latest", SlowConsumer::latest}};

// Tokens may grant topics, too, and namespaces have rules of their own.
constexpr OptionNeed topic_clients{"--anonymous subscribe or publish", &has_topic_clients};
constexpr OptionNeed announced_clients{"--join-leave",
                                       [](const Options& o) { return o.join_leave; }};
constexpr OptionNeed token_keys{
    "--token-hmac-secret-file, --token-public-key-file or --token-jwks-file", &takes_tokens};
constexpr OptionNeed publishers{
    "--anonymous subscribe or publish, or --admin-listen",
    [](const Options& o) { return topic_clients.is_met(o) || !o.admin_listen.empty(); }};
// Namespaces say for themselves what stands here for the topics of none, which nobody comes to
// then but by the server API.
bool has_others_than_namespaces(const Options& options) noexcept {
    return options.anonymous != TopicAccess::none || takes_tokens(options);
}
constexpr OptionNeed plain_publishers{
    "--anonymous subscribe or publish, a key for tokens, or --admin-listen",
    [](const Options& o) { return has_others_than_namespaces(o) || !o.admin_listen.empty(); }};
constexpr OptionNeed plain_clients{
    "--anonymous subscribe or publish, a key for tokens, or --api-key-file", [](const Options& o) {
        return has_others_than_namespaces(o) ||
               (topic_clients.is_met(o) && !o.api_key_file.empty());
    }};
constexpr OptionNeed kept{"--history-size", [](const Options& o) { return o.history_size > 0; }};
constexpr OptionNeed kept_anywhere{
    kept.flag, [](const Options& o) {
        return kept.is_met(o) || std::ranges::any_of(o.namespaces, [](const TopicNamespace& space) {
                   return space.history_size > 0;
               });
    }};
// Tokens may say so for one topic, and the server API.
constexpr OptionNeed shown_anywhere{
    "--presence or --join-leave", [](const Options& o) {
        const auto shows = [](const auto& each) { return each.presence || each.join_leave; };
        return shows(o) || std::ranges::any_of(o.namespaces, shows) || takes_tokens(o) ||
               !o.api_key_file.empty();
    }};
constexpr std::string_view topics = "Topics";

constexpr std::array topic_rows{
    OptionRow{.section = topics,
              .name = "anonymous",
              .value_name = "none|subscribe|publish",
              .help = "what clients without credentials may do with topics of no namespace: "
                      "nothing, receive, "
                      "or send as well",
              .set = set_word<&Options::anonymous, access_words>,
              .get = get_word<&Options::anonymous, access_words>},
    OptionRow{
        .section = topics,
        .name = "users",
        .value_name = "none|subscribe|publish",
        .help =
            "what clients whose token names a user may do with topics of no namespace; each may at "
            "least receive the topics that its token grants, in channels or subs",
        .set = set_word<&Options::users, access_words>,
        .get = get_word<&Options::users, access_words>,
        .needs = {&token_keys}},
    OptionRow{.section = topics,
              .name = "plain-http",
              .value_name = "on|off",
              .help = "serve topics without WebSocket, too: events and POST at /topics/NAME, "
                      "http_stream, sse and emulation at /connection",
              .set = set_word<&Options::plain_http, toggle_words>,
              .get = get_word<&Options::plain_http, toggle_words>,
              .needs = {&topic_clients}},
    OptionRow{.section = topics,
              .name = "slow-consumer",
              .value_name = "close|drop|latest",
              .help = "a subscriber that falls behind by --send-queue-bytes-max is closed with "
                      "code 1013, or misses publications, or gets the newest of each topic "
                      "and key once it has caught up; and is told how many it missed with "
                      "?gaps=1; Centrifuge clients are closed with drop, too, with code 3008",
              .set = set_word<&Options::slow_consumer, slow_words>,
              .get = get_word<&Options::slow_consumer, slow_words>,
              .needs = {&topic_clients}},
    OptionRow{.section = topics,
              .name = "delivery-window",
              .value_name = "DURATION",
              .help = "how long publications wait for others, at most 1s, so that each subscriber "
                      "is sent to once for all of them; replies do not wait; 0: off",
              .set = set_duration<&Options::delivery_window, 0, 1000>,
              .get = get_duration<&Options::delivery_window>,
              .needs = {&topic_clients}},
    OptionRow{.section = topics,
              .name = "topics-max",
              .value_name = "N",
              .help =
                  "topics of the whole process, shared out evenly among the shards and rounded "
                  "up for each; idle ones that keep no publications make room; else who wants one "
                  "more is answered with status 503, and what is published to one more has the "
                  "one that has been idle for longest forgotten",
              .set = set_count<&Options::topics_max, 1, 1'000'000'000>,
              .get = get_count<&Options::topics_max>,
              .needs = {&publishers}},
    OptionRow{
        .section = topics,
        .name = "subscriptions-max",
        .value_name = "N",
        .help =
            "topics that one session may be subscribed to; a Centrifuge client whose token names "
            "more is closed with code 3505",
        .set = set_count<&Options::subscriptions_max, 1, 1'000'000>,
        .get = get_count<&Options::subscriptions_max>,
        .needs = {&topic_clients}},
    OptionRow{.section = topics,
              .name = "topic-idle-timeout",
              .value_name = "DURATION",
              .help = "how long a topic without subscribers is remembered, if it keeps no "
                      "publications",
              .set = set_duration<&Options::topic_idle_timeout, ms, 24 * hour, Zero::allowed>,
              .get = get_duration<&Options::topic_idle_timeout>,
              .needs = {&publishers}},
    OptionRow{.section = topics,
              .name = "history-size",
              .value_name = "N",
              .help = "publications that each topic keeps for clients that come back or later; 0: "
                      "none",
              .set = set_count<&Options::history_size, 0, 1'000'000>,
              .get = get_count<&Options::history_size>,
              .needs = {&plain_publishers}},
    OptionRow{.section = topics,
              .name = "history-ttl",
              .value_name = "DURATION",
              .help = "how long a publication is kept",
              .set = set_duration<&Options::history_ttl, 1000 * ms, 365 * 24 * hour>,
              .get = get_duration<&Options::history_ttl>,
              .needs = {&kept, &plain_publishers}},
    OptionRow{.section = topics,
              .name = "history-bytes-max",
              .value_name = "SIZE",
              .help = "memory of all that one shard keeps; over it, topics that were published to "
                      "longest ago are emptied",
              .set = set_bytes<&Options::history_bytes_max, 64 * kib, 1024 * gib>,
              .get = get_bytes<&Options::history_bytes_max>,
              .needs = {&publishers, &kept_anywhere}},
    OptionRow{.section = topics,
              .name = "presence",
              .help = "subscribers may ask who is in a topic; clients without a token are there, "
                      "too, but nobody in particular",
              .form = OptionRow::Form::toggle,
              .set = set_word<&Options::presence, toggle_words>,
              .get = get_word<&Options::presence, toggle_words>,
              .needs = {&plain_clients}},
    OptionRow{.section = topics,
              .name = "join-leave",
              .help = "subscribers that want to know are told who comes to a topic, and who goes",
              .form = OptionRow::Form::toggle,
              .set = set_word<&Options::join_leave, toggle_words>,
              .get = get_word<&Options::join_leave, toggle_words>,
              .needs = {&plain_clients}},
    OptionRow{.section = topics,
              .name = "force-push-join-leave",
              .help = "all subscribers are told so, if their protocol has a place for that",
              .form = OptionRow::Form::toggle,
              .set = set_word<&Options::force_push_join_leave, toggle_words>,
              .get = get_word<&Options::force_push_join_leave, toggle_words>,
              .needs = {&announced_clients}},
    OptionRow{.section = topics,
              .name = "delta",
              .value_name = "off|fossil",
              .help = "subscribers that ask for it are sent what differs from the publication "
                      "before, where that is shorter",
              .set = set_word<&Options::delta, delta_words>,
              .get = get_word<&Options::delta, delta_words>,
              .needs = {&plain_clients}},
    OptionRow{.section = topics,
              .name = "presence-clients-max",
              .value_name = "N",
              .help = "clients of one topic with presence, or with joins and leaves; whoever comes "
                      "beyond is refused with error 106",
              .set = set_count<&Options::presence_clients_max, 1, 1'000'000>,
              .get = get_count<&Options::presence_clients_max>,
              .needs = {&topic_clients, &shown_anywhere}},
    OptionRow{.section = topics,
              .name = "presence-bytes-max",
              .value_name = "SIZE",
              .help = "memory of one shard for who is in its topics, about 200 bytes for each "
                      "client and topic; whoever comes beyond is refused with error 106",
              .set = set_bytes<&Options::presence_bytes_max, 64 * kib, 1024 * gib>,
              .get = get_bytes<&Options::presence_bytes_max>,
              .needs = {&topic_clients, &shown_anywhere}},
    OptionRow{.section = topics,
              .name = "mesh-bytes",
              .value_name = "SIZE",
              .help =
                  "memory of all queues between shards together; each gets 1MiB at most, and 4KiB "
                  "even where that makes more",
              .set = set_bytes<&Options::mesh_bytes, 64 * kib, 16 * gib>,
              .get = get_bytes<&Options::mesh_bytes>},
    OptionRow{.section = topics,
              .name = "mesh-stall-timeout",
              .value_name = "DURATION",
              .help = "how long a shard may take nothing before the others go on without it; its "
                      "subscribers are closed with code 1013 then",
              .set = set_duration<&Options::mesh_stall_timeout, ms, hour>,
              .get = get_duration<&Options::mesh_stall_timeout>},
};

}  // namespace

std::span<const OptionRow> topic_options() noexcept {
    return topic_rows;
}

}  // namespace ringcast::server

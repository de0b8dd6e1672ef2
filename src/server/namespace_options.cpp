#include "server/namespace_options.hpp"

#include <algorithm>
#include <array>
#include <fmt/core.h>
#include <optional>

#include "server/config_file.hpp"
#include "server/option_values.hpp"
#include "shard/client_limits.hpp"

namespace ringcast::server {
namespace {

using namespace option_values;

constexpr std::array mode_words{Word<HistoryMode>{"stream", HistoryMode::stream},
                                Word<HistoryMode>{"cache", HistoryMode::cache}};
constexpr std::array audience_words{Word<TopicAudience>{"nobody", TopicAudience::nobody},
                                    Word<TopicAudience>{"token", TopicAudience::token},
                                    Word<TopicAudience>{"users", TopicAudience::users},
                                    Word<TopicAudience>{"anyone", TopicAudience::anyone}};
using Slow = std::optional<SlowConsumer>;
constexpr std::array namespace_slow_words{Word<Slow>{"close", SlowConsumer::close},
                                          Word<Slow>{"drop", SlowConsumer::drop},
                                          Word<Slow>{"latest", SlowConsumer::latest}};

constexpr std::array namespace_rows{
    NamespaceRow{.name = "history-size",
                 .set = &set_count<&TopicNamespace::history_size, 0, 1'000'000>,
                 .get = &get_count<&TopicNamespace::history_size>},
    NamespaceRow{.name = "history-ttl",
                 .set = &set_duration<&TopicNamespace::history_ttl, 1000 * ms, 24 * 365 * hour>,
                 .get = &get_duration<&TopicNamespace::history_ttl>},
    NamespaceRow{.name = "history-mode",
                 .set = &set_word<&TopicNamespace::history_mode, mode_words>,
                 .get = &get_word<&TopicNamespace::history_mode, mode_words>},
    NamespaceRow{.name = "presence",
                 .set = &set_word<&TopicNamespace::presence, toggle_words>,
                 .get = &get_word<&TopicNamespace::presence, toggle_words>},
    NamespaceRow{.name = "join-leave",
                 .set = &set_word<&TopicNamespace::join_leave, toggle_words>,
                 .get = &get_word<&TopicNamespace::join_leave, toggle_words>},
    NamespaceRow{.name = "force-push-join-leave",
                 .set = &set_word<&TopicNamespace::force_push_join_leave, toggle_words>,
                 .get = &get_word<&TopicNamespace::force_push_join_leave, toggle_words>},
    NamespaceRow{.name = "delta",
                 .set = &set_word<&TopicNamespace::delta, delta_words>,
                 .get = &get_word<&TopicNamespace::delta, delta_words>},
    NamespaceRow{.name = "subscribe",
                 .set = &set_word<&TopicNamespace::subscribe, audience_words>,
                 .get = &get_word<&TopicNamespace::subscribe, audience_words>},
    NamespaceRow{.name = "publish",
                 .set = &set_word<&TopicNamespace::publish, audience_words>,
                 .get = &get_word<&TopicNamespace::publish, audience_words>},
    NamespaceRow{.name = "rate",
                 .set = &set_count<&TopicNamespace::rate, 0, shard::ClientLimits::rate_max>,
                 .get = &get_count<&TopicNamespace::rate>},
    NamespaceRow{.name = "burst",
                 .set = &set_count<&TopicNamespace::burst, 0, shard::ClientLimits::burst_max>,
                 .get = &get_count<&TopicNamespace::burst>},
    NamespaceRow{
        .name = "slow-consumer",
        .set = &set_word<&TopicNamespace::slow_consumer, namespace_slow_words>,
        .get =
            [](const TopicNamespace& space) {
                return space.slow_consumer
                           ? get_word<&TopicNamespace::slow_consumer, namespace_slow_words>(space)
                           : Texts{};
            }},
};

}  // namespace

std::span<const NamespaceRow> namespace_table() noexcept {
    return namespace_rows;
}

const NamespaceRow* find_namespace_option(std::string_view name) noexcept {
    const auto row = std::ranges::find(namespace_rows, name, &NamespaceRow::name);
    return row == namespace_rows.end() ? nullptr : &*row;
}

std::string to_toml(std::span<const TopicNamespace> namespaces) {
    std::string text;
    for (const TopicNamespace& space : namespaces) {
        // Its name may contain dots, which would be tables of their own.
        text += fmt::format("\n[namespaces.\"{}\"]\n", space.name);
        for (const NamespaceRow& row : namespace_rows) {
            for (const std::string& value : row.get(space))
                text += fmt::format("{} = {}\n", row.name, toml_value(value));
        }
    }
    return text;
}

}  // namespace ringcast::server

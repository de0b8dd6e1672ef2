#include "api/topic_beginning.hpp"

#include <charconv>
#include <cstdint>
#include <system_error>

#include "dialect/event_stream.hpp"

namespace ringcast::api {

namespace {

/// Digits only.
std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || stop != text.data() + text.size())
        return std::nullopt;
    return number;
}

}  // namespace

std::expected<shard::SubscribeFrom, const char*> begin_of(const Upgrade& view) {
    const auto offset = view.query("offset"), epoch = view.query("epoch"),
               last = view.query("last");
    using Kind = shard::SubscribeFrom::Kind;
    if (offset) {
        const auto number = number_of(*offset);
        if (!number || last)
            return std::unexpected{"offset is the number of a publication, and alone\n"};
        return shard::SubscribeFrom{.kind = Kind::since,
                                    .since = {*number, hub::Epoch::of(epoch.value_or(""))}};
    }
    if (epoch) return std::unexpected{"epoch belongs to an offset\n"};
    if (!last) return shard::SubscribeFrom{};
    const auto count = number_of(*last);
    if (!count || *count > UINT32_MAX) return std::unexpected{"last is a count\n"};
    return shard::SubscribeFrom{
        .kind = Kind::newest, .count_max = static_cast<std::uint32_t>(*count), .since = {}};
}

std::optional<shard::SubscribeFrom> begin_behind(std::string_view last_event_id) {
    if (last_event_id.empty()) return std::nullopt;
    hub::Position since{.offset = 0, .epoch = hub::Epoch::of("?")};
    if (const auto last = dialect::event_stream::read_id(last_event_id))
        since = {.offset = last->offset, .epoch = hub::Epoch::of(last->epoch)};
    return shard::SubscribeFrom{.kind = shard::SubscribeFrom::Kind::since, .since = since};
}

}  // namespace ringcast::api

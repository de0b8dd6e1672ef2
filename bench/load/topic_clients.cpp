#include "topic_clients.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <span>

#include "base/bytes.hpp"

namespace ringcast::bench {

namespace {

/// More would measure the server's queues.
constexpr std::uint32_t joining_max = 64;
constexpr std::uint32_t probes_outstanding_max = 64;

/// Servers have limits for messages.
constexpr std::size_t commands_bytes_max = std::size_t{16} * 1024;

}  // namespace

TopicClients::TopicClients(Io& io, const TopicsOptions& options,
                           std::chrono::nanoseconds stall_timeout)
    : options_(options),
      sessions_(io, options.connections, 0),
      stall_(stall_timeout),
      next_ids_(options.connections, 1),
      arrived_(options.publications) {}

/// At once: servers close connections that do not come to the point.
void TopicClients::start(Clock::time_point now) {
    stall_.reset(now);
    for (std::uint32_t index = 0; index < options_.connections; ++index) {
        sessions_.begin(index);
        sessions_.say(index, R"({"connect":{},"id":1})");
    }
}

Expected<void> TopicClients::act(Clock::time_point) {
    while (stage_ == Stage::subscribing && begun_ < options_.connections &&
           begun_ - joined_ < joining_max)
        subscribe(begun_++);
    while (stage_ == Stage::publishing && published_ < options_.publications &&
           published_ - std::min(receipts_, arrived_count_) < probes_outstanding_max)
        publish(published_++);
    return {};
}

void TopicClients::subscribe(std::uint32_t index) {
    std::string commands;
    for (std::uint32_t number = 0; number < options_.subscriptions; ++number) {
        if (commands.size() > commands_bytes_max) {
            sessions_.say(index, commands);
            commands.clear();
        }
        if (!commands.empty()) commands += '\n';
        const std::uint64_t topic = std::uint64_t{index} * options_.subscriptions + number;
        commands += fmt::format(R"({{"subscribe":{{"channel":"{}"}},"id":{}}})",
                                options_.topic_name(topic), number + 2);
    }
    sessions_.say(index, commands);
}

void TopicClients::publish(std::uint32_t number) {
    std::string payload(options_.message_bytes, '\0');
    write_publication({.publisher = 0, .sequence = number},
                      std::as_writable_bytes(std::span(payload)));
    const std::uint64_t topic = topic_of(number);
    const auto owner = static_cast<std::uint32_t>(topic / options_.subscriptions);
    sessions_.say(
        (owner + 1) % options_.connections,
        fmt::format(R"({{"publish":{{"channel":"{}","data":"{}"}},"id":{}}})",
                    options_.topic_name(topic), payload, first_publication_id() + number));
}

Expected<void> TopicClients::handle(const Event& event, Clock::time_point now) {
    const std::uint64_t before = progress();
    const auto taken = sessions_.handle(
        event, [this](std::uint32_t index, const Reply& reply) { return take(index, reply); });
    if (progress() > before) stall_.reset(now);
    if (taken) return taken;
    const std::uint64_t confirmed = std::max<std::uint64_t>(next_ids_[event.index], 2) - 2;
    return fail("connection {}, after {} of {} subscriptions: {}", event.index, confirmed,
                options_.subscriptions, taken.error().message);
}

Expected<void> TopicClients::take(std::uint32_t index, const Reply& reply) {
    std::uint64_t& next_id = next_ids_[index];
    if (reply.kind == Reply::Kind::connect && reply.id == 1 && next_id == 1) {
        ++next_id;
        ++connected_;
        return {};
    }
    const bool is_due = reply.id == next_id && index < begun_ && next_id < first_publication_id();
    if (reply.kind == Reply::Kind::subscribe && is_due) {
        ++next_id;
        ++subscribed_;
        if (next_id == first_publication_id()) ++joined_;
        return {};
    }
    if (reply.kind == Reply::Kind::publish && reply.id >= first_publication_id() &&
        reply.id < first_publication_id() + published_) {
        ++receipts_;
        return {};
    }
    if (reply.kind == Reply::Kind::publication) return take_publication(index, reply);
    return fail("the server sent {}", quote(reply));
}

Expected<void> TopicClients::take_publication(std::uint32_t index, const Reply& reply) {
    const auto data = as_bytes(reply.publications.front().data);
    const auto id = data.size() == options_.message_bytes
                        ? read_publication_id(data.first<publication_id_bytes>())
                        : std::nullopt;
    if (!id || id->publisher != 0 || id->sequence >= published_)
        return fail("nobody has published {}", quote(reply));
    std::string expected(data.size(), '\0');
    write_publication(*id, std::as_writable_bytes(std::span(expected)));
    if (auto same = compare_publication(arrived_count_, *id, {.payload = data}, as_bytes(expected));
        !same)
        return same;
    const std::uint64_t topic = topic_of(id->sequence);
    if (topic / options_.subscriptions != index || reply.channel != options_.topic_name(topic))
        return fail("{} came on {}, but is of {}", name_of(*id), reply.channel,
                    options_.topic_name(topic));
    if (arrived_[id->sequence]) return fail("{} came a second time", name_of(*id));
    arrived_[id->sequence] = true;
    ++arrived_count_;
    return {};
}

Expected<void> TopicClients::check(Clock::time_point now) {
    const bool is_owed = stage_ == Stage::connecting    ? !is_connected()
                         : stage_ == Stage::subscribing ? !is_subscribed()
                         : stage_ == Stage::publishing  ? !has_published()
                                                        : !is_finished();
    if (!is_owed) stall_.reset(now);
    if (!stall_.is_over(now)) return {};
    const std::string what = fmt::format("nothing happened for {:.1f} s", stall_.seconds(now));
    switch (stage_) {
        case Stage::connecting:
            return fail("{}, and {} of {} connections are answered", what, connected_,
                        options_.connections);
        case Stage::subscribing:
            return fail("{}, and {} of {} subscriptions are confirmed", what, subscribed_,
                        options_.topics());
        case Stage::publishing:
            return fail("{}, and {} of {} publications have arrived", what, arrived_count_,
                        published_);
        case Stage::asking: break;
    }
    return fail("{}, and {} of {} connections had no answer to a ping", what,
                options_.connections - sessions_.pongs(), options_.connections);
}

void TopicClients::stop(Clock::time_point now) {
    stall_.reset(now);
    stage_ = Stage::asking;
    for (std::uint32_t index = 0; index < options_.connections; ++index)
        sessions_.ask_for_pong(index);
}

bool TopicClients::is_finished() const noexcept {
    return stage_ == Stage::asking && sessions_.pongs() >= options_.connections;
}

}  // namespace ringcast::bench

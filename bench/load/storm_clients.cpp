#include "storm_clients.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <span>
#include <string_view>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "publication.hpp"

namespace ringcast::bench {

namespace {

/// Of the publications that are missed, under way at once.
constexpr std::uint64_t missed_outstanding_max = 32;

/// Connections that begin in one turn: until the kernel has taken it, each has an open file.
constexpr std::uint32_t starts_max = 128;

constexpr std::uint64_t subscribe_id = 2;
constexpr std::uint64_t first_publish_id = 3;

/// What the server owes in each stage, for people.
std::string_view name_of(StormClients::Stage stage) {
    using Stage = StormClients::Stage;
    switch (stage) {
        case Stage::subscribing: return "subscriptions";
        case Stage::cutting: return "deliveries behind which connections are cut";
        case Stage::publishing: return "receipts of publications, and their publisher's deliveries";
        case Stage::returning: return "recoveries";
        case Stage::ending: return "deliveries of the last publication";
        case Stage::asking: return "answers to pings";
        case Stage::listening:
        case Stage::away:
        case Stage::back: break;
    }
    return "things";
}

}  // namespace

StormClients::StormClients(Io& io, Opener& opener, const StormOptions& options,
                           std::chrono::nanoseconds stall_timeout, std::uint32_t first_index)
    : opener_(opener),
      options_(options),
      topic_(options.topic_name()),
      sessions_(io, options.clients + 1, first_index),
      stall_(stall_timeout),
      first_index_(first_index),
      clients_(options.clients + 1) {
    // The first one, those that are missed, and the last one.
    for (std::uint64_t number = 0; number < std::uint64_t{options.missed} + 2; ++number)
        payloads_.push_back(payload_of(number));
}

std::string StormClients::payload_of(std::uint64_t number) const {
    std::string payload(options_.message_bytes, '\0');
    write_publication({.publisher = 0, .sequence = number},
                      std::as_writable_bytes(std::span(payload)));
    return payload;
}

void StormClients::start(Clock::time_point now) {
    enter(Stage::subscribing, clients_.size(), now);
    for (std::uint32_t index = 0; index < clients_.size(); ++index) {
        sessions_.begin(index);
        subscribe(index);
    }
}

void StormClients::enter(Stage stage, std::uint64_t owed, Clock::time_point now) {
    stage_ = stage;
    owed_ = owed;
    stall_.reset(now);
}

/// Connects, too; from its position, if it has one.
void StormClients::subscribe(std::uint32_t index) {
    const Client& client = clients_[index];
    const std::string position = client.next == 0
                                     ? R"("recoverable":true)"
                                     : fmt::format(R"("recover":true,"epoch":"{}","offset":{})",
                                                   epoch_, first_offset_ + client.next - 1);
    sessions_.say(index, fmt::format("{{\"connect\":{{}},\"id\":1}}\n"
                                     R"({{"subscribe":{{"channel":"{}",{}}},"id":{}}})",
                                     topic_, position, subscribe_id));
}

void StormClients::publish(std::uint64_t number) {
    sessions_.say(publisher(),
                  fmt::format(R"({{"publish":{{"channel":"{}","data":"{}"}},"id":{}}})", topic_,
                              payloads_[number], first_publish_id + number));
}

void StormClients::cut_off(Clock::time_point now) {
    RC_ASSERT(stage_ == Stage::listening);
    enter(Stage::cutting, clients_.size() + 1, now);  // For all, and the receipt.
    publish(published_++);
}

void StormClients::come_back(Clock::time_point now) {
    RC_ASSERT(stage_ == Stage::away);
    enter(Stage::returning, options_.clients, now);
    storm_begun_ = now;
}

void StormClients::stop(Clock::time_point now) {
    enter(Stage::ending, clients_.size() + 1, now);
    publish(published_++);
}

Expected<void> StormClients::act(Clock::time_point) {
    if (stage_ == Stage::publishing) {
        const std::uint64_t end = std::uint64_t{options_.missed} + 1;
        while (published_ < end && published_ - std::min(receipts_, clients_[publisher()].next) <
                                       missed_outstanding_max)
            publish(published_++);
    }
    // The last one that was cut off may still be sending.
    for (std::uint32_t count = 0;
         count < starts_max && may_start() && sessions_.is_closed(started_); ++count, ++started_) {
        clients_[started_] = {.next = clients_[started_].next, .is_opening = true};
        ++opening_;
        if (auto begun = opener_.start(first_index_ + started_, started_, CloseKind::reset); !begun)
            return begun;
    }
    return {};
}

bool StormClients::may_start() const noexcept {
    const std::uint32_t opening_max = options_.inflight > 0 ? options_.inflight : options_.clients;
    return stage_ == Stage::returning && started_ < options_.clients && opening_ < opening_max;
}

Clock::time_point StormClients::next_due(Clock::time_point otherwise) const noexcept {
    return may_start() ? std::min(otherwise, storm_begun_) : otherwise;
}

Expected<void> StormClients::handle(const Event& event, Clock::time_point now) {
    const std::uint32_t index = event.index - first_index_;
    auto taken = take_event(index, event, now);
    if (taken) return taken;
    return fail("{}: {}", describe(index), taken.error().message);
}

std::string StormClients::describe(std::uint32_t index) const {
    const std::string who =
        index == publisher() ? std::string("the publisher") : fmt::format("client {}", index);
    const bool is_back = stage_ >= Stage::returning && index != publisher();
    return fmt::format("{}, {}after {} publications", who,
                       !is_back                        ? ""
                       : clients_[index].is_subscribed ? "back, "
                                                       : "coming back, ",
                       clients_[index].next);
}

Expected<void> StormClients::take_event(std::uint32_t index, const Event& event,
                                        Clock::time_point now) {
    if (clients_[index].is_opening) return take_opening(index, event, now);
    const std::uint32_t pongs = sessions_.pongs();
    auto taken = sessions_.handle(event, [&](std::uint32_t session, const Reply& reply) {
        return take(session, reply, now);
    });
    if (!taken) return taken;
    if (stage_ == Stage::asking && sessions_.pongs() > pongs) count_down(now);
    return {};
}

Expected<void> StormClients::take_opening(std::uint32_t index, const Event& event,
                                          Clock::time_point now) {
    const auto opening = opener_.advance(event, index);
    if (!opening) return std::unexpected(opening.error());
    if (!opening->is_open) return {};
    if (auto silent = check_silence(*opening); !silent) return silent;
    stall_.reset(now);
    clients_[index].is_opening = false;
    --opening_;
    sessions_.begin(index);
    subscribe(index);
    return {};
}

Expected<void> StormClients::take(std::uint32_t index, const Reply& reply, Clock::time_point now) {
    Client& client = clients_[index];
    switch (reply.kind) {
        case Reply::Kind::connect:
            if (client.is_connected || reply.id != 1) break;
            client.is_connected = true;
            return {};
        case Reply::Kind::subscribe:
            if (!client.is_connected || client.is_subscribed || reply.id != subscribe_id) break;
            client.is_subscribed = true;
            if (stage_ == Stage::returning) return take_recovered(index, reply, now);
            if (auto joined = take_joined(reply); !joined) return joined;
            count_down(now);
            return {};
        case Reply::Kind::publish:
            if (index != publisher() || reply.id != first_publish_id + receipts_ ||
                receipts_ == published_)
                break;
            ++receipts_;
            count_down(now);
            return {};
        case Reply::Kind::publication:
            if (!client.is_subscribed || reply.channel != topic_) break;
            return take_live(index, reply, now);
        case Reply::Kind::ping:
        case Reply::Kind::error:
        case Reply::Kind::other: break;
    }
    return fail("the server sent {}", quote(reply));
}

/// Nothing has been published so far: all have the same position.
Expected<void> StormClients::take_joined(const Reply& reply) {
    if (reply.epoch.empty())
        return fail("the topic has no history: the server sent {}", quote(reply));
    if (epoch_.empty()) {
        epoch_ = reply.epoch;
        first_offset_ = reply.offset + 1;
    }
    if (reply.epoch != epoch_ || reply.offset + 1 != first_offset_ || reply.was_recovering ||
        !reply.publications.empty())
        return fail("the server sent {}, others are at {}/{}", quote(reply), epoch_,
                    first_offset_ - 1);
    return {};
}

Expected<void> StormClients::take_recovered(std::uint32_t index, const Reply& reply,
                                            Clock::time_point now) {
    Client& client = clients_[index];
    if (!reply.was_recovering) return fail("the server did not recover: {}", quote(reply));
    if (reply.epoch != epoch_)
        return fail("the server sent {}, but the topic is in epoch {}", quote(reply), epoch_);
    if (reply.recovered) {
        for (const ReplyPublication& publication : reply.publications) {
            if (auto checked = check_next(client, publication); !checked) return checked;
        }
        if (client.next != published_)
            return fail("the server recovered it, but {} of {} publications are missing",
                        published_ - client.next, options_.missed);
        ++recovered_;
    } else {
        if (!reply.publications.empty())
            return fail("the server sent publications and no recovery: {}", quote(reply));
        if (reply.offset + 1 != first_offset_ + published_)
            return fail(
                "the server did not recover it, but the position in {} is not that of the "
                "last publication, {}",
                quote(reply), first_offset_ + published_ - 1);
        client.next = published_;
        ++not_recovered_;
    }
    recoveries_.record(nanoseconds_between(storm_begun_, now));
    count_down(now);
    return {};
}

Expected<void> StormClients::take_live(std::uint32_t index, const Reply& reply,
                                       Clock::time_point now) {
    Client& client = clients_[index];
    if (auto checked = check_next(client, reply.publications.front()); !checked) return checked;
    if (stage_ == Stage::cutting && index != publisher()) sessions_.cut_off(index);
    count_down(now);
    return {};
}

/// Whether `publication` is the one that is due.
Expected<void> StormClients::check_next(Client& client, const ReplyPublication& publication) {
    if (client.next >= published_)
        return fail("the publication with offset {} came a second time", publication.offset);
    const std::string& expected = payloads_[client.next];
    const std::uint64_t offset = first_offset_ + client.next;
    if (publication.data.size() != expected.size())
        return fail("a publication of {} bytes instead of {}", publication.data.size(),
                    expected.size());
    const auto data = as_bytes(publication.data);
    const auto id = read_publication_id(data.first<publication_id_bytes>());
    if (id && id->publisher == 0 && id->sequence < client.next)
        return fail("publication {} came a second time", id->sequence);
    if (id && id->publisher == 0 && id->sequence > client.next)
        return fail("publication {} came, {} is missing", id->sequence, client.next);
    if (auto same = compare_publication(client.next, {.publisher = 0, .sequence = client.next},
                                        {.payload = data}, as_bytes(expected));
        !same)
        return same;
    if (publication.offset != offset)
        return fail("publication {} has offset {} instead of {}", client.next, publication.offset,
                    offset);
    ++client.next;
    ++delivered_;
    return {};
}

void StormClients::count_down(Clock::time_point now) {
    stall_.reset(now);
    RC_ASSERT(owed_ > 0);
    if (--owed_ > 0) return;
    switch (stage_) {
        case Stage::subscribing: return enter(Stage::listening, 0, now);
        case Stage::cutting:
            // Each comes back to its publisher, and has a receipt.
            return options_.missed > 0
                       ? enter(Stage::publishing, std::uint64_t{options_.missed} * 2, now)
                       : enter(Stage::away, 0, now);
        case Stage::publishing: return enter(Stage::away, 0, now);
        case Stage::returning: return enter(Stage::back, 0, now);
        case Stage::ending:
            enter(Stage::asking, clients_.size(), now);
            for (std::uint32_t index = 0; index < clients_.size(); ++index)
                sessions_.ask_for_pong(index);
            return;
        case Stage::listening:
        case Stage::away:
        case Stage::back:
        case Stage::asking: break;
    }
}

Expected<void> StormClients::check(Clock::time_point now) {
    if (owed_ == 0) stall_.reset(now);
    if (!stall_.is_over(now)) return {};
    return fail("nothing happened for {:.1f} s, and {} {} are missing", stall_.seconds(now), owed_,
                name_of(stage_));
}

bool StormClients::is_finished() const noexcept {
    return stage_ == Stage::asking && owed_ == 0;
}

}  // namespace ringcast::bench

// Who is in a topic. As its home: clients enter with the answer to their subscription and exit when
// that has ended, and whoever asks is told. As the shard of clients: what becomes of what they ask,
// and of what the home tells.

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "shard/shard.hpp"
#include "shard/topics.hpp"

namespace ringcast::shard {

namespace {

/// Clients in a list that are as much work as a publication that is handed out.
constexpr std::size_t clients_per_step = 16;

}  // namespace

std::string client_list_of(const hub::Presence& presence, std::string_view topic) {
    std::string list;
    presence.for_each(topic, [&](const ClientInfo& client) { ClientList::append(list, client); });
    return list;
}

// ---- The home ----

/// Those who hear of who comes to `topic` and who goes.
hub::ShardSet Topics::hearers_of(std::string_view topic) {
    const hub::HomeTopics::Topic* const found = home_.find(topic);
    return found == nullptr ? 0 : found->interest();
}

/// True if others have to hear of it.
bool Topics::enter(const Recovery& recovery, StreamAnswer& answer) {
    switch (presence_.put(recovery.topic, {.client = unpack_client(as_bytes(recovery.entering)),
                                           .seen = recovery.seen})) {
        case hub::Presence::Outcome::joined: return recovery.seen.is_announced;
        case hub::Presence::Outcome::updated: return false;
        case hub::Presence::Outcome::too_large:
        case hub::Presence::Outcome::topic_full:
        case hub::Presence::Outcome::shard_full: break;
    }
    ++shard_.metrics_.presence_refused;
    answer.is_crowded = true;
    return false;
}

/// False if it has to wait for room; then nothing has happened.
bool Topics::serve_exit(std::uint32_t source, const Record& record) {
    ClientId client;
    RC_ASSERT(record.payload.size() == sizeof client);
    std::memcpy(&client, record.payload.data(), sizeof client);
    // It may go before it has come.
    for (Recovery& recovery : recoveries_[source]) {
        const bool enters = recovery.topic == record.topic && !recovery.entering.empty();
        if (enters && unpack_client(as_bytes(recovery.entering)).id == client)
            recovery.entering.clear();
    }
    const auto member = presence_.find(record.topic, client);
    if (!member) return true;
    const hub::ShardSet targets = member->seen.is_announced ? hearers_of(record.topic) : 0;
    if (!can_deliver_to(targets)) return false;
    const std::string info = pack(member->client);
    presence_.remove(record.topic, client);
    tell_hearers(targets, RecordKind::exited, record.topic, as_bytes(info));
    return true;
}

void Topics::tell_hearers(hub::ShardSet targets, RecordKind kind, std::string_view topic,
                          std::span<const std::byte> info) {
    for (hub::ShardSet rest = targets; rest != 0; rest &= rest - 1) {
        deliver(static_cast<std::uint32_t>(std::countr_zero(rest)),
                {.kind = kind, .topic = topic, .payload = {}, .info = info});
    }
}

/// Up to `steps`, which it counts down. False if it has to wait. All of the answer stands in one
/// place, so that it is true there.
bool Topics::tell_presence(std::uint32_t source, const Recovery& recovery, std::size_t& steps) {
    if (!can_deliver(source)) {
        blocked_ |= hub::set_of(source);
        return false;
    }
    if (steps == 0) {
        unfinished_ |= hub::set_of(source);
        return false;
    }
    const hub::Presence::Stats counts = presence_.stats(recovery.topic);
    std::string text(sizeof counts, '\0');
    std::memcpy(text.data(), &counts, sizeof counts);
    if (recovery.presence == PresenceQuery::clients)
        text += client_list_of(presence_, recovery.topic);
    steps -= std::min<std::size_t>(steps, 1 + counts.clients / clients_per_step);
    deliver(source, {.kind = RecordKind::present,
                     .number = recovery.round,
                     .topic = {},
                     .payload = as_bytes(text)});
    return true;
}

// ---- The shard of clients ----

bool Topics::ask_presence(const Connection& connection, std::string_view name, PresenceQuery query,
                          std::uint64_t tag) {
    if (questions_ >= questions_max) return false;
    ++questions_;
    ask(home_of(name), {.who = connection.id,
                        .query = {},
                        .topic = std::string{name},
                        .tag = tag,
                        .presence = query});
    return true;
}

void Topics::on_present(std::uint32_t source, const Record& record) {
    const auto inquiry = answered_inquiry(source, record.number);
    if (!inquiry) return;
    --questions_;
    ++shard_.metrics_.presence_answers;
    hub::Presence::Stats counts;
    RC_ASSERT(record.payload.size() >= sizeof counts);
    std::memcpy(&counts, record.payload.data(), sizeof counts);
    shard_.on_presence(inquiry->who,
                       {.topic = inquiry->topic,
                        .tag = inquiry->tag,
                        .is_lost = false,
                        .counts = counts,
                        .clients = ClientList{record.payload.subspan(sizeof counts)}});
}

/// Behind the publications that are under way.
void Topics::on_presence_event(EncodedPublication::What what, const Record& record) {
    hub::LocalTopic* const topic = local_.find(record.topic);
    const bool is_heard =
        topic != nullptr && topic->hears_presence() && topic->home_state() == hub::HomeState::aware;
    if (!is_heard) return;
    ++shard_.metrics_.presence_events;
    fanout_.add(*topic,
                {.publication = {what, topic->name(), info_frame(record.info)}, .publisher = {}},
                record.info.size(), hub::Fanout<Delivery>::Audience::presence_hearers);
}

/// What homes have to be told of subscriptions that have ended. At the end of the server nobody is:
/// the homes end, too.
void Topics::take_departures() {
    for (hub::LocalTopics::Departure& departure : local_.departures()) {
        const Entry entry = entries_.at(departure.entry);
        entries_.erase(departure.entry);
        if (!entry.was_sent || is_flushing_) continue;
        inquiries_[departure.home]->exits.push_back({std::move(departure.topic), entry.client});
        inquiring_ |= hub::set_of(departure.home);
        is_inquiry_new_ = true;
    }
    local_.departures().clear();
}

/// False if there is no room for more.
bool Topics::send_exits(std::uint32_t home) {
    std::deque<Exit>& exits = inquiries_[home]->exits;
    for (; !exits.empty(); exits.pop_front()) {
        const Exit& exit = exits.front();
        if (!send_request(home, {.kind = RecordKind::exit,
                                 .topic = exit.topic,
                                 .payload = std::as_bytes(std::span{exit.client})}))
            return false;
    }
    return true;
}

}  // namespace ringcast::shard

#include "hub/presence.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/hash.hpp"

namespace ringcast::hub {

namespace {

/// Null for nothing at all.
std::unique_ptr<char[]> copy_of(std::string_view first, std::string_view second = {}) {
    if (first.empty() && second.empty()) return nullptr;
    auto text = std::make_unique_for_overwrite<char[]>(first.size() + second.size());
    std::ranges::copy(second, std::ranges::copy(first, text.get()).out);
    return text;
}

}  // namespace

Presence::User::User(SlotId id, std::uint32_t in, std::string_view name)
    : text{copy_of(name)},
      slot{id.slot},
      topic{in},
      size{static_cast<std::uint16_t>(name.size())} {}

Presence::Record::Record(SlotId id, const Topic& in, const Member& member)
    : client{member.client}, slot{id.slot}, topic{in.slot} {
    set(member);
}

void Presence::Record::set(const Member& member) {
    info = copy_of(member.connection_info, member.channel_info);
    connection_info_bytes = static_cast<std::uint16_t>(member.connection_info.size());
    channel_info_bytes = static_cast<std::uint16_t>(member.channel_info.size());
    session_slot = member.session.slot;
    session_generation = member.session.generation;
    shard = static_cast<std::uint8_t>(member.shard);
    is_announced = member.is_announced;
}

Presence::Presence(std::uint64_t seed, const Limits& limits)
    : seed_{seed},
      limits_{limits},
      topics_{limits.clients_max},
      users_{limits.clients_max},
      records_{limits.clients_max},
      topic_index_{topics_},
      user_index_{users_},
      record_index_{records_} {
    RC_ASSERT(limits.member_bytes_max <= UINT16_MAX);
    RC_ASSERT(limits.clients_max < list_bit);
    for (std::uint32_t i = 0; i < lists_.size(); ++i) lists_[i] = {list_bit | i, list_bit | i};
}

Presence::Outcome Presence::put(std::string_view name, const Member& member) {
    RC_ASSERT(member.shard < shards_max);
    const std::size_t texts =
        member.user.size() + member.connection_info.size() + member.channel_info.size();
    if (texts > limits_.member_bytes_max) return Outcome::too_large;
    const std::uint32_t topic = find_topic(name);
    const std::uint32_t slot = topic == no_slot ? no_slot : find_record(topic, member.client);
    return slot == no_slot ? join(name, topic, member) : update(records_.at(slot), member);
}

Presence::Outcome Presence::update(Record& record, const Member& member) {
    RC_ASSERT(users_.at(record.user).name() == member.user);
    Topic& topic = topics_.at(record.topic);
    // Unsigned arithmetic: the difference may be negative.
    const std::uint64_t more =
        member.connection_info.size() + member.channel_info.size() - record.info_bytes();
    const bool grows = static_cast<std::int64_t>(more) > 0;
    if (grows && topic.bytes + more > limits_.topic_bytes_max) return Outcome::topic_full;
    if (grows && bytes_ + more > limits_.bytes_max) return Outcome::shard_full;
    add_bytes(topic, more);
    record.set(member);
    unlink(record);
    link(list_of(member.shard), record);
    return Outcome::updated;
}

/// `topic` is that of `name` if it has members.
Presence::Outcome Presence::join(std::string_view name, std::uint32_t topic_slot,
                                 const Member& member) {
    const bool is_new = topic_slot == no_slot;
    std::uint32_t user = is_new ? no_slot : find_user(topic_slot, member.user);
    std::uint64_t more = member_bytes + member.connection_info.size() + member.channel_info.size();
    if (is_new) more += topic_bytes + name.size();
    if (user == no_slot) more += user_bytes + member.user.size();
    // A place that was left is paid for.
    if (!is_new && topics_.at(topic_slot).first_free != place_none) more -= sizeof(std::uint32_t);
    const std::uint64_t bytes_before = is_new ? 0 : topics_.at(topic_slot).bytes;
    const std::uint32_t clients_before = is_new ? 0 : topics_.at(topic_slot).stats.clients;
    if (clients_before >= limits_.topic_clients_max ||
        bytes_before + more > limits_.topic_bytes_max)
        return Outcome::topic_full;
    if (clients() >= limits_.clients_max || bytes_ + more > limits_.bytes_max)
        return Outcome::shard_full;

    if (is_new) {
        topic_slot = topics_.insert(name)->slot;
        topic_index_.insert(topic_slot, hash_of_topic(name));
    }
    Topic& topic = topics_.at(topic_slot);
    if (user == no_slot) {
        user = users_.insert(topic_slot, member.user)->slot;
        user_index_.insert(user, hash_in(topic_slot, member.user));
        ++topic.stats.users;
    }
    Record& record = *records_.insert(topic, member);
    record.user = user;
    record.joined = ++last_event_;
    ++users_.at(user).members;
    ++topic.stats.clients;
    record_index_.insert(record.slot, hash_of(member.client, topic_slot));
    take_place(topic, record);
    link(list_of(member.shard), record);
    add_bytes(topic, more);
    return Outcome::joined;
}

void Presence::clear(std::string_view name) noexcept {
    const std::uint32_t slot = find_topic(name);
    if (slot == no_slot) return;
    // With its last member the topic goes.
    const Topic& topic = topics_.at(slot);
    for (std::uint32_t place = 0, left = topic.stats.clients; left > 0; ++place) {
        const std::uint32_t record = topic.places[place];
        if ((record & is_free) != 0) continue;
        --left;
        erase(record);
    }
}

std::optional<Member> Presence::find(std::string_view topic, const ClientId& client) const {
    const std::uint32_t slot = find_record(topic, client);
    if (slot == no_slot) return std::nullopt;
    return view_of(records_.at(slot));
}

Presence::Stats Presence::stats(std::string_view topic) const {
    const std::uint32_t slot = find_topic(topic);
    return slot == no_slot ? Stats{} : topics_.at(slot).stats;
}

void Presence::doubt(std::uint32_t shard) noexcept {
    RC_ASSERT(shard < shards_max);
    const std::uint32_t list = list_of(shard), doubted = doubted_list_of(shard);
    const ListLink moved = list_link(list);
    if (moved.next == list) return;
    // Behind those that are in doubt since an earlier time.
    const std::uint32_t last = list_link(doubted).previous;
    list_link(last).next = moved.next;
    list_link(moved.next).previous = last;
    list_link(moved.previous).next = doubted;
    list_link(doubted).previous = moved.previous;
    list_link(list) = {list, list};
}

void Presence::add_bytes(Topic& topic, std::uint64_t bytes) noexcept {
    topic.bytes += bytes;
    bytes_ += bytes;
}

void Presence::take_place(Topic& topic, Record& record) {
    if (topic.first_free == place_none) {
        record.place = static_cast<std::uint32_t>(topic.places.size());
        topic.places.push_back(record.slot);
    } else {
        record.place = topic.first_free;
        topic.first_free = std::exchange(topic.places[record.place], record.slot) & ~is_free;
    }
}

void Presence::erase(std::uint32_t slot) noexcept {
    Record& record = records_.at(slot);
    Topic& topic = topics_.at(record.topic);
    User& user = users_.at(record.user);
    // Its place stays, and stays paid for.
    std::uint64_t less = member_bytes - sizeof(std::uint32_t) + record.info_bytes();
    RC_ASSERT(topic.places[record.place] == slot);
    topic.places[record.place] = is_free | std::exchange(topic.first_free, record.place);
    if (--user.members == 0) {
        less += user_bytes + user.size;
        --topic.stats.users;
        user_index_.remove(user.slot);
        users_.erase(user.slot);
    }
    unlink(record);
    record_index_.remove(slot);
    records_.erase(slot);
    add_bytes(topic, 0 - less);
    if (--topic.stats.clients == 0) erase_topic(topic);
}

void Presence::erase_topic(Topic& topic) noexcept {
    RC_ASSERT(topic.stats.users == 0);
    const std::size_t places = topic.places.size() * sizeof(std::uint32_t);
    add_bytes(topic, 0 - (topic_bytes + topic.name.size() + places));
    RC_ASSERT(topic.bytes == 0);
    topic_index_.remove(topic.slot);
    topics_.erase(topic.slot);
}

std::uint64_t Presence::hash_in(std::uint32_t topic, std::string_view text) const noexcept {
    return hash_bytes(text, seed_ + topic);
}

std::uint64_t Presence::hash_of(const ClientId& client, std::uint32_t topic) const noexcept {
    return hash_in(topic, {reinterpret_cast<const char*>(client.data()), client.size()});
}

/// With another seed than home_of(): all topics here have one home, so by that hash they would
/// crowd into a few buckets.
std::uint64_t Presence::hash_of_topic(std::string_view name) const noexcept {
    return hash_bytes(name, ~seed_);
}

std::uint32_t Presence::find_topic(std::string_view name) const noexcept {
    return topic_index_.find(hash_of_topic(name),
                             [&](const Topic& topic) { return topic.name == name; });
}

std::uint32_t Presence::find_user(std::uint32_t topic, std::string_view name) const {
    return user_index_.find(hash_in(topic, name), [&](const User& user) {
        return user.topic == topic && user.name() == name;
    });
}

std::uint32_t Presence::find_record(std::uint32_t topic, const ClientId& client) const {
    return record_index_.find(hash_of(client, topic), [&](const Record& record) {
        return record.topic == topic && record.client == client;
    });
}

std::uint32_t Presence::find_record(std::string_view topic, const ClientId& client) const {
    const std::uint32_t slot = find_topic(topic);
    return slot == no_slot ? no_slot : find_record(slot, client);
}

Member Presence::view_of(const Record& record) const noexcept {
    const std::string_view info{record.info.get(), record.info_bytes()};
    return {.client = record.client,
            .user = users_.at(record.user).name(),
            .connection_info = info.substr(0, record.connection_info_bytes),
            .channel_info = info.substr(record.connection_info_bytes),
            .shard = record.shard,
            .session = {.slot = record.session_slot, .generation = record.session_generation},
            .is_announced = record.is_announced,
            .joined = record.joined};
}

Presence::ListLink& Presence::list_link(std::uint32_t slot) noexcept {
    return (slot & list_bit) != 0 ? lists_[slot & ~list_bit] : records_.at(slot).of_shard;
}

void Presence::link(std::uint32_t list, Record& record) noexcept {
    ListLink& head = list_link(list);
    record.of_shard = {.previous = head.previous, .next = list};
    list_link(head.previous).next = record.slot;
    head.previous = record.slot;
}

void Presence::unlink(Record& record) noexcept {
    list_link(record.of_shard.previous).next = record.of_shard.next;
    list_link(record.of_shard.next).previous = record.of_shard.previous;
}

}  // namespace ringcast::hub

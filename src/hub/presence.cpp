#include "hub/presence.hpp"

#include <algorithm>

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

std::size_t info_bytes_of(const ClientInfo& client) noexcept {
    return client.connection.size() + client.channel.size();
}

}  // namespace

Presence::User::User(SlotId id, std::uint32_t in, std::string_view name)
    : text{copy_of(name)},
      slot{id.slot},
      topic{in},
      size{static_cast<std::uint16_t>(name.size())} {}

Presence::Record::Record(SlotId id, const Topic& in, const Member& member)
    : client{member.client.id}, slot{id.slot}, topic{in.slot} {
    set(member);
}

void Presence::Record::set(const Member& member) {
    info = copy_of(member.client.connection, member.client.channel);
    connection_info_bytes = static_cast<std::uint16_t>(member.client.connection.size());
    channel_info_bytes = static_cast<std::uint16_t>(member.client.channel.size());
    seen = member.seen;
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
}

Presence::Outcome Presence::put(std::string_view name, const Member& member) {
    if (member.client.user.size() + info_bytes_of(member.client) > limits_.member_bytes_max)
        return Outcome::too_large;
    const std::uint32_t topic = find_topic(name);
    const std::uint32_t slot = topic == no_slot ? no_slot : find_record(topic, member.client.id);
    return slot == no_slot ? join(name, topic, member) : update(records_.at(slot), member);
}

Presence::Outcome Presence::update(Record& record, const Member& member) {
    RC_ASSERT(users_.at(record.user).name() == member.client.user);
    Topic& topic = topics_.at(record.topic);
    // Unsigned arithmetic: the difference may be negative.
    const std::uint64_t more = info_bytes_of(member.client) - record.info_bytes();
    const bool grows = static_cast<std::int64_t>(more) > 0;
    if (grows && topic.bytes + more > limits_.topic_bytes_max) return Outcome::topic_full;
    if (grows && bytes_ + more > limits_.bytes_max) return Outcome::shard_full;
    add_bytes(topic, more);
    unlist(record);
    record.set(member);
    list(record);
    return Outcome::updated;
}

/// `topic` is that of `name` if it has members.
Presence::Outcome Presence::join(std::string_view name, std::uint32_t topic_slot,
                                 const Member& member) {
    const bool is_new = topic_slot == no_slot;
    const std::string_view user_name = member.client.user;
    std::uint32_t user = is_new ? no_slot : find_user(topic_slot, user_name);
    std::uint64_t more = member_bytes + info_bytes_of(member.client);
    if (is_new) more += topic_bytes + name.size();
    if (user == no_slot) more += user_bytes + user_name.size();
    const std::uint64_t bytes_before = is_new ? 0 : topics_.at(topic_slot).bytes;
    const std::size_t clients_before = is_new ? 0 : topics_.at(topic_slot).members.size();
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
        user = users_.insert(topic_slot, user_name)->slot;
        user_index_.insert(user, hash_in(topic_slot, user_name));
    }
    Record& record = *records_.insert(topic, member);
    record.user = user;
    record.place = static_cast<std::uint32_t>(topic.members.size());
    topic.members.push_back(record.slot);
    ++users_.at(user).members;
    list(record);
    record_index_.insert(record.slot, hash_of(member.client.id, topic_slot));
    add_bytes(topic, more);
    return Outcome::joined;
}

bool Presence::remove(std::string_view topic, const ClientId& client) noexcept {
    const std::uint32_t slot = find_record(topic, client);
    if (slot == no_slot) return false;
    erase(slot);
    return true;
}

std::optional<Presence::Member> Presence::find(std::string_view topic,
                                               const ClientId& client) const {
    const std::uint32_t slot = find_record(topic, client);
    if (slot == no_slot) return std::nullopt;
    const Record& record = records_.at(slot);
    return Member{.client = info_of(record), .seen = record.seen};
}

Presence::Stats Presence::stats(std::string_view name) const {
    const std::uint32_t slot = find_topic(name);
    return slot == no_slot ? Stats{} : topics_.at(slot).listed;
}

void Presence::add_bytes(Topic& topic, std::uint64_t bytes) noexcept {
    topic.bytes += bytes;
    bytes_ += bytes;
}

void Presence::list(Record& record) noexcept {
    if (!record.seen.is_listed) return;
    Stats& listed = topics_.at(record.topic).listed;
    ++listed.clients;
    if (users_.at(record.user).listed++ == 0) ++listed.users;
}

void Presence::unlist(Record& record) noexcept {
    if (!record.seen.is_listed) return;
    Stats& listed = topics_.at(record.topic).listed;
    --listed.clients;
    if (--users_.at(record.user).listed == 0) --listed.users;
}

void Presence::erase(std::uint32_t slot) noexcept {
    Record& record = records_.at(slot);
    Topic& topic = topics_.at(record.topic);
    User& user = users_.at(record.user);
    std::uint64_t less = member_bytes + record.info_bytes();
    unlist(record);
    RC_ASSERT(topic.members[record.place] == slot);
    records_.at(topic.members.back()).place = record.place;
    topic.members[record.place] = topic.members.back();
    topic.members.pop_back();
    if (--user.members == 0) {
        less += user_bytes + user.size;
        user_index_.remove(user.slot);
        users_.erase(user.slot);
    }
    record_index_.remove(slot);
    records_.erase(slot);
    add_bytes(topic, 0 - less);
    if (topic.members.empty()) erase_topic(topic);
}

void Presence::erase_topic(Topic& topic) noexcept {
    RC_ASSERT(topic.listed == Stats{});
    add_bytes(topic, 0 - (topic_bytes + topic.name.size()));
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

ClientInfo Presence::info_of(const Record& record) const noexcept {
    const std::string_view info{record.info.get(), record.info_bytes()};
    return {.id = record.client,
            .user = users_.at(record.user).name(),
            .connection = info.substr(0, record.connection_info_bytes),
            .channel = info.substr(record.connection_info_bytes)};
}

}  // namespace ringcast::hub

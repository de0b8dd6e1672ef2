#pragma once
// Who is in a topic: the members of all topics that have their home on one shard, kept there so
// that everyone sees the same list. A member is a client, that is one connection, of some user; a
// user with several connections counts as one.
//
//   Topic "chat":  places [ member 4 ] [ free ] [ member 9 ] [ member 2 ]
//                               |                 ^ a Cursor: told up to here
//   Member: client, session and shard, info  -->  User "ann", 2 members
//   shard 3:  member 4 <-> member 2 <-> ...       shard 3, in doubt:  member 9
//
// Iteration goes by place. A member keeps its place for as long as it stays, so whatever joins and
// leaves between two portions of a reply, nobody who stays is missed or told twice.
//
// Clients of a shard that was stalled may have left, and the word of it be lost. Its members are
// then in doubt: they count as before, so that nobody is told that they left; when the shard tells
// them anew they are so no longer, and what is left in doubt in the end is removed.
//
// Each join and each leave is an event with a number, larger than all before it on this shard; see
// presence_events.hpp.
//
// Bytes: a member takes 96 (its slot 80 + 8, bucket 4, place 4), a user of a topic 44 and a topic
// 100, and each of them its text. 1,000,000 members that are all different users of 10-byte names,
// with 40 bytes of info, take 190 MB as counted, and 220 MB measured, with malloc's rounding. As
// 1,000 connections of one user in each of 1,000 topics, with no info, they take 97 MB.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/client_info.hpp"
#include "base/slab.hpp"
#include "hub/home_topics.hpp"
#include "hub/slot_index.hpp"

namespace ringcast::hub {

/// One client in one topic, as it is told and as it is asked for. Views are valid until the next
/// change.
struct Member {
    ClientId client{};
    std::string_view user;                           ///< "" is all who are anonymous: one user.
    std::string_view connection_info, channel_info;  ///< Opaque here; may be empty.
    std::uint32_t shard = 0;
    SlotId session;
    bool is_announced = false;  ///< Others are told that it comes and goes.
    std::uint64_t joined = 0;   ///< The number of that event; given by put().
};

/// One per shard, for that shard's thread. Steady members cost no allocation; a join costs up to
/// two, for its texts.
class Presence {
public:
    struct Limits {
        std::uint32_t clients_max = 1'000'000;      ///< Of this shard, over all topics.
        std::uint32_t topic_clients_max = 10'000;   ///< More are a crowd that nobody lists.
        std::uint64_t bytes_max = 64 << 20;         ///< Of this shard, as bytes() counts.
        std::uint64_t topic_bytes_max = 8 << 20;    ///< So that one topic does not take it all.
        std::uint32_t member_bytes_max = 32 << 10;  ///< User and infos of one member; under 64 KiB.
    };
    enum class Outcome : std::uint8_t {
        joined,
        updated,     ///< Was there already: has the new infos and session.
        too_large,   ///< More than member_bytes_max. This and the next ones changed nothing.
        topic_full,  ///< As many clients or bytes as one topic may have.
        shard_full,  ///< Or all topics of this shard.
    };
    struct Stats {
        std::uint32_t clients = 0;
        std::uint32_t users = 0;
        friend bool operator==(const Stats&, const Stats&) = default;
    };
    /// How far a list has been told. Plain data, which may be kept for as long as wanted.
    struct Cursor {
        std::uint32_t place = 0;
        bool is_at_end = false;
    };
    struct Unnoticed {
        void operator()(std::string_view, const Member&) const noexcept {}
    };

    /// `seed` is secret.
    Presence(std::uint64_t seed, const Limits& limits);
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

    /// `member` is in `topic` from now on, or is so in another way. The user of a client is always
    /// the same. It is not in doubt any more, if it was.
    [[nodiscard]] Outcome put(std::string_view topic, const Member& member);
    /// Calls `left(topic, member)` just before it is gone; last_event() is the number of its
    /// leaving. False if it was not there.
    template <class Left = Unnoticed>
    bool remove(std::string_view topic, const ClientId& client, Left&& left = {});
    /// Forgets the topic and all its members, which is no event: nobody is left to be told.
    void clear(std::string_view topic) noexcept;
    [[nodiscard]] std::optional<Member> find(std::string_view topic, const ClientId& client) const;
    [[nodiscard]] Stats stats(std::string_view topic) const;

    /// Calls `tell(member)`, which says whether there was room for it, for members of `topic` from
    /// `from` on; stops at the first for which there was none, or behind `steps_max` places.
    /// Returns where to go on.
    template <class Tell>
    [[nodiscard]] Cursor visit(std::string_view topic, Cursor from, std::size_t steps_max,
                               Tell&& tell) const;

    /// What `shard` has told is in doubt from now on.
    void doubt(std::uint32_t shard) noexcept;
    /// The shard has told everything anew, or is gone for good: removes up to `count_max` of its
    /// members that are in doubt still, each with `left(topic, member)`. True if that was all.
    template <class Left = Unnoticed>
    bool remove_doubted(std::uint32_t shard, std::size_t count_max, Left&& left = {});

    /// The newest join or leave of any topic here; the first one is 1.
    [[nodiscard]] std::uint64_t last_event() const noexcept { return last_event_; }
    [[nodiscard]] std::uint32_t clients() const noexcept { return records_.size(); }
    [[nodiscard]] std::uint32_t topics() const noexcept { return topics_.size(); }
    /// All that members, users and topics take at least, places that are free included.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    struct Topic {
        explicit Topic(SlotId id, std::string_view text) : name{text}, slot{id.slot} {}
        const std::string name;
        std::vector<std::uint32_t> places;  // A member's slot, or is_free and the next free place.
        std::uint64_t bytes = 0;            // Its part of bytes_.
        IndexLink link;
        const std::uint32_t slot;
        std::uint32_t first_free = place_none;
        Stats stats;
    };
    struct User {
        User(SlotId id, std::uint32_t in, std::string_view name);
        [[nodiscard]] std::string_view name() const noexcept { return {text.get(), size}; }
        std::unique_ptr<char[]> text;
        IndexLink link;
        const std::uint32_t slot, topic;
        std::uint32_t members = 0;
        std::uint16_t size;
    };
    /// In a circular list through slots; list heads are slots from list_bit on.
    struct ListLink {
        std::uint32_t previous, next;
    };
    struct Record {
        Record(SlotId id, const Topic& in, const Member& member);
        void set(const Member& member);
        [[nodiscard]] std::size_t info_bytes() const noexcept {
            return std::size_t{connection_info_bytes} + channel_info_bytes;
        }
        ClientId client;
        std::unique_ptr<char[]> info;  // Of the connection, then of the channel.
        IndexLink link;
        ListLink of_shard{};
        std::uint64_t joined = 0;
        const std::uint32_t slot, topic;
        std::uint32_t user = no_slot;
        std::uint32_t place = 0;
        std::uint32_t session_slot;
        std::uint16_t session_generation;
        std::uint16_t connection_info_bytes, channel_info_bytes;
        std::uint8_t shard;
        bool is_announced;
    };
    static_assert(sizeof(Record) == 80);

    static constexpr std::uint32_t is_free = 1u << 31, place_none = is_free - 1;
    static constexpr std::uint32_t list_bit = 1u << 31;

public:
    static constexpr std::size_t member_bytes =
        Slab<Record>::bytes_per_slot + SlotIndex<Record>::bytes_per_object + sizeof(std::uint32_t);
    static constexpr std::size_t user_bytes =
        Slab<User>::bytes_per_slot + SlotIndex<User>::bytes_per_object;
    static constexpr std::size_t topic_bytes =
        Slab<Topic>::bytes_per_slot + SlotIndex<Topic>::bytes_per_object;
    static_assert(member_bytes == 96 && user_bytes == 44 && topic_bytes == 100);

private:
    [[nodiscard]] std::uint64_t hash_in(std::uint32_t topic, std::string_view text) const noexcept;
    [[nodiscard]] std::uint64_t hash_of(const ClientId& client, std::uint32_t topic) const noexcept;
    [[nodiscard]] std::uint64_t hash_of_topic(std::string_view name) const noexcept;
    [[nodiscard]] std::uint32_t find_topic(std::string_view name) const noexcept;
    [[nodiscard]] std::uint32_t find_user(std::uint32_t topic, std::string_view name) const;
    [[nodiscard]] std::uint32_t find_record(std::uint32_t topic, const ClientId& client) const;
    [[nodiscard]] std::uint32_t find_record(std::string_view topic, const ClientId& client) const;
    [[nodiscard]] Member view_of(const Record& record) const noexcept;
    [[nodiscard]] Outcome update(Record& record, const Member& member);
    [[nodiscard]] Outcome join(std::string_view name, std::uint32_t topic, const Member& member);
    void add_bytes(Topic& topic, std::uint64_t bytes) noexcept;
    void take_place(Topic& topic, Record& record);
    void erase(std::uint32_t slot) noexcept;
    void erase_topic(Topic& topic) noexcept;

    [[nodiscard]] ListLink& list_link(std::uint32_t slot) noexcept;
    void link(std::uint32_t list, Record& record) noexcept;
    void unlink(Record& record) noexcept;
    static constexpr std::uint32_t list_of(std::uint32_t shard) { return list_bit | shard; }
    static constexpr std::uint32_t doubted_list_of(std::uint32_t shard) {
        return list_bit | (shards_max + shard);
    }

    const std::uint64_t seed_;
    const Limits limits_;
    Slab<Topic> topics_;
    Slab<User> users_;
    Slab<Record> records_;
    SlotIndex<Topic> topic_index_;
    SlotIndex<User> user_index_;
    SlotIndex<Record> record_index_;
    std::array<ListLink, 2 * shards_max> lists_;
    std::uint64_t bytes_ = 0;
    std::uint64_t last_event_ = 0;
};

template <class Left>
bool Presence::remove(std::string_view topic, const ClientId& client, Left&& left) {
    const std::uint32_t slot = find_record(topic, client);
    if (slot == no_slot) return false;
    ++last_event_;
    left(topic, view_of(records_.at(slot)));
    erase(slot);
    return true;
}

template <class Tell>
Presence::Cursor Presence::visit(std::string_view name, Cursor from, std::size_t steps_max,
                                 Tell&& tell) const {
    const std::uint32_t slot = find_topic(name);
    if (slot == no_slot || from.is_at_end) return {.place = 0, .is_at_end = true};
    const Topic& topic = topics_.at(slot);
    for (; from.place < topic.places.size() && steps_max > 0; ++from.place, --steps_max) {
        const std::uint32_t record = topic.places[from.place];
        if ((record & is_free) == 0 && !tell(view_of(records_.at(record)))) return from;
    }
    from.is_at_end = from.place >= topic.places.size();
    return from;
}

template <class Left>
bool Presence::remove_doubted(std::uint32_t shard, std::size_t count_max, Left&& left) {
    const std::uint32_t list = doubted_list_of(shard);
    for (; count_max > 0 && list_link(list).next != list; --count_max) {
        const std::uint32_t slot = list_link(list).next;
        const Record& record = records_.at(slot);
        ++last_event_;
        left(std::string_view{topics_.at(record.topic).name}, view_of(record));
        erase(slot);
    }
    return list_link(list).next == list;
}

}  // namespace ringcast::hub

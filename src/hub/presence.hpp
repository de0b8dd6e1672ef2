#pragma once
// Who is in a topic: the clients of all topics that have their home on one shard, kept there so
// that everyone sees the same list. A client is one connection, of some user; a user with several
// connections counts as one.
//
//   Topic "chat":  members [ 4 ] [ 9 ] [ 2 ]
//                            |
//   Member: client, infos ---+--> User "ann", 2 members
//
// Bytes: a member takes 72 (its slot 56 + 8, bucket 4, place 4), a user of a topic 52 and a topic
// 100, and each of them its text. 1,000,000 members that are all different users of 10-byte names,
// with 40 bytes of info, take 174 MB as counted. As 1,000 connections of one user in each of 1,000
// topics, with no info, they take 72 MB.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/client_info.hpp"
#include "base/slab.hpp"
#include "hub/slot_index.hpp"

namespace ringcast::hub {

/// What others see of a client in a topic.
struct Visibility {
    bool is_listed = true;      ///< Whoever asks is told that it is there.
    bool is_announced = false;  ///< Others are told that it comes, and that it goes.
};

/// One per shard, for that shard's thread. Steady members cost no allocation; a join costs up to
/// two, for its texts. Of a ClientInfo `connection` and `channel` are opaque here.
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
        updated,     ///< Was there already: has the new infos.
        too_large,   ///< More than member_bytes_max. This and the next ones changed nothing.
        topic_full,  ///< As many clients or bytes as one topic may have.
        shard_full,  ///< Or all topics of this shard.
    };
    struct Stats {
        std::uint32_t clients = 0;
        std::uint32_t users = 0;
        friend bool operator==(const Stats&, const Stats&) = default;
    };
    struct Member {
        ClientInfo client;  ///< Views that are valid until the next change.
        Visibility seen;
    };

    /// `seed` is secret.
    Presence(std::uint64_t seed, const Limits& limits);
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

    /// `member` is in `topic` from now on, or is so in another way. The user of a client is always
    /// the same; all who are anonymous are one user.
    [[nodiscard]] Outcome put(std::string_view topic, const Member& member);
    /// False if it was not there.
    bool remove(std::string_view topic, const ClientId& client) noexcept;
    [[nodiscard]] std::optional<Member> find(std::string_view topic, const ClientId& client) const;
    /// Of those who are listed; as for_each().
    [[nodiscard]] Stats stats(std::string_view topic) const;
    /// Calls `visit(ClientInfo)` for each client in `topic`, in no particular order.
    template <class Visit>
    void for_each(std::string_view topic, Visit&& visit) const;

    [[nodiscard]] std::uint32_t clients() const noexcept { return records_.size(); }
    [[nodiscard]] std::uint32_t topics() const noexcept { return topics_.size(); }
    /// All that members, users and topics take at least.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    struct Topic {
        explicit Topic(SlotId id, std::string_view text) : name{text}, slot{id.slot} {}
        const std::string name;
        std::vector<std::uint32_t> members;  // Their slots.
        std::uint64_t bytes = 0;             // Its part of bytes_.
        IndexLink link;
        const std::uint32_t slot;
        Stats listed;
    };
    struct User {
        User(SlotId id, std::uint32_t in, std::string_view name);
        [[nodiscard]] std::string_view name() const noexcept { return {text.get(), size}; }
        std::unique_ptr<char[]> text;
        IndexLink link;
        const std::uint32_t slot, topic;
        std::uint32_t members = 0, listed = 0;
        std::uint16_t size;
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
        const std::uint32_t slot, topic;
        std::uint32_t user = no_slot;
        std::uint32_t place = 0;  // Among the topic's members.
        std::uint16_t connection_info_bytes, channel_info_bytes;
        Visibility seen;
    };
    static_assert(sizeof(Record) == 56);

public:
    static constexpr std::size_t member_bytes =
        Slab<Record>::bytes_per_slot + SlotIndex<Record>::bytes_per_object + sizeof(std::uint32_t);
    static constexpr std::size_t user_bytes =
        Slab<User>::bytes_per_slot + SlotIndex<User>::bytes_per_object;
    static constexpr std::size_t topic_bytes =
        Slab<Topic>::bytes_per_slot + SlotIndex<Topic>::bytes_per_object;
    static_assert(member_bytes == 72 && user_bytes == 52 && topic_bytes == 100);

private:
    [[nodiscard]] std::uint64_t hash_in(std::uint32_t topic, std::string_view text) const noexcept;
    [[nodiscard]] std::uint64_t hash_of(const ClientId& client, std::uint32_t topic) const noexcept;
    [[nodiscard]] std::uint64_t hash_of_topic(std::string_view name) const noexcept;
    [[nodiscard]] std::uint32_t find_topic(std::string_view name) const noexcept;
    [[nodiscard]] std::uint32_t find_user(std::uint32_t topic, std::string_view name) const;
    [[nodiscard]] std::uint32_t find_record(std::uint32_t topic, const ClientId& client) const;
    [[nodiscard]] std::uint32_t find_record(std::string_view topic, const ClientId& client) const;
    [[nodiscard]] ClientInfo info_of(const Record& record) const noexcept;
    [[nodiscard]] Outcome update(Record& record, const Member& member);
    [[nodiscard]] Outcome join(std::string_view name, std::uint32_t topic, const Member& member);
    void add_bytes(Topic& topic, std::uint64_t bytes) noexcept;
    void list(Record& record) noexcept;
    void unlist(Record& record) noexcept;
    void erase(std::uint32_t slot) noexcept;
    void erase_topic(Topic& topic) noexcept;

    const std::uint64_t seed_;
    const Limits limits_;
    Slab<Topic> topics_;
    Slab<User> users_;
    Slab<Record> records_;
    SlotIndex<Topic> topic_index_;
    SlotIndex<User> user_index_;
    SlotIndex<Record> record_index_;
    std::uint64_t bytes_ = 0;
};

template <class Visit>
void Presence::for_each(std::string_view name, Visit&& visit) const {
    const std::uint32_t slot = find_topic(name);
    if (slot == no_slot) return;
    for (const std::uint32_t member : topics_.at(slot).members) {
        const Record& record = records_.at(member);
        if (record.seen.is_listed) visit(info_of(record));
    }
}

}  // namespace ringcast::hub

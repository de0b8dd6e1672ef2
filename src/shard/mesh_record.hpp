#pragma once
// What shards tell each other, as bytes in the lanes of the mesh.
//
//   | kind | publication kind | topic bytes | - | payload bytes | number | publisher | info bytes |
//     1      1                  1             1   4               8        6           2
//   .. | topic | payload, info; or the address of a block of both |
//
// Lanes stay inside one process, so numbers are in host order.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/publication.hpp"
#include "base/shared_payload.hpp"
#include "base/slab.hpp"
#include "hub/presence.hpp"
#include "hub/stream_cursor.hpp"
#include "ringcast/topic.hpp"

namespace ringcast::shard {

enum class RecordKind : std::uint8_t {
    // Requests, towards a topic's home.
    join,     ///< The sender wants the topic's publications. `number` comes back in the reply.
    leave,    ///< It does not any more.
    publish,  ///< One publication.
    inquire,  ///< Of what is kept: `payload` is a StreamInquiry. `number`: see `answered`. With
              ///< that the client `info` enters the topic, if there is one.
    inquire_presence,  ///< Who is there: `payload` is a PresenceQuery. `number`: see `present`.
    exit,              ///< The client of the id in `payload` is not there any more.
    flush,             ///< Last request before an end: everything accepted is before it.
    // Deliveries, from a topic's home.
    joined,       ///< The reply to join `number`: publications behind it are for the receiver.
    refused,      ///< The reply to join `number`: there are too many topics.
    publication,  ///< One publication; `number` is its offset.
    stored,       ///< One publication that an inquiry asked for; `number` is its offset.
    answered,     ///< The end of an inquiry, whose `number` comes back; `payload`: StreamAnswer. If
                  ///< others hear that a client has entered, that stands for it here.
    present,    ///< Who is there: `number` comes back; `payload`: hub::Presence::Stats, ClientList.
    entered,    ///< The client `info` has entered a topic.
    exited,     ///< Or is not there any more.
    published,  ///< The reply to a publish with a `publisher`, where nobody hears it.
    gap,        ///< Deliveries of this home were dropped here.
    flushed,    ///< Last delivery before an end.
};

/// What an inquiry asks.
struct StreamInquiry {
    hub::StreamQuery query;
    hub::Visibility seen;  ///< Of the client that enters.
};

/// What an inquiry ends with. What it asked for stands before it.
struct StreamAnswer {
    hub::Position top;  ///< Of the newest publication, at this place in the order of deliveries.
    hub::StreamResult result = hub::StreamResult::complete;
    bool is_crowded = false;  ///< Who wanted to enter found no place.
};

struct Record {
    RecordKind kind = RecordKind::publish;
    PublicationKind publication_kind = PublicationKind::text;
    std::uint64_t number = 0;
    /// The session that waits until all before and including this publication has been passed on;
    /// in a delivery, only on the shard that it is on. See Topics::publish().
    SlotId publisher{};
    std::string_view topic;
    std::span<const std::byte> payload;  ///< Of the record itself, or of `block`.
    /// Likewise: what goes with a publication, as a packed PublicationInfo, or a client that comes
    /// or goes, as a packed ClientInfo.
    std::span<const std::byte> info{};
    SharedPayload* block = nullptr;  ///< Not null: one reference travels with the record.
};

/// Bytes of the record on a lane.
[[nodiscard]] std::size_t record_bytes(const Record& record) noexcept;
/// Bytes of one whose topic is the longest, and whose payload and info are so long together.
[[nodiscard]] std::size_t record_bytes_max(std::size_t payload_bytes) noexcept;
/// Writes it to `target`, which has record_bytes(record) bytes.
void write_record(std::byte* target, const Record& record) noexcept;
/// Views into `bytes`.
[[nodiscard]] Record read_record(std::span<const std::byte> bytes) noexcept;

}  // namespace ringcast::shard

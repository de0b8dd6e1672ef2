#include "shard/mesh_record.hpp"

#include <cstring>

#include "base/assert.hpp"
#include "base/client_info.hpp"
#include "base/publication_info.hpp"

namespace ringcast::shard {

namespace {

struct Head {
    RecordKind kind;
    PublicationKind publication_kind;
    std::uint8_t topic_bytes;
    bool has_block;
    std::uint32_t payload_bytes;
    std::uint64_t number;
    std::uint32_t publisher_slot;
    std::uint16_t publisher_generation;
    std::uint16_t info_bytes;
};
static_assert(sizeof(Head) == 24);
static_assert(topic_bytes_max <= UINT8_MAX);
constexpr std::size_t info_bytes_max = UINT16_MAX;
static_assert(ClientInfo::packed_bytes_max <= info_bytes_max);
static_assert(untagged.size() + Tags::packed_bytes_max + sizeof(ClientId) + 3 +
                  ClientInfo::user_bytes_max + 2 * ClientInfo::info_bytes_max <=
              info_bytes_max);

}  // namespace

std::size_t record_bytes(const Record& record) noexcept {
    return sizeof(Head) + record.topic.size() +
           (record.block != nullptr ? sizeof record.block
                                    : record.payload.size() + record.info.size());
}

std::size_t record_bytes_max(std::size_t payload_bytes) noexcept {
    return sizeof(Head) + topic_bytes_max + payload_bytes;
}

void write_record(std::byte* target, const Record& record) noexcept {
    RC_ASSERT(record.topic.size() <= topic_bytes_max);
    RC_ASSERT(record.info.size() <= info_bytes_max);
    const Head head{.kind = record.kind,
                    .publication_kind = record.publication_kind,
                    .topic_bytes = static_cast<std::uint8_t>(record.topic.size()),
                    .has_block = record.block != nullptr,
                    .payload_bytes = static_cast<std::uint32_t>(record.payload.size()),
                    .number = record.number,
                    .publisher_slot = record.publisher.slot,
                    .publisher_generation = record.publisher.generation,
                    .info_bytes = static_cast<std::uint16_t>(record.info.size())};
    std::memcpy(target, &head, sizeof head);
    target += sizeof head;
    if (!record.topic.empty()) std::memcpy(target, record.topic.data(), record.topic.size());
    target += record.topic.size();
    if (record.block != nullptr) {
        std::memcpy(target, &record.block, sizeof record.block);
        return;
    }
    if (!record.payload.empty()) std::memcpy(target, record.payload.data(), record.payload.size());
    target += record.payload.size();
    if (!record.info.empty()) std::memcpy(target, record.info.data(), record.info.size());
}

Record read_record(std::span<const std::byte> bytes) noexcept {
    Head head;
    RC_ASSERT(bytes.size() >= sizeof head);
    std::memcpy(&head, bytes.data(), sizeof head);
    bytes = bytes.subspan(sizeof head);
    Record record{.kind = head.kind,
                  .publication_kind = head.publication_kind,
                  .number = head.number,
                  .publisher = {head.publisher_slot, head.publisher_generation},
                  .topic = {reinterpret_cast<const char*>(bytes.data()), head.topic_bytes},
                  .payload = {},
                  .block = nullptr};
    bytes = bytes.subspan(head.topic_bytes);
    if (head.has_block) {
        RC_ASSERT(bytes.size() >= sizeof record.block);  // A block may take more room than that.
        std::memcpy(&record.block, bytes.data(), sizeof record.block);
        record.payload = record.block->bytes();
        record.info = record.block->info();
    } else {
        RC_ASSERT(bytes.size() == std::size_t{head.payload_bytes} + head.info_bytes);
        record.payload = bytes.first(head.payload_bytes);
        record.info = bytes.subspan(head.payload_bytes);
    }
    return record;
}

}  // namespace ringcast::shard

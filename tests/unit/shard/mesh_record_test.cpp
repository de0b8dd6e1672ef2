#include "shard/mesh_record.hpp"

#include <cstring>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "unit/shard/mesh_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

/// What is read of `record` after it was written; views into `memory`.
Record round_trip(const Record& record, std::vector<std::byte>& memory) {
    memory.assign(record_bytes(record) + 8, std::byte{'!'});
    write_record(memory.data(), record);
    for (std::size_t i = record_bytes(record); i < memory.size(); ++i)
        REQUIRE(memory[i] == std::byte{'!'});
    return read_record(std::span{memory}.first(record_bytes(record)));
}

}  // namespace

TEST_CASE("a record comes back as it was written, whatever its kind and sizes") {
    std::vector<std::byte> memory;
    for (const RecordKind kind :
         {RecordKind::join, RecordKind::leave, RecordKind::publish, RecordKind::inquire,
          RecordKind::inquire_presence, RecordKind::exit, RecordKind::present, RecordKind::entered,
          RecordKind::exited, RecordKind::flush, RecordKind::stored, RecordKind::answered,
          RecordKind::joined, RecordKind::refused, RecordKind::publication, RecordKind::published,
          RecordKind::gap, RecordKind::flushed}) {
        for (const std::size_t topic_bytes : {0u, 1u, 8u, 254u, 255u}) {
            for (const std::size_t payload_bytes : {0u, 1u, 7u, 8u, 4096u}) {
                for (const std::uint64_t number : {std::uint64_t{0}, UINT64_MAX}) {
                    const std::string info(number == 0 ? 0 : payload_bytes % 1000, 'i');
                    const std::string topic(topic_bytes, 't');
                    const std::string payload(payload_bytes, 'p');
                    const Record written{.kind = kind,
                                         .publication_kind = PublicationKind::binary,
                                         .number = number,
                                         .publisher = {.slot = UINT32_MAX, .generation = 7},
                                         .topic = topic,
                                         .payload = bytes_of(payload),
                                         .info = bytes_of(info)};
                    REQUIRE(record_bytes(written) <= record_bytes_max(payload_bytes + info.size()));
                    const Record read = round_trip(written, memory);
                    REQUIRE(read.kind == kind);
                    REQUIRE(read.publication_kind == PublicationKind::binary);
                    REQUIRE(read.number == number);
                    REQUIRE(read.publisher == written.publisher);
                    REQUIRE(read.topic == topic);
                    REQUIRE(text_of(read.payload) == payload);
                    REQUIRE(text_of(read.info) == info);
                    REQUIRE(read.block == nullptr);
                }
            }
        }
    }
}

TEST_CASE("of a block only the pointer travels, and the payload is read where it lies") {
    BufferPool pool;
    PayloadReturn home;
    const std::string payload(100'000, 'p');
    SharedPayload& block = SharedPayload::make(pool, home, bytes_of(payload), bytes_of("who"));
    std::vector<std::byte> memory;
    const Record written{.kind = RecordKind::publish,
                         .topic = "a",
                         .payload = block.bytes(),
                         .info = block.info(),
                         .block = &block};
    CHECK(record_bytes(written) <= record_bytes_max(sizeof(void*)));
    const Record read = round_trip(written, memory);
    CHECK(read.block == &block);
    CHECK(read.payload.data() == block.bytes().data());
    CHECK(text_of(read.payload) == payload);
    CHECK(text_of(read.info) == "who");
    CHECK(read.topic == "a");
    // It may take more room on a lane than it needs.
    memory.resize(memory.size() + 1000);
    CHECK(read_record(memory).block == &block);
    read.block->release();
    home.free_all();
    CHECK(pool.blocks_in_use() == 0);
}

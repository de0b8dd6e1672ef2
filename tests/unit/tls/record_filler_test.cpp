#include "tls/record_filler.hpp"

#include <doctest/doctest.h>
#include <string>

#include "tls_kit.hpp"

namespace ringcast::tls {

namespace {

/// The pieces of `text` through a filler; the records they became.
std::size_t records_of(Connected& ends, std::string_view text, std::size_t piece_bytes) {
    ends.server.output.appends = 0;
    RecordFiller filler{ends.server.stream, ends.server.output};
    while (!text.empty()) {
        const std::string_view piece = text.substr(0, piece_bytes);
        CHECK(filler.append(std::as_bytes(std::span{piece})));
        text.remove_prefix(piece.size());
    }
    CHECK(filler.finish());
    return ends.server.output.appends;
}

}  // namespace

TEST_CASE("pieces of any size fill records, and arrive in order") {
    for (const std::size_t size : {1u, 16383u, 16384u, 16385u, 50'000u, 65'536u}) {
        for (const std::size_t piece_bytes : {1u, 20u, 5000u, 16384u, 20'000u, 100'000u}) {
            CAPTURE(size);
            CAPTURE(piece_bytes);
            Connected ends;
            const std::string text = varied_text(size);
            CHECK(records_of(ends, text, piece_bytes) == (size - 1) / record_bytes_max + 1);
            ends.client.feed(ends.server.take_output());
            CHECK(ends.client.received() == text);
        }
    }
}

TEST_CASE("no pieces are no record") {
    Connected ends;
    CHECK(records_of(ends, "", 1) == 0);
}

TEST_CASE("a filler tells that the stream has failed") {
    Connected ends;
    ends.server.feed(std::string_view{"\x17\x03\x03\x48\x01", 5});
    RecordFiller filler{ends.server.stream, ends.server.output};
    const std::string text = varied_text(20'000);
    CHECK_FALSE(filler.append(std::as_bytes(std::span{text})));
}

}  // namespace ringcast::tls

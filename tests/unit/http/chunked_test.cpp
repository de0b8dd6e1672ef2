#include "http/chunked.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "support/chunked_reference.hpp"

namespace ringcast::http {

namespace {

using ChunkFound = ChunkedDecoder::Found;
using test::decode_chunks;
using test::DecodedChunks;

const std::string nul_octet(1, '\0');

/// What a well-formed body says, and how much of `stream` it is.
void check_content(const std::string& stream, std::string_view content, std::size_t rest = 0) {
    CAPTURE(stream);
    const DecodedChunks whole = decode_chunks(stream, {}, 1000);
    CHECK(whole.found == ChunkFound::end);
    CHECK(whole.content == content);
    CHECK(whole.consumed == stream.size() - rest);
    for (std::size_t cut = 1; cut < stream.size(); ++cut)
        CHECK(decode_chunks(stream, {cut}, 1000) == whole);
    CHECK(test::reference_chunks(stream) == whole);
}

}  // namespace

TEST_CASE("chunks are put together") {
    check_content("0\r\n\r\n", "");
    check_content("5\r\nhello\r\n0\r\n\r\n", "hello");
    check_content("1\r\na\r\n2\r\nbc\r\n000\r\n\r\n", "abc");
    check_content("a\r\n0123456789\r\n0\r\n\r\n", "0123456789");
    check_content("A\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n\r\n\r\n\r\n");
    check_content("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello");
    check_content("0\r\n\r\nGET / HTTP/1.1\r\n", "", 16);
}

TEST_CASE("extensions and trailer fields are read over") {
    for (const char* const extension : {";a", ";a=b", ";a=\"\"", ";a=\"b c\\\"\\\\;\";d", " ; a",
                                        "\t;\ta\t=\tb", ";a=b ;c ;d= \"e\"", ";a;b;c"}) {
        const std::string line{extension};
        check_content("5" + line + "\r\nhello\r\n0" + line + "\r\n\r\n", "hello");
    }
    check_content("0\r\nA: b\r\n\r\n", "");
    check_content("0\r\nA:\r\nContent-Length: 7\r\nX: \xc3\xa9\t \r\n\r\n", "");
}

TEST_CASE("what two readers could take for different bodies is malformed at its first octet") {
    const std::string long_name(300, 'a');
    struct {
        std::string stream;
        std::size_t consumed;  ///< With the octet that is wrong.
    } const cases[] = {
        // The size.
        {"\r\n", 1},
        {"\n", 1},
        {";a\r\n", 1},
        {" 5\r\n", 1},
        {"+5\r\n", 1},
        {"-5\r\n", 1},
        {"x5\r\n", 1},
        {"0x5\r\n", 2},
        {"5h\r\n", 2},
        {"5_0\r\n", 2},
        {"5,5\r\n", 2},
        {"5.\r\n", 2},
        {nul_octet + "5\r\n", 1},
        {"5" + nul_octet + "\r\n", 2},
        {"\xef\xbc\x95\r\n", 1},
        {"00000000000000005\r\n", 17},
        {"fffffffffffffffff\r\n", 17},
        // Line ends.
        {"5\nhello", 2},
        {"5\rhello", 3},
        {"5\r\rhello", 3},
        {"5\n\rhello", 2},
        {"5 \r\nhello", 3},
        {"5\t\r\nhello", 3},
        {"5\x0b\r\nhello", 2},
        {"5\r\nhello\n0\r\n\r\n", 9},
        {"5\r\nhello\r0\r\n\r\n", 10},
        {"5\r\nhello0\r\n\r\n", 9},
        {"5\r\nhello!\r\n0\r\n\r\n", 9},
        {"5\r\nhello\r\n\r\n", 11},
        // Extensions.
        {"5;\r\n", 3},
        {"5;;a\r\n", 3},
        {"5;=a\r\n", 3},
        {"5;a=\r\n", 5},
        {"5;a=b=c\r\n", 6},
        {"5;a==b\r\n", 5},
        {"5;a b\r\n", 5},
        {"5;a=b c\r\n", 7},
        {"5;a=\"b\r\n", 7},
        {"5;a=\"b\n\"\r\n", 7},
        {"5;a=\"\\\r\"\r\n", 7},
        {"5;a=\"b\"c\r\n", 8},
        {"5;a=\"" + nul_octet + "\"\r\n", 6},
        {"5;a\nhello", 4},
        {"5;a=b\nhello", 6},
        {"5;a=\"b\"\nhello", 8},
        {"5;a\x0b\r\n", 4},
        {"5;" + long_name + "\r\n", 257},
        // Trailer fields.
        {"0\r\n\n", 4},
        {"0\r\n\r\r", 5},
        {"0\r\n\rx", 5},
        {"0\r\n A: b\r\n", 4},
        {"0\r\n: b\r\n", 4},
        {"0\r\nA\r\n", 5},
        {"0\r\nA : b\r\n", 5},
        {"0\r\nA: b\n\r\n", 8},
        {"0\r\nA: b\r\r\n", 9},
        {"0\r\nA: " + nul_octet + "\r\n", 7},
        {"0\r\nA: b\r\n c\r\n", 10},
        {"0\r\nA(: b\r\n", 5},
    };
    for (const auto& [stream, consumed] : cases) {
        CAPTURE(stream);
        const DecodedChunks whole = decode_chunks(stream, {}, 1000);
        CHECK(whole.found == ChunkFound::malformed);
        CHECK(whole.consumed == consumed);
        CHECK(test::reference_chunks(stream).found == ChunkFound::malformed);
        for (std::size_t cut = 1; cut < std::min<std::size_t>(stream.size(), 300); ++cut)
            CHECK(decode_chunks(stream, {cut}, 1000) == whole);
    }
}

TEST_CASE("a chunk that is longer than what may come is known by its announcement") {
    CHECK(decode_chunks("3e8\r\n", {}, 1000).found == ChunkFound::need_more);
    CHECK(decode_chunks("3e9\r\n", {}, 1000).found == ChunkFound::too_large);
    CHECK(decode_chunks("ffffffffffffffff\r\n", {}, 1000).found == ChunkFound::too_large);
    CHECK(decode_chunks("0\r\n\r\n", {}, 0).found == ChunkFound::end);
}

TEST_CASE("trailer fields may be as long as their limit, the end of the body aside") {
    const std::string size_line = "0\r\n", value(test::trailer_bytes_max - 5, 'b');
    check_content(size_line + "A:" + value + "b\r\n\r\n", "");
    check_content(size_line + "A:" + value.substr(4) + "\r\nB:\r\n" + "\r\n", "");
    for (const std::string& fields : {"A:" + value + "bb\r\n", "A:" + value + "b\r\nB:\r\n",
                                      value + value + ":", std::string{"A: "} + value + value}) {
        const DecodedChunks whole = decode_chunks(size_line + fields, {}, 1000);
        CHECK(whole.found == ChunkFound::trailers_too_large);
        CHECK(whole.consumed == size_line.size() + test::trailer_bytes_max + 1);
        for (std::size_t cut = 1; cut < size_line.size() + fields.size(); ++cut)
            CHECK(decode_chunks(size_line + fields, {cut}, 1000) == whole);
        CHECK(test::reference_chunks(size_line + fields).found == ChunkFound::malformed);
    }
}

TEST_CASE("what is written as chunks is read as it was") {
    for (const std::size_t size : {1u, 9u, 10u, 15u, 16u, 255u, 256u, 4095u, 65536u}) {
        char begin[chunk_begin_bytes_max];
        const std::string content(size, 'x');
        std::string stream{begin, write_chunk_begin(begin, size)};
        stream.append(content).append(chunk_end).append(last_chunk);
        const DecodedChunks decoded = decode_chunks(stream, {}, size);
        CHECK(decoded.found == ChunkFound::end);
        CHECK(decoded.content == content);
    }
    char begin[chunk_begin_bytes_max];
    CHECK(write_chunk_begin(begin, SIZE_MAX) == chunk_begin_bytes_max);
}

}  // namespace ringcast::http

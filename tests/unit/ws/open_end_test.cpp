#include "ws/open_end.hpp"

#include <doctest/doctest.h>
#include <libdeflate.h>
#include <string>
#include <vector>

#include "support/deflate_data.hpp"
#include "support/deflate_reference.hpp"

namespace ringcast::ws {

namespace {

using test::Inflated;

/// The data of libdeflate, which ends with a final block, with room for one octet more.
std::vector<std::byte> compressed(const std::string& message, int level) {
    libdeflate_compressor* const compressor = libdeflate_alloc_compressor(level);
    std::vector<std::byte> data(message.size() + 100);
    data.resize(libdeflate_deflate_compress(compressor, message.data(), message.size(), data.data(),
                                            data.size()) +
                1);
    libdeflate_free_compressor(compressor);
    return data;
}

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A text of few or many different characters, so that codes are short or long.
std::string message_of(std::mt19937& random, std::size_t size) {
    std::string message;
    const auto characters = 2 + random() % 250;
    while (message.size() < size)
        message.push_back(static_cast<char>(random() % (1 + random() % characters)));
    return message;
}

}  // namespace

TEST_CASE("a stream of one block becomes a message's payload, whatever bit it ends at") {
    std::mt19937 random{20240611};
    int opened = 0, longer = 0;
    for (int round = 0; round < 4000; ++round) {
        const std::string message =
            round % 4 == 0 ? test::json_like(random() % 5000, static_cast<unsigned>(round))
                           : message_of(random, random() % 3000);
        std::vector<std::byte> data = compressed(message, 1 + round % 9);
        const std::vector<std::byte> before = data;
        const std::size_t size = data.size() - 1;
        const std::size_t payload_bytes = open_end(data, size);
        if (payload_bytes == 0) {
            CHECK(data == before);
            continue;
        }
        ++opened;
        longer += payload_bytes > size ? 1 : 0;
        const std::string payload{text_of(data).substr(0, payload_bytes)};
        const Inflated inflated = test::reference_inflate_message(payload);
        if (inflated.end != Inflated::End::between_blocks || inflated.output != message)
            FAIL_CHECK("round " << round);
        // And another may follow: none of its blocks is a final one.
        const Inflated twice =
            test::reference_inflate_message(payload + std::string("\0\0\xff\xff", 4) + payload);
        if (twice.output != message + message) FAIL_CHECK("round " << round);
    }
    CHECK(opened > 2000);
    // Three of eight paddings are too short for the head of another block.
    CHECK(longer > opened / 4);
    CHECK(longer < opened / 2);
}

TEST_CASE("an end-of-block code of zeros alone does not tell where it is") {
    // Literals a and b have codes of two bits, the end of the block one of one bit: 0.
    const std::string bits =
        "1 01 00000 00000 0111"
        // Lengths of the codes for 18, 0, 2 and 1, in their places: two bits each.
        "000 000 010 010 000 000 000 000 000 000 000 000 000 000 000 010 000 010"
        // 97 zeros, 2, 2, 157 zeros, 1; no distance.
        "11 0110101 10 10 11 1111111 11 0001000 01 00"
        // ab, end of block.
        "10 11 0";
    std::vector<std::byte> data;
    unsigned count = 0;
    for (const char bit : bits) {
        if (bit == ' ') continue;
        if (count % 8 == 0) data.push_back({});
        if (bit == '1') data.back() |= std::byte{1} << static_cast<int>(count % 8);
        ++count;
    }
    REQUIRE(test::reference_inflate(text_of(data)).output == "ab");
    data.push_back({});
    CHECK(open_end(data, data.size() - 1) == 0);
}

TEST_CASE("what is not one block with codes of its own is left as it is") {
    const std::string several = std::string(20000, 'a') + test::noise(20000) +
                                test::json_like(20000) + test::noise(20000, 2);
    for (const std::string& message :
         {std::string{}, std::string(500, 'a'), test::noise(500), several}) {
        std::vector<std::byte> data = compressed(message, 6);
        const std::vector<std::byte> before = data;
        CHECK(open_end(data, data.size() - 1) == 0);
        CHECK(data == before);
    }
}

}  // namespace ringcast::ws

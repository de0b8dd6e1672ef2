// The names of sessions in clients' own requests.

#include "api/stream_id.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace ringcast;
using namespace ringcast::api;

TEST_CASE("the name of a session says where it is, and holds a secret") {
    std::byte next{0};
    const EntropySource entropy = [&](std::span<std::byte> bytes) {
        for (std::byte& each : bytes) each = next = std::byte(std::to_integer<int>(next) + 17);
    };
    const std::string name =
        draw_stream_id({.shard = 63, .session = {0xfffffffe, 0xffff}}, entropy);
    CHECK(name == "3ffffffffeffff112233445566778899aabbccddeeff10");
    const auto id = read_stream_id(name);
    REQUIRE(id);
    CHECK(id->shard == 63);
    CHECK(id->session == SlotId{0xfffffffe, 0xffff});
    CHECK(draw_stream_id(*id, entropy) != name);
    for (std::string wrong : {std::string{}, name + "0", name.substr(1), "g" + name.substr(1),
                              "-1" + name.substr(2), " 1" + name.substr(2), "0x" + name.substr(2)})
        CHECK_FALSE(read_stream_id(wrong).has_value());
}

TEST_CASE("secrets are compared to their end") {
    CHECK(are_equal("", ""));
    CHECK(are_equal("abc", "abc"));
    CHECK_FALSE(are_equal("abc", "abd"));
    CHECK_FALSE(are_equal("abc", "xbc"));
    CHECK_FALSE(are_equal("abc", "ab"));
}

#include "replies.hpp"

#include <cstddef>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "test_frame.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::bench;

using ReplyBytes = std::vector<std::byte>;

ReplyBytes reply_message(std::string_view text) {
    return server_frame(0x81, text);
}

/// All that comes of `stream`, cut at `cut`, in words.
std::string read_all(const ReplyBytes& stream, std::size_t cut) {
    ReplyReader reader;
    SessionState state;
    ReplyBytes pongs;
    std::string said;
    const std::span all(stream);
    for (std::span<const std::byte> bytes : {all.first(cut), all.subspan(cut)}) {
        while (true) {
            const auto reply = reader.next(state, bytes, pongs);
            if (!reply) return said + reply.error().message;
            if (!*reply) break;
            said += fmt::format("{}:{}", static_cast<int>((*reply)->kind), (*reply)->id);
            if (!(*reply)->epoch.empty()) said += fmt::format(" {}", (*reply)->epoch);
            said += fmt::format("/{}", (*reply)->offset);
            if ((*reply)->was_recovering) said += '?';
            if ((*reply)->recovered) said += '!';
            for (const ReplyPublication& publication : (*reply)->publications)
                said += fmt::format(" {}={}", publication.offset, publication.data);
            said += (*reply)->channel;
            said += ';';
        }
    }
    return said;
}

}  // namespace

TEST_CASE("replies come one by one, however they are in messages and those in pieces") {
    const ReplyBytes first = reply_message(
        "{\"id\":1,\"connect\":{\"client\":\"a\",\"pong\":true}}\n"
        R"({"id":2,"subscribe":{"epoch":"e","offset":7}})");
    const ReplyBytes second = reply_message(
        R"({"id":3,"subscribe":{"epoch":"e","publications":[{"data":"x","offset":8},{"data":"y",)"
        R"("info":{"user":"u"},"offset":9}],"recovered":true,"offset":7,"was_recovering":true}})");
    const ReplyBytes third = reply_message(
        "{}\n{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":\"z\",\"offset\":10}}}\n"
        "{\"id\":4,\"error\":{\"code\":103}}\n{\"id\":5,\"publish\":{}}\n");
    ReplyBytes stream = first;
    for (const ReplyBytes& more : {second, third})
        stream.insert(stream.end(), more.begin(), more.end());
    const std::string expected = "2:1/0;3:2 e/7;3:3 e/7?! 8=x 9=y;0:0/0;5:0/0 10=zc;1:4/0;4:5/0;";
    for (std::size_t cut = 0; cut <= stream.size(); ++cut)
        REQUIRE(read_all(stream, cut) == expected);
}

TEST_CASE("what is no reply is refused") {
    const auto refused = [](std::string_view text) { return read_all(reply_message(text), 0); };
    CHECK(refused("{\"id\":1") == "the server sent '{\"id\":1', which is no reply");
    CHECK(refused("[]") == "the server sent '[]', which is no reply");
    CHECK(refused(R"({"push":{"channel":"c","pub":{"offset":1}}})").ends_with("is no reply"));
    CHECK(refused(R"({"push":{"pub":{"data":"x"}}})").ends_with("is no reply"));
    CHECK(refused(R"({"subscribe":{"publications":[1]}})").ends_with("is no reply"));
    CHECK(refused(std::string(1000, 'x')).size() < 300);
}

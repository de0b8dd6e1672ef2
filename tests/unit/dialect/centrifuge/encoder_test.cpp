#include "dialect/centrifuge/encoder.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/prng.hpp"
#include "dialect/json.hpp"
#include "support/protobuf_wire.hpp"

using namespace ringcast;
using namespace ringcast::dialect::centrifuge;
using namespace std::string_literals;
using test::bytes_field;
using test::delimited;
using test::entry_field;
using test::from_hex;
using test::number_field;

namespace {

constexpr Wire json_wire{Format::json, Framing::message, false};
constexpr Wire protobuf_wire{Format::protobuf, Framing::message, false};

std::string encoded(const Wire& wire, const Reply& reply) {
    constexpr std::size_t margin = 8;
    const std::size_t size = encoded_bytes(wire, reply);
    std::string memory(size + 2 * margin, '!');
    encode(std::as_writable_bytes(std::span{memory}).subspan(margin, size), wire, reply);
    CHECK(memory.starts_with(std::string(margin, '!')));
    CHECK(memory.ends_with(std::string(margin, '!')));
    std::string appended;
    append(appended, wire, reply);
    CHECK(appended == memory.substr(margin, size));
    return appended;
}

Payload json(std::string_view text) {
    return {text, PublicationKind::json};
}

const ClientInfo info{"42", "c-1", json("{\"n\":1}"), json("[]")};
const Publication publications[] = {{json("{\"n\":1}"), nullptr, 1, {}, false},
                                    {json("2"), &info, 2, {}, false}};
const Tag tag_list[] = {{"a", "b"}, {"\"", ""}};
const std::string packed_tags = pack(tag_list);
const Tags tags = unpack_publication_info(std::as_bytes(std::span{packed_tags})).tags;
const SubscribeResult subscribe_result{true,       60,   true,       "ep", publications, true,
                                       UINT64_MAX, true, json("{}"), true, true};
const std::pair<std::string_view, SubscribeResult> subs[] = {{"x", subscribe_result}, {"y", {}}};
const std::pair<std::string_view, ClientInfo> presence[] = {{"c-1", info}, {"c-2", {}}};

const std::string info_json = R"({"user":"42","client":"c-1","conn_info":{"n":1},"chan_info":[]})";
const std::string info_protobuf = bytes_field(1, "42") + bytes_field(2, "c-1") +
                                  bytes_field(3, "{\"n\":1}") + bytes_field(4, "[]");
const std::string publications_json =
    R"([{"data":{"n":1},"offset":1},{"data":2,"info":)" + info_json + R"(,"offset":2}])";

/// The two as elements of a repeated field.
std::string publications_protobuf(int field) {
    return bytes_field(field, bytes_field(4, "{\"n\":1}") + number_field(6, 1)) +
           bytes_field(field,
                       bytes_field(4, "2") + bytes_field(5, info_protobuf) + number_field(6, 2));
}

const std::string subscribe_json =
    R"({"expires":true,"ttl":60,"recoverable":true,"epoch":"ep","publications":)" +
    publications_json +
    R"(,"recovered":true,"offset":18446744073709551615,"positioned":true,"data":{},)"
    R"("was_recovering":true,"delta":true})";
const std::string subscribe_protobuf =
    number_field(1, 1) + number_field(2, 60) + number_field(3, 1) + bytes_field(6, "ep") +
    publications_protobuf(7) + number_field(8, 1) + number_field(9, UINT64_MAX) +
    number_field(10, 1) + bytes_field(11, "{}") + number_field(12, 1) + number_field(13, 1);

struct Case {
    Reply reply;
    std::string json;
    std::string protobuf;
};

/// A result in its reply, and an event in its push.
Case result(std::string_view name, int field, auto value, const std::string& json,
            const std::string& protobuf) {
    return {Reply{7, value}, R"({"id":7,")" + std::string{name} + "\":" + json + "}",
            number_field(1, 7) + bytes_field(field, protobuf)};
}
Case event(std::string_view name, int field, auto value, const std::string& json,
           const std::string& protobuf) {
    return {Reply{0, Push{"ch", value}},
            R"({"push":{"channel":"ch",")" + std::string{name} + "\":" + json + "}}",
            bytes_field(4, bytes_field(2, "ch") + bytes_field(field, protobuf))};
}

std::vector<Case> cases() {
    return {
        {Reply{}, "{}", ""},
        {Reply{1, {}}, R"({"id":1})", number_field(1, 1)},
        result("error", 2, Error{ErrorCode::too_many_requests},
               R"({"code":111,"message":"too many requests","temporary":true})",
               number_field(1, 111) + bytes_field(2, "too many requests") + number_field(3, 1)),
        result("error", 2, Error{ErrorCode::permission_denied},
               R"({"code":103,"message":"permission denied"})",
               number_field(1, 103) + bytes_field(2, "permission denied")),
        result("connect", 5, ConnectResult{}, "{}", ""),
        result("connect", 5,
               ConnectResult{"cl", "0.1", true, 300, json("{\"a\":1}"), subs, 25, true, "s", "n"},
               R"({"client":"cl","version":"0.1","expires":true,"ttl":300,"data":{"a":1},"subs":{)"
               R"("x":)" +
                   subscribe_json + R"(,"y":{}},"ping":25,"pong":true,"session":"s","node":"n"})",
               bytes_field(1, "cl") + bytes_field(2, "0.1") + number_field(3, 1) +
                   number_field(4, 300) + bytes_field(5, "{\"a\":1}") +
                   entry_field(6, "x", subscribe_protobuf) + entry_field(6, "y", "") +
                   number_field(7, 25) + number_field(8, 1) + bytes_field(9, "s") +
                   bytes_field(10, "n")),
        result("subscribe", 6, SubscribeResult{}, "{}", ""),
        result("subscribe", 6, subscribe_result, subscribe_json, subscribe_protobuf),
        result("unsubscribe", 7, UnsubscribeResult{}, "{}", ""),
        result("publish", 8, PublishResult{}, "{}", ""),
        result("presence", 9, PresenceResult{presence},
               R"({"presence":{"c-1":)" + info_json + R"(,"c-2":{}}})",
               entry_field(1, "c-1", info_protobuf) + entry_field(1, "c-2", "")),
        result("presence_stats", 10, PresenceStatsResult{1, 2},
               R"({"num_clients":1,"num_users":2})", number_field(1, 1) + number_field(2, 2)),
        result("history", 11, HistoryResult{publications, "ep", 2},
               R"({"publications":)" + publications_json + R"(,"epoch":"ep","offset":2})",
               publications_protobuf(1) + bytes_field(2, "ep") + number_field(3, 2)),
        result("ping", 12, PingResult{}, "{}", ""),
        result("rpc", 13, RpcResult{json("1")}, R"({"data":1})", bytes_field(1, "1")),
        result("refresh", 14, RefreshResult{"cl", "0.1", true, 60},
               R"({"client":"cl","version":"0.1","expires":true,"ttl":60})",
               bytes_field(1, "cl") + bytes_field(2, "0.1") + number_field(3, 1) +
                   number_field(4, 60)),
        result("sub_refresh", 15, SubRefreshResult{true, 60}, R"({"expires":true,"ttl":60})",
               number_field(1, 1) + number_field(2, 60)),
        event("pub", 4, Publication{json("{}"), &info, 6, tags, true},
              R"({"data":{},"info":)" + info_json +
                  R"(,"offset":6,"tags":{"a":"b","\"":""},"delta":true})",
              bytes_field(4, "{}") + bytes_field(5, info_protobuf) + number_field(6, 6) +
                  entry_field(7, "a", "b") + bytes_field(7, bytes_field(1, "\"")) +
                  number_field(8, 1)),
        event("join", 5, Join{info}, R"({"info":)" + info_json + "}",
              bytes_field(1, info_protobuf)),
        event("leave", 6, Leave{info}, R"({"info":)" + info_json + "}",
              bytes_field(1, info_protobuf)),
        event("unsubscribe", 7, Unsubscribe{UnsubscribeCode::insufficient_state},
              R"({"code":2500,"reason":"insufficient state"})",
              number_field(2, 2500) + bytes_field(3, "insufficient state")),
        event("message", 8, Message{json("1")}, R"({"data":1})", bytes_field(1, "1")),
        event("subscribe", 9, Subscribe{true, "ep", 5, true, json("1")},
              R"({"recoverable":true,"epoch":"ep","offset":5,"positioned":true,"data":1})",
              number_field(1, 1) + bytes_field(4, "ep") + number_field(5, 5) + number_field(6, 1) +
                  bytes_field(7, "1")),
        event("connect", 10, ConnectResult{.client = "cl"}, R"({"client":"cl"})",
              bytes_field(1, "cl")),
        event("disconnect", 11, Disconnect{DisconnectCode::shutdown},
              R"({"code":3001,"reason":"shutdown"})",
              number_field(1, 3001) + bytes_field(2, "shutdown")),
        event("refresh", 12, Refresh{true, 60}, R"({"expires":true,"ttl":60})",
              number_field(1, 1) + number_field(2, 60)),
    };
}

/// A publication of that kind, in the wire's format and alone.
std::string published(const Wire& wire, PublicationKind kind, std::string_view bytes) {
    return encoded(wire, Reply{0, Push{"c", Publication{.data = {bytes, kind}}}});
}

}  // namespace

TEST_CASE("every reply and push has its bytes in both formats (digest, section 2)") {
    for (const Case& each : cases()) {
        CAPTURE(each.json);
        CHECK(encoded(json_wire, each.reply) == each.json);
        CHECK(encoded(protobuf_wire, each.reply) == delimited(each.protobuf));
        CHECK(dialect::is_json(each.json));
    }
}

TEST_CASE("what the official client was seen to accept is made (digest, sections 3, 5, 11)") {
    CHECK(encoded(json_wire, Reply{1, ConnectResult{.client = "cl1",
                                                    .version = "0.0.0",
                                                    .ping = 25,
                                                    .pong = true,
                                                    .session = "sess1",
                                                    .node = "node1"}}) ==
          R"({"id":1,"connect":{"client":"cl1","version":"0.0.0","ping":25,"pong":true,)"
          R"("session":"sess1","node":"node1"}})");
    const Publication one[] = {{json(R"({"n":1})"), nullptr, 1, {}, false}};
    CHECK(encoded(json_wire, Reply{8, HistoryResult{one, "ep1", 5}}) ==
          R"({"id":8,"history":{"publications":[{"data":{"n":1},"offset":1}],"epoch":"ep1",)"
          R"("offset":5}})");
    CHECK(encoded(json_wire, Reply{5, PublishResult{}}) == R"({"id":5,"publish":{}})");
    CHECK(encoded(json_wire, Reply{3, SubscribeResult{}}) == R"({"id":3,"subscribe":{}})");
    CHECK(encoded(protobuf_wire, Reply{1, ConnectResult{.client = "c", .ping = 1, .pong = true}}) ==
          from_hex("0b 08 01 2a 07 0a 01 63 38 01 40 01"));
    CHECK(encoded(protobuf_wire, Reply{}) == from_hex("00"));
    CHECK(encoded(json_wire, Reply{}) == "{}");
}

TEST_CASE("replies share a message") {
    std::string all_json;
    std::string all_protobuf;
    std::string json_message;
    std::string protobuf_message;
    for (const Case& each : cases()) {
        all_json += (all_json.empty() ? "" : "\n") + each.json;
        all_protobuf += delimited(each.protobuf);
        append(json_message, json_wire, each.reply);
        append(protobuf_message, protobuf_wire, each.reply);
    }
    CHECK(json_message == all_json);
    CHECK(protobuf_message == all_protobuf);
}

TEST_CASE("lines and events end by themselves (digest, section 1)") {
    const Reply reply{1, PublishResult{}};
    for (const bool is_unidirectional : {false, true}) {
        const std::string ping = "{}";
        CHECK(encoded({Format::json, Framing::line, is_unidirectional}, Reply{}) == ping + "\n");
        CHECK(encoded({Format::json, Framing::event, is_unidirectional}, Reply{}) ==
              "data: " + ping + "\n\n");
        for (const Framing framing : {Framing::line, Framing::event})
            CHECK(encoded({Format::protobuf, framing, is_unidirectional}, Reply{}) == "\0"s);
    }
    std::string lines;
    append(lines, {Format::json, Framing::line}, reply);
    append(lines, {Format::json, Framing::line}, reply);
    CHECK(lines == "{\"id\":1,\"publish\":{}}\n{\"id\":1,\"publish\":{}}\n");
    std::string events;
    append(events, {Format::json, Framing::event}, reply);
    append(events, {Format::json, Framing::event}, reply);
    CHECK(events == "data: {\"id\":1,\"publish\":{}}\n\ndata: {\"id\":1,\"publish\":{}}\n\n");
}

TEST_CASE("to unidirectional clients pushes stand alone (digest, section 8)") {
    for (const Case& each : cases()) {
        const Push* const push = std::get_if<Push>(&each.reply.result);
        if (push == nullptr) continue;
        constexpr std::string_view begin = "{\"push\":";
        const std::string bare =
            each.json.substr(begin.size(), each.json.size() - begin.size() - 1);
        CHECK(encoded({Format::json, Framing::message, true}, each.reply) == bare);
        CHECK(encoded({Format::json, Framing::event, true}, each.reply) ==
              "data: " + bare + "\n\n");
        // The field 4 of the reply is left out, and its length is the message's.
        CHECK(encoded({Format::protobuf, Framing::message, true}, each.reply) ==
              each.protobuf.substr(1));
    }
    const Push push{{}, Disconnect{DisconnectCode::force_reconnect}};
    CHECK(encoded({Format::json, Framing::line, true}, Reply{0, push}) ==
          "{\"disconnect\":{\"code\":3011,\"reason\":\"force reconnect\"}}\n");
}

TEST_CASE("a publication is sent by its kind") {
    const auto data_of = [](std::string_view data, std::string_view more = "") {
        return R"({"push":{"channel":"c","pub":{"data":)" + std::string{data} + std::string{more} +
               "}}}";
    };
    constexpr std::string_view tag = R"(,"tags":{"encoding":"base64"})";
    CHECK(published(json_wire, PublicationKind::json, "[1]") == data_of("[1]"));
    CHECK(published(json_wire, PublicationKind::text, "[1]") == data_of("\"[1]\""));
    CHECK(published(json_wire, PublicationKind::text, "") == data_of("\"\""));
    CHECK(published(json_wire, PublicationKind::binary, "[1]") == data_of("\"WzFd\"", tag));
    CHECK(published(json_wire, PublicationKind::binary, "") == data_of("\"\"", tag));
    for (const auto kind :
         {PublicationKind::json, PublicationKind::text, PublicationKind::binary}) {
        const std::string publication = bytes_field(4, "[1]");
        CHECK(published(protobuf_wire, kind, "[1]") ==
              delimited(bytes_field(4, bytes_field(2, "c") + bytes_field(4, publication))));
    }
    CHECK(encoded(json_wire, Reply{0, Push{"c", Publication{.data = {"x", PublicationKind::binary},
                                                            .tags = tags}}}) ==
          data_of("\"eA==\"", R"(,"tags":{"encoding":"base64","a":"b","\"":""})"));
}

TEST_CASE("who takes deltas gets data as the text of a string, in JSON") {
    const auto pushed = [](const Wire& wire, PublicationKind kind, std::string_view data,
                           bool is_delta) {
        return encoded(wire, Reply{0, Push{"c", Publication{.data = {data, kind},
                                                            .delta = is_delta,
                                                            .is_quoted = true}}});
    };
    using enum PublicationKind;
    CHECK(pushed(json_wire, json, "{\"a\":\n1}", false) ==
          R"({"push":{"channel":"c","pub":{"data":"{\"a\":\n1}"}}})");
    CHECK(pushed(json_wire, json, "A\n8@0,:2};", true) ==
          R"({"push":{"channel":"c","pub":{"data":"A\n8@0,:2};","delta":true}}})");
    CHECK(pushed(json_wire, binary, "\"WzFd\"", false) ==
          R"({"push":{"channel":"c","pub":{"data":"\"WzFd\"","tags":{"encoding":"base64"}}}})");
    CHECK(pushed(protobuf_wire, json, "[1]", true) ==
          delimited(bytes_field(4, bytes_field(2, "c") + bytes_field(4, bytes_field(4, "[1]") +
                                                                            number_field(8, 1)))));
}

TEST_CASE("how many were skipped stands beside the tags of the publisher") {
    const auto push = [](PublicationKind kind, Tags publishers, std::uint64_t skipped) {
        return Reply{
            0, Push{"c", Publication{.data = {"1", kind}, .tags = publishers, .skipped = skipped}}};
    };
    const auto json_of = [](std::string_view data, std::string_view all_tags) {
        return R"({"push":{"channel":"c","pub":{"data":)" + std::string{data} + R"(,"tags":{)" +
               std::string{all_tags} + "}}}}";
    };
    CHECK(encoded(json_wire, push(PublicationKind::json, Tags{}, 7)) ==
          json_of("1", R"("skipped":"7")"));
    CHECK(encoded(json_wire, push(PublicationKind::json, tags, UINT64_MAX)) ==
          json_of("1", R"("a":"b","\"":"","skipped":"18446744073709551615")"));
    CHECK(encoded(json_wire, push(PublicationKind::binary, tags, 7)) ==
          json_of(R"("MQ==")", R"("encoding":"base64","a":"b","\"":"","skipped":"7")"));
    const std::string own = entry_field(7, "a", "b") + bytes_field(7, bytes_field(1, "\""));
    const auto protobuf_of = [](const std::string& fields) {
        return delimited(
            bytes_field(4, bytes_field(2, "c") + bytes_field(4, bytes_field(4, "1") + fields)));
    };
    CHECK(encoded(protobuf_wire, push(PublicationKind::binary, tags, 7)) ==
          protobuf_of(own + entry_field(7, "skipped", "7")));
    CHECK(encoded(protobuf_wire, push(PublicationKind::json, tags, 0)) == protobuf_of(own));
}

TEST_CASE("base64 is that of RFC 4648 section 10") {
    for (const auto& [octets, text] :
         {std::pair{"f", "Zg=="}, std::pair{"fo", "Zm8="}, std::pair{"foo", "Zm9v"},
          std::pair{"foob", "Zm9vYg=="}, std::pair{"fooba", "Zm9vYmE="},
          std::pair{"foobar", "Zm9vYmFy"}, std::pair{"\xfb\xff\xfe", "+//+"}}) {
        std::string value;
        append_json(value, {octets, PublicationKind::binary});
        CHECK(value == "\"" + std::string{text} + "\"");
    }
}

TEST_CASE("text is escaped where JSON asks for it") {
    std::string value;
    append_json(value, {"\"\\/\b\f\n\r\t\x01\x1f\x7f \0\xc3\xa4"s, PublicationKind::text});
    CHECK(value == "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f \\u0000\xc3\xa4\"");
    CHECK(dialect::is_json(value));
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        Prng prng{seed};
        std::string text;
        for (std::uint64_t i = prng.below(40); i > 0; --i)
            text += static_cast<char>(prng.below(128));
        std::string string;
        append_json(string, {text, PublicationKind::text});
        CAPTURE(seed);
        REQUIRE(dialect::is_json(string));
        REQUIRE(string.find('\n') == std::string::npos);
    }
}

TEST_CASE("line ends in embedded JSON become blanks, as they separate messages") {
    for (const Framing framing : {Framing::message, Framing::line, Framing::event}) {
        const std::string text =
            published({Format::json, framing}, PublicationKind::json, "\n{\r\n\"a\":\n\n1}\n");
        CHECK(text.find(" {  \"a\":  1} ") != std::string::npos);
        CHECK(text.find('\r') == std::string::npos);
        const std::string_view body{text.data(), text.find_last_not_of('\n') + 1};
        CHECK(body.find('\n') == std::string_view::npos);
    }
    // In Protobuf nothing separates.
    CHECK(published(protobuf_wire, PublicationKind::json, "{\n}").find("{\n}") !=
          std::string::npos);
}

TEST_CASE("lengths of more than one octet are right") {
    for (const std::size_t size :
         {0u, 1u, 110u, 118u, 119u, 120u, 127u, 128u, 16300u, 16384u, 70000u}) {
        CAPTURE(size);
        const std::string payload(size, 'x');
        const std::string publication = size == 0 ? "" : bytes_field(4, payload);
        CHECK(published(protobuf_wire, PublicationKind::binary, payload) ==
              delimited(bytes_field(4, bytes_field(2, "c") + bytes_field(4, publication))));
    }
}

TEST_CASE("what a client published is JSON if it can be read as that") {
    CHECK(kind_received(Format::json, "{}") == PublicationKind::json);
    CHECK(kind_received(Format::protobuf, "{}") == PublicationKind::json);
    CHECK(kind_received(Format::protobuf, "hi") == PublicationKind::binary);
    CHECK(kind_received(Format::protobuf, "") == PublicationKind::binary);
    CHECK(kind_received(Format::protobuf, "\xff") == PublicationKind::binary);
}

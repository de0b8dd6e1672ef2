#include "packet_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "delivery_checker.hpp"
#include "publication.hpp"
#include "test_frame.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::bench;

using Bytes = std::vector<std::byte>;

constexpr std::size_t payload_bytes = 64;
constexpr std::string_view nats_info = "INFO {\"server_id\":\"N\",\"max_payload\":1048576} \r\n";
constexpr std::string_view socketio_open = R"(0{"sid":"a","upgrades":[],"pingInterval":25000})";

std::string payload_of(PublicationId id) {
    Bytes payload(payload_bytes);
    write_publication(id, payload);
    return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

/// Deliveries on the topic "first", written by hand.
std::string nats_delivery(PublicationId id) {
    return "MSG first 1 64\r\n" + payload_of(id) + "\r\n";
}
std::string socketio_delivery(PublicationId id) {
    return R"(42["message",")" + payload_of(id) + R"("])";
}

constexpr std::string_view somebody = "8ec7a5c0-0b7a-4f7d-9a3e-2a2d3c4b5a69";

/// `offset` is what stands there for one, perhaps nothing.
std::string centrifuge_delivery(PublicationId id, std::string_view offset = {}) {
    return R"({"push":{"channel":"first","pub":{"data":")" + payload_of(id) +
           R"(","info":{"client":")" + std::string(somebody) + R"("})" + std::string(offset) +
           "}}}";
}

std::string protobuf_delivery(PublicationId id) {
    const std::string publication =
        "\x22\x40" + payload_of(id) + "\x2a\x26\x12\x24" + std::string(somebody);
    return "\x75\x22\x73\x12\x05"
           "first\x22\x6a" +
           publication;
}

Bytes binary(std::string_view text) {
    return server_frame(0x82, text);
}
Bytes text(std::string_view text) {
    return server_frame(0x81, text);
}

Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

/// The payloads of masked frames, each with a length below 126, one behind the other.
std::string unmasked(const Bytes& frames) {
    std::string text;
    for (std::size_t start = 0; start < frames.size();) {
        const std::size_t size = std::to_integer<std::size_t>(frames[start + 1]) & 0x7fU;
        for (std::size_t i = 0; i < size; ++i)
            text += std::to_integer<char>(frames[start + 6 + i] ^ frames[start + 2 + i % 4]);
        start += 6 + size;
    }
    return text;
}

/// One publisher on the topic "first", which has published 4 times, and a subscriber.
class Subscriber {
public:
    explicit Subscriber(const Subprotocol& subprotocol)
        : shape_{subprotocol.opcode(), payload_bytes}, subprotocol_(subprotocol) {
        topics_.emplace_back("first", shape_, 2, 8, subprotocol.delivery("first", payload_bytes));
        Publisher& publisher = publishers_.emplace_back(0, 8);
        for (int i = 0; i < 4; ++i) publisher.publish({});
    }

    /// Lets it receive `stream`, cut where `cuts` say; empty if all is well, else why not.
    std::string feed(const Bytes& stream, std::vector<std::size_t> cuts = {}) {
        DeliveryChecker checker(shape_, topics_, publishers_, &subprotocol_);
        cuts.push_back(stream.size());
        std::size_t start = 0;
        for (const std::size_t end : cuts) {
            const auto count =
                checker.consume(state, std::span(stream).subspan(start, end - start), replies);
            if (!count) return count.error().message;
            start = end;
        }
        return "";
    }

    DeliveryState state;
    Bytes replies;

private:
    MessageShape shape_;
    const Subprotocol& subprotocol_;
    std::vector<TopicOrder> topics_;
    std::vector<Publisher> publishers_;
};

/// `stream` has a join, a ping and 4 deliveries in it, and is right however it is cut in two, octet
/// by octet, and for a subscriber who knows from another one what must come.
void check_cuts(const Subprotocol& subprotocol, const Bytes& stream, std::string_view replies) {
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        Subscriber subscriber(subprotocol);
        REQUIRE(subscriber.feed(stream, {cut}) == "");
        REQUIRE(subscriber.state.messages == 4);
        REQUIRE(subscriber.state.is_welcome);
        REQUIRE(subscriber.state.is_between_deliveries());
        REQUIRE(unmasked(subscriber.replies) == replies);

        subscriber.state = {};
        REQUIRE(subscriber.feed(stream, {cut}) == "");
        REQUIRE(subscriber.state.messages == 4);
    }
    std::vector<std::size_t> everywhere(stream.size());
    for (std::size_t i = 0; i < stream.size(); ++i) everywhere[i] = i;
    Subscriber subscriber(subprotocol);
    CHECK(subscriber.feed(stream, everywhere) == "");
    CHECK(subscriber.state.messages == 4);
}

std::string refusal(const Subprotocol& subprotocol, const Bytes& stream) {
    Subscriber subscriber(subprotocol);
    std::string reason = subscriber.feed(stream);
    std::vector<std::size_t> everywhere(stream.size());
    for (std::size_t i = 0; i < stream.size(); ++i) everywhere[i] = i;
    Subscriber by_octet(subprotocol);
    CHECK(by_octet.feed(stream, everywhere).empty() == reason.empty());
    return reason;
}

}  // namespace

TEST_CASE("NATS is one stream of lines and payloads, however it is cut into messages") {
    const std::string_view replies =
        "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB first 1\r\nPING\r\nPONG\r\n";
    const std::string stream = std::string(nats_info) + "PONG\r\n" + nats_delivery({0, 0}) +
                               nats_delivery({0, 1}) + "PING\r\n" + nats_delivery({0, 2}) +
                               nats_delivery({0, 3});
    check_cuts(nats(),
               binary(nats_info) + binary("PONG\r\n") + binary(nats_delivery({0, 0})) +
                   binary(nats_delivery({0, 1}) + "PING\r\n" + nats_delivery({0, 2})) +
                   binary(nats_delivery({0, 3})),
               replies);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        const Bytes frames = binary(stream.substr(0, cut)) + binary(stream.substr(cut));
        Subscriber subscriber(nats());
        REQUIRE(subscriber.feed(frames) == "");
        REQUIRE(subscriber.state.messages == 4);
        REQUIRE(subscriber.state.is_between_deliveries());
        REQUIRE(unmasked(subscriber.replies) == replies);
    }
    // The last fragment of a message may be empty.
    CHECK(refusal(nats(), server_frame(0x02, nats_delivery({0, 0})) + server_frame(0x80, "")) ==
          "");
}

TEST_CASE("Socket.IO has one packet in each message, which may be fragmented") {
    const std::string third = socketio_delivery({0, 2});
    check_cuts(socketio(),
               text(socketio_open) + text(R"(40{"sid":"b"})") + text(socketio_delivery({0, 0})) +
                   text("2") + text(socketio_delivery({0, 1})) +
                   server_frame(0x01, third.substr(0, 9)) +
                   server_frame(0x00, third.substr(9, 40)) + server_frame(0x80, third.substr(49)) +
                   text(socketio_delivery({0, 3})),
               R"(40{"topic":"first"}3)");
}

TEST_CASE("Centrifuge has an offset behind a publication, or none") {
    const Bytes begin = text(R"({"id":1,"connect":{"client":"a"}})") +
                        text(R"({"id":2,"subscribe":{"epoch":"abcd","offset":9}})") +
                        text(centrifuge_delivery({0, 0}, R"(,"offset":9)")) + text("{}");
    check_cuts(centrifuge(),
               begin + text(centrifuge_delivery({0, 1}, R"(,"offset":10)")) +
                   text(centrifuge_delivery({0, 2})) +
                   text(centrifuge_delivery({0, 3}, R"(,"offset":18446744073709551615)")),
               R"({"subscribe":{"channel":"first"},"id":2}{})");
    for (const std::string_view wrong :
         {R"(,"offset":-1)", R"(,"offset":1x)", R"(,"offset":1,)", R"(,"tags":{})", R"(,"offse)"})
        CHECK(refusal(centrifuge(), text(centrifuge_delivery({0, 0}, wrong))) != "");
}

TEST_CASE("Centrifuge in Protobuf has the length in front of each packet") {
    check_cuts(centrifuge_protobuf(),
               binary("\x07\x08\x01\x2a\x03\x0a\x01"
                      "a") +
                   binary({"\x04\x08\x02\x32\x00", 5}) + binary(protobuf_delivery({0, 0})) +
                   binary({"\x04\x08\x03\x42\x00", 5}) + binary({"\x00", 1}) +
                   binary(protobuf_delivery({0, 1})) + binary(protobuf_delivery({0, 2})) +
                   binary(protobuf_delivery({0, 3})),
               {"\x0b\x08\x02\x2a\x07\x0a\x05"
                "first\x00",
                13});
    Bytes frames;
    append_publication({0, 7}, {ws::Opcode::binary, payload_bytes},
                       centrifuge_protobuf().publication("first", payload_bytes), frames);
    CHECK(unmasked(frames) ==
          "\x4d\x08\x03\x3a\x49\x0a\x05"
          "first\x12\x40" +
              payload_of({0, 7}));
}

TEST_CASE("whatever is neither a delivery nor in its place is refused") {
    CHECK(refusal(nats(), binary("-ERR 'Slow Consumer'\r\n")) ==
          "delivery 0: the server sent '-ERR 'Slow Consumer'\\r\\n'");
    CHECK(refusal(nats(), binary("MSG first 1 63\r\n")) ==
          "delivery 0: the server sent 'MSG first 1 63\\r\\n'");
    CHECK(refusal(nats(), binary("MSG second 1 64\r\n")) != "");
    CHECK(refusal(nats(), binary("PONG\r\n")) != "");
    CHECK(refusal(nats(), binary(nats_info) + binary(nats_info)) != "");
    CHECK(refusal(nats(), binary(nats_info) + binary("PONG\r\nPONG\r\n")) != "");
    CHECK(refusal(nats(), binary(std::string(10'000, '\x01')))
              .ends_with("\\x01'..., which has no end"));
    CHECK(refusal(nats(), text(nats_info)) == "delivery 0: opcode 1 instead of 2");
    const std::string delivery = socketio_delivery({0, 0});
    CHECK(refusal(socketio(), text("41")) == "delivery 0: the server sent '41'");
    CHECK(refusal(socketio(), text("")) == "delivery 0: the server sent ''");
    CHECK(refusal(socketio(), text(delivery + "x")) == "delivery 0: 'x' behind its end");
    for (std::size_t size = 0; size < delivery.size(); ++size)
        CHECK(refusal(socketio(), text(delivery.substr(0, size)) + text("2")) != "");
}

TEST_CASE("any changed octet of a delivery is noticed") {
    const auto check = [](const Subprotocol& subprotocol, unsigned first, const std::string& good) {
        CHECK(refusal(subprotocol, server_frame(first, good)) == "");
        for (std::size_t position = 0; position < good.size(); ++position) {
            std::string changed = good;
            changed[position] = static_cast<char>(changed[position] ^ 1);
            // NATS: what was a line goes on.
            Subscriber subscriber(subprotocol);
            const std::string reason = subscriber.feed(server_frame(first, changed));
            CHECK((reason != "" || !subscriber.state.is_between_deliveries()));
            CHECK(subscriber.state.messages == 0);
        }
    };
    check(nats(), 0x82, nats_delivery({0, 0}));
    check(socketio(), 0x81, socketio_delivery({0, 0}));
}

TEST_CASE("publications that are lost, doubled or out of order are noticed in every protocol") {
    const auto reason_of = [](std::uint64_t first, std::uint64_t second) {
        const std::string reason =
            refusal(nats(), binary(nats_delivery({0, first}) + nats_delivery({0, second})));
        CHECK(refusal(socketio(), text(socketio_delivery({0, first})) +
                                      text(socketio_delivery({0, second}))) == reason);
        return reason;
    };
    CHECK(reason_of(0, 1) == "");
    CHECK(reason_of(0, 0) == "delivery 1: publication 0 of publisher 0 came a second time");
    CHECK(reason_of(0, 2) ==
          "delivery 1: publication 2 of publisher 0 came where its publication 1 was due: lost or "
          "out of order");
}

TEST_CASE("a publication is sent in its envelope, and is a string of JSON as it is") {
    Bytes frames;
    const MessageShape shape{ws::Opcode::text, payload_bytes};
    append_publication({0, 7}, shape, socketio().publication("first", payload_bytes), frames);
    CHECK(unmasked(frames) == socketio_delivery({0, 7}));
    frames.clear();
    append_publication({0, 7}, shape, nats().publication("first", payload_bytes), frames);
    CHECK(unmasked(frames) == "PUB first 64\r\n" + payload_of({0, 7}) + "\r\n");
    for (std::uint64_t sequence = 0; sequence < 1000; ++sequence) {
        const std::string payload = payload_of({5, sequence});
        REQUIRE(payload.find_first_of("\\\"") == std::string::npos);
        REQUIRE(std::ranges::all_of(payload,
                                    [](char letter) { return '0' <= letter && letter <= 'p'; }));
    }
}

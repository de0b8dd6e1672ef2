#include "delivery_checker.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "publication.hpp"
#include "topic_order.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::bench;

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t subscriber_count = 2;
constexpr std::size_t window = 8;

/// The frame in which a server passes a publication on, with a header written by hand, so that the
/// tests do not trust the code that they check.
Bytes frame_of(PublicationId id, std::size_t payload_bytes, unsigned first = 0x82) {
    Bytes payload(payload_bytes);
    write_publication(id, payload);
    Bytes frame{std::byte(first)};
    if (payload_bytes < 126) {
        frame.push_back(std::byte(payload_bytes));
    } else {
        frame.push_back(std::byte{126});
        frame.push_back(std::byte(payload_bytes >> 8U));
        frame.push_back(std::byte(payload_bytes & 0xffU));
    }
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
}

Bytes frames_of(std::initializer_list<PublicationId> ids, std::size_t payload_bytes = 64) {
    Bytes frames;
    for (const PublicationId id : ids) {
        const Bytes frame = frame_of(id, payload_bytes);
        frames.insert(frames.end(), frame.begin(), frame.end());
    }
    return frames;
}

/// Two topics with two subscribers each; publishers 0 and 1 publish to the first topic, publisher 2
/// to the second, and each has published 4 times.
class Fixture {
public:
    explicit Fixture(std::size_t payload_bytes = 64) : shape_{ws::Opcode::binary, payload_bytes} {
        for (const char* name : {"first", "second"})
            topics_.emplace_back(name, shape_, subscriber_count, 2 * window);
        for (const std::uint32_t topic : {0U, 0U, 1U}) {
            Publisher& publisher = publishers_.emplace_back(topic, window);
            for (int i = 0; i < 4; ++i) publisher.publish({});
        }
    }

    /// Lets `state` receive `stream`, `chunk` bytes at a time; empty if all is well, else why not.
    std::string feed(DeliveryState& state, const Bytes& stream, std::size_t chunk) {
        DeliveryChecker checker(shape_, topics_, publishers_);
        Bytes pongs;
        for (std::size_t start = 0; start < stream.size(); start += chunk) {
            const std::size_t size = std::min(chunk, stream.size() - start);
            const std::uint64_t before = state.messages;
            const auto count =
                checker.consume(state, std::span(stream).subspan(start, size), pongs);
            if (!count) return count.error().message;
            CHECK(*count == state.messages - before);
        }
        return "";
    }

    [[nodiscard]] const TopicOrder& first_topic() const { return topics_.front(); }

private:
    MessageShape shape_;
    std::vector<TopicOrder> topics_;
    std::vector<Publisher> publishers_;
};

/// The reason why the second subscriber's stream is refused after the first has received `first`,
/// which must be the same however the streams are cut.
std::string refusal(const Bytes& first, const Bytes& second, std::uint32_t second_topic = 0) {
    std::string reason;
    for (const std::size_t chunk : {std::size_t{10'000}, std::size_t{1}, std::size_t{67}}) {
        Fixture fixture;
        DeliveryState one;
        CHECK(fixture.feed(one, first, chunk).empty());
        DeliveryState other;
        other.topic = second_topic;
        const std::string here = fixture.feed(other, second, chunk);
        if (!reason.empty()) CHECK(here == reason);
        reason = here;
    }
    return reason;
}

const Bytes& good() {
    static const Bytes stream = frames_of({{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}});
    return stream;
}

}  // namespace

TEST_CASE("a publication says which one it is, and every byte of it follows from that") {
    Bytes payload(100);
    for (const PublicationId id : {PublicationId{0, 0}, PublicationId{7, 1'000'000'007},
                                   PublicationId{publisher_count_max - 1, (1ULL << 48U) - 1}}) {
        write_publication(id, payload);
        const auto read = read_publication_id(std::span(payload).first<publication_id_bytes>());
        REQUIRE(read.has_value());
        CHECK(*read == id);
        for (const std::byte byte : payload) CHECK(std::to_integer<unsigned>(byte) < 0x80);
        Bytes next(100);
        write_publication({id.publisher, id.sequence + 1}, next);
        CHECK_FALSE(std::equal(next.begin() + publication_id_bytes, next.end(),
                               payload.begin() + publication_id_bytes));
    }
}

TEST_CASE("a changed bit in the identity of a publication makes it none") {
    Bytes payload(publication_id_bytes);
    write_publication({.publisher = 3, .sequence = 12345}, payload);
    for (std::size_t bit = 0; bit < 8 * payload.size(); ++bit) {
        payload[bit / 8] ^= std::byte(1U << bit % 8);
        CHECK_FALSE(
            read_publication_id(std::span(payload).first<publication_id_bytes>()).has_value());
        payload[bit / 8] ^= std::byte(1U << bit % 8);
    }
}

TEST_CASE("a publication is sent as one masked frame with that payload") {
    for (const std::size_t size : std::vector<std::size_t>{16, 64, 125, 126, 1024}) {
        Bytes frames{std::byte{0x55}};
        append_publication({2, 9}, {ws::Opcode::text, size}, {}, frames);
        Bytes expected = frame_of({2, 9}, size, 0x81);
        const std::size_t header_bytes = expected.size() - size;
        REQUIRE(frames.size() == 1 + expected.size() + 4);
        CHECK(frames[1] == expected[0]);
        CHECK(frames[2] == (expected[1] | std::byte{0x80}));
        bool equal = true;
        for (std::size_t i = 0; i < size; ++i) {
            equal = equal && (frames[1 + header_bytes + 4 + i] ^
                              frames[1 + header_bytes + i % 4]) == expected[header_bytes + i];
        }
        CHECK(equal);
    }
}

TEST_CASE("two subscribers that see one order are content, however their streams are cut") {
    for (const std::size_t size : std::vector<std::size_t>{16, 17, 64, 125, 126, 1000}) {
        const Bytes stream = frames_of({{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}}, size);
        for (std::size_t chunk = 1; chunk <= 200; ++chunk) {
            Fixture fixture(size);
            DeliveryState one;
            DeliveryState other;
            CHECK(fixture.feed(one, stream, chunk).empty());
            CHECK(fixture.feed(other, stream, 201 - chunk).empty());
            CHECK(one.messages == 5);
            CHECK(other.messages == 5);
            CHECK(fixture.first_topic().end() == 5);
        }
    }
}

TEST_CASE("subscribers that take turns in the middle of a publication are content") {
    Fixture fixture;
    DeliveryState one;
    DeliveryState other;
    for (const std::byte byte : good()) {
        CHECK(fixture.feed(one, {byte}, 1).empty());
        CHECK(fixture.feed(other, {byte}, 1).empty());
    }
    CHECK(one.messages == 5);
    CHECK(other.messages == 5);
}

TEST_CASE("a publication may be fragmented, with a ping in between, which is answered") {
    for (std::size_t cut = 0; cut <= 64; ++cut) {
        const Bytes payload = [] {
            Bytes bytes(64);
            write_publication({0, 0}, bytes);
            return bytes;
        }();
        Bytes stream{std::byte{0x02}, std::byte(cut)};
        stream.insert(stream.end(), payload.begin(),
                      payload.begin() + static_cast<std::ptrdiff_t>(cut));
        for (const unsigned octet : {0x89U, 1U, 0x2aU}) stream.push_back(std::byte(octet));
        stream.push_back(std::byte{0x80});
        stream.push_back(std::byte(64 - cut));
        stream.insert(stream.end(), payload.begin() + static_cast<std::ptrdiff_t>(cut),
                      payload.end());
        for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, stream.size()}) {
            Fixture fixture;
            DeliveryState state;
            CHECK(fixture.feed(state, stream, chunk).empty());
            CHECK(state.messages == 1);
        }
    }
}

TEST_CASE("a lost publication is noticed, by the first subscriber and by the others") {
    const std::string first = refusal({}, frames_of({{0, 0}, {0, 2}}));
    CHECK(first ==
          "delivery 1: publication 2 of publisher 0 came where its publication 1 was due: lost or "
          "out of order");
    const std::string other = refusal(good(), frames_of({{0, 0}, {1, 1}}));
    CHECK(other ==
          "delivery 1: publication 1 of publisher 1 came where another subscriber of first got "
          "publication 0 of publisher 1: lost or out of order");
}

TEST_CASE("a doubled publication is noticed, by the first subscriber and by the others") {
    CHECK(refusal({}, frames_of({{0, 0}, {0, 0}})) ==
          "delivery 1: publication 0 of publisher 0 came a second time");
    CHECK(refusal(good(), frames_of({{0, 0}, {0, 0}})) ==
          "delivery 1: publication 0 of publisher 0 came a second time, where publication 0 of "
          "publisher 1 was due");
    CHECK(refusal(good(), frames_of({{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}, {1, 1}})) ==
          "delivery 5: publication 1 of publisher 1 came a second time");
}

TEST_CASE("publications in another order than a second subscriber saw are noticed") {
    CHECK(refusal(good(), frames_of({{1, 0}, {0, 0}})) ==
          "delivery 0: publication 0 of publisher 1 came where another subscriber of first got "
          "publication 0 of publisher 0: lost or out of order");
    CHECK(refusal(good(), frames_of({{0, 0}, {1, 0}, {0, 1}})) ==
          "delivery 2: publication 1 of publisher 0 came where another subscriber of first got "
          "publication 1 of publisher 1: lost or out of order");
}

TEST_CASE("a publication of another topic, or of nobody, is noticed") {
    CHECK(refusal({}, frames_of({{2, 0}})) ==
          "delivery 0: publication 0 of publisher 2 came on topic first, but was published on "
          "second");
    CHECK(refusal(good(), frames_of({{0, 0}}), 1) ==
          "delivery 0: publication 0 of publisher 0 came on topic second, but was published on "
          "first");
    CHECK(refusal({}, frames_of({{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}})) ==
          "delivery 4: publication 4 of publisher 0 was never published");
    CHECK(refusal({}, frames_of({{3, 0}})) == "delivery 0: the payload is not a publication's");
}

TEST_CASE("any changed octet is noticed, by the first subscriber and by the others") {
    for (const std::size_t size : std::vector<std::size_t>{16, 64, 200}) {
        const Bytes stream = frames_of({{0, 0}, {1, 0}}, size);
        for (std::size_t position = 0; position < stream.size(); ++position) {
            Bytes broken = stream;
            broken[position] ^= std::byte{0x01};
            for (const std::size_t chunk : {std::size_t{1}, std::size_t{30}, stream.size()}) {
                for (const bool is_known : {false, true}) {
                    Fixture fixture(size);
                    DeliveryState one;
                    if (is_known) CHECK(fixture.feed(one, stream, chunk).empty());
                    DeliveryState other;
                    const std::string reason = fixture.feed(other, broken, chunk);
                    CHECK((!reason.empty() || other.messages < 2));
                }
            }
        }
    }
}

TEST_CASE("the position and the values of a wrong octet are named") {
    Bytes broken = good();
    const std::size_t position = 66 + 2 + 40;
    const std::byte right = broken[position];
    const std::byte wrong = right ^ std::byte{0x02};
    broken[position] = wrong;
    const std::string expected = fmt::format(
        "delivery 1: publication 0 of publisher 1 differs at byte 40: expected {:#04x}, "
        "got {:#04x}",
        std::to_integer<unsigned>(right), std::to_integer<unsigned>(wrong));
    CHECK(refusal({}, broken) == expected);
    CHECK(refusal(good(), broken) == expected);
}

TEST_CASE("a message of another kind or size is refused") {
    Bytes text = good();
    text[0] = std::byte{0x81};
    CHECK(refusal(good(), text) == "delivery 0: opcode 1 instead of 2");
    CHECK(refusal(good(), frames_of({{0, 0}}, 65)) ==
          "delivery 0: a frame of 65 bytes, fin true, after 0 bytes of a message of 64");
}

TEST_CASE("an order is kept in a circle, and knows when all subscribers have received a position") {
    const MessageShape shape{ws::Opcode::binary, 20};
    TopicOrder order("circle", shape, 2, 16);
    for (std::uint64_t sequence = 0; sequence < 100; ++sequence) {
        order.append({0, sequence}, {});
        const auto frames = order.frames_from(sequence);
        const Bytes expected = frame_of({0, sequence}, 20);
        CHECK(std::equal(frames.begin(), frames.end(), expected.begin(), expected.end()));
        CHECK(order.frames_from(order.end()).empty());
        CHECK(order.position_of({0, sequence}) == sequence);
        CHECK(order.position_of({0, sequence - 15}).has_value() == (sequence >= 15));
        CHECK_FALSE(order.position_of({0, sequence - 16}).has_value());
        CHECK_FALSE(order.count_delivery(sequence));
        CHECK(order.completed() == sequence);
        CHECK(order.count_delivery(sequence));
        CHECK(order.completed() == sequence + 1);
    }
}

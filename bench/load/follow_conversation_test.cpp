#include "follow_conversation.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <initializer_list>
#include <string>
#include <vector>

#include "options.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::bench;

using Bytes = std::vector<std::byte>;
using Next = Conversation::Next;

constexpr Clock::time_point start{std::chrono::seconds(1000)};
constexpr std::size_t payload_bytes = 64;

/// The frame in which a server passes a publication on.
Bytes frame_of(PublicationId id) {
    Bytes frame(2 + payload_bytes);
    frame[0] = std::byte{0x82};
    frame[1] = std::byte{payload_bytes};
    write_publication(id, std::span(frame).subspan(2));
    return frame;
}

Bytes frames_of(std::initializer_list<PublicationId> ids) {
    Bytes frames;
    for (const PublicationId id : ids) {
        const Bytes frame = frame_of(id);
        frames.insert(frames.end(), frame.begin(), frame.end());
    }
    return frames;
}

Bytes text_frame(const std::string& text) {
    Bytes frame{std::byte{0x81}, std::byte(text.size())};
    for (const char letter : text) frame.push_back(std::byte(letter));
    return frame;
}

Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

/// Two topics; publishers 0 and 2 publish to the first one and publisher 1 to the second. Each has
/// published twice before the one follower, life 0, joins the first topic.
class Fixture {
public:
    explicit Fixture(std::uint64_t deliveries_per_life = 0)
        : conversation(load, {ws::Opcode::binary, payload_bytes, Compression::off, true},
                       deliveries_per_life, 1) {
        load.start(start);
        publish(2);
        conversation.begin(0, 0);
    }

    /// Lets each publisher publish `count` times.
    void publish(int count) {
        published_ += count;
        for (; time_ < start + std::chrono::seconds(3 * published_);
             time_ += std::chrono::seconds(1)) {
            std::vector<std::uint32_t>& ready = load.take_ready(time_);
            Bytes frames;
            for (const std::uint32_t publisher : ready) load.publish_owed(publisher, time_, frames);
            ready.clear();
        }
    }
    /// Empty if all is well, else what is wrong.
    std::string feed(const Bytes& bytes, std::size_t chunk = 1000) {
        Bytes pongs;
        for (std::size_t begin = 0; begin < bytes.size(); begin += chunk) {
            const std::size_t size = std::min(chunk, bytes.size() - begin);
            const auto fed = conversation.consume(0, std::span(bytes).subspan(begin, size), pongs);
            if (!fed) return fed.error().message;
        }
        return "";
    }

    FanoutLoad load{{.subscribers = 0, .publishers = 3, .topics = 2, .rate = 1}};
    FollowConversation conversation;

private:
    Clock::time_point time_ = start;
    int published_ = 0;
};

}  // namespace

TEST_CASE("a follower gets what is published behind its 101, and perhaps some from before") {
    for (const std::size_t chunk : {1UL, 7UL, 1000UL}) {
        Fixture fixture;
        CHECK_FALSE(fixture.conversation.is_owed(0));
        fixture.publish(2);
        CHECK(fixture.conversation.is_owed(0));
        CHECK(fixture.feed(frames_of({{0, 1}, {2, 2}, {0, 2}, {0, 3}}), chunk) == "");
        CHECK(fixture.conversation.is_owed(0));
        CHECK(fixture.conversation.next(0, false) == Next::receive);
        CHECK(fixture.feed(frames_of({{2, 3}}), chunk) == "");
        CHECK_FALSE(fixture.conversation.is_owed(0));
        CHECK(fixture.conversation.next(0, false) == Next::receive);
        fixture.conversation.stop();
        CHECK(fixture.conversation.next(0, false) == Next::end);
        CHECK(fixture.conversation.message_count() == 5);
    }
}

TEST_CASE("a gap behind the 101 is noticed") {
    Fixture fixture;
    fixture.publish(2);
    CHECK(fixture.feed(frames_of({{0, 3}})) ==
          "delivery 0: publication 3 of publisher 0 came where publication 2 was due: lost or out "
          "of order");
}

TEST_CASE("publications that are lost, doubled or out of order are noticed") {
    const auto outcome = [](std::initializer_list<PublicationId> ids) {
        Fixture fixture;
        fixture.publish(4);
        return fixture.feed(frames_of(ids));
    };
    CHECK(outcome({{0, 2}, {0, 4}}) ==
          "delivery 1: publication 4 of publisher 0 came where publication 3 was due: lost or out "
          "of order");
    CHECK(outcome({{0, 2}, {2, 2}, {0, 2}}) ==
          "delivery 2: publication 2 of publisher 0 came a second time or out of order");
    CHECK(outcome({{1, 2}}) == "delivery 0: publication 2 of publisher 1 came on topic bench-0");
    CHECK(outcome({{0, 6}}) == "delivery 0: publication 6 of publisher 0 was never published");
    CHECK(outcome({{3, 0}}) == "delivery 0: the payload is not a publication's");
}

TEST_CASE("any changed byte of a delivery is noticed") {
    for (std::size_t position = 2; position < 2 + payload_bytes; ++position) {
        Fixture fixture;
        fixture.publish(1);
        Bytes frame = frame_of({0, 2});
        frame[position] ^= std::byte{1};
        CHECK(fixture.feed(frame) != "");
    }
}

TEST_CASE("publications may be missing if the server says how many") {
    Fixture fixture;
    fixture.publish(4);
    const Bytes notice = text_frame(R"({"skipped":3})");
    CHECK(fixture.feed(frames_of({{0, 2}, {2, 2}}) + notice + frames_of({{0, 5}, {2, 4}}), 5) ==
          "");
    CHECK(fixture.conversation.is_owed(0));
    CHECK(fixture.feed(frames_of({{2, 5}})) == "");
    CHECK_FALSE(fixture.conversation.is_owed(0));
    CHECK(fixture.conversation.skipped() == 3);
}

TEST_CASE("a notice that says too little or too much is noticed") {
    Fixture little;
    little.publish(4);
    CHECK(little.feed(frames_of({{0, 2}}) + text_frame(R"({"skipped":2})") +
                      frames_of({{0, 4}, {2, 4}})) ==
          "delivery 2: publication 4 of publisher 2 came where publication 2 was due: lost or out "
          "of order");
    Fixture much;
    much.publish(1);
    CHECK(much.feed(text_frame(R"({"skipped":1})") + frames_of({{0, 2}, {2, 2}})) == "");
    CHECK(much.conversation.is_owed(0));
    CHECK(much.conversation.describe(0) == "after 2 deliveries on bench-0, with -1 still to come");
}

TEST_CASE("a text that is no notice is refused") {
    for (const char* text : {"", "{}", R"({"skipped":})", R"({"skipped":1x})", R"({"skipped":-1})",
                             R"({"skipped":99999999999999999999})"}) {
        Fixture fixture;
        CHECK(fixture.feed(text_frame(text)) ==
              "the server sent the text '" + std::string(text) + "'");
    }
}

TEST_CASE("a visitor leaves after its deliveries") {
    Fixture fixture(2);
    fixture.publish(2);
    CHECK(fixture.feed(frames_of({{0, 2}})) == "");
    CHECK(fixture.conversation.next(0, false) == Next::receive);
    CHECK(fixture.feed(frames_of({{2, 2}})) == "");
    CHECK(fixture.conversation.next(0, false) == Next::end);
}

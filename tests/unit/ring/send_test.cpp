// Sends: quiet ones and what becomes of those that fall short, gathered ones, flushes.

#include <algorithm>

#include "unit/ring/ring_kit.hpp"

namespace ringcast::ring {
namespace {

/// Reads `size` bytes of the pattern from the client's end while the ring turns until `done()`.
void read_pattern(Ring& ring, const Pair& pair, std::uint32_t seed, std::uint64_t size,
                  const std::function<bool()>& done,
                  const std::function<void(const Completion&)>& take) {
    std::uint64_t position = 0;
    turn_until(
        ring,
        [&] {
            const std::string text = read_some(pair.client);
            if (text != pattern_text(seed, position, text.size())) FAIL("wrong bytes");
            position += text.size();
            return position == size && done();
        },
        take);
    CHECK(read_some(pair.client).empty());
}

TEST_CASE("a quiet send that succeeds posts nothing") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        const std::string text = "hello";
        ring->send_quiet(token_of(pair.server), pair.server, bytes_of(text));
        CHECK(ring->turn({.until = ring->now()}).empty());
        CHECK(read_some(pair.client) == "hello");
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("a quiet send that falls short tells first how much went, and a send finishes it") {
    on_each_ring([](const Variant& variant) {
        for (const bool flushes : {false, true}) {
            CAPTURE(flushes);
            auto ring = make(variant);
            Pair stuck = connected_pair(*ring), quick = connected_pair(*ring);
            const std::string large = pattern_text(7, 0, more_than_a_socket_holds);
            // Other completions are due in the same turn: the shortfall must come before them.
            write_all(quick.client, "input");
            ring->recv(token_of(quick.server), quick.server);
            ring->send(token_of(quick.server), quick.server, bytes_of("output"));
            ring->send_quiet(token_of(stuck.server), stuck.server, bytes_of(large));
            const auto completions =
                flushes ? ring->flush()
                        : ring->turn({.until = ring->now() + std::chrono::seconds{1}});
            REQUIRE(!completions.empty());
            const Completion shortfall = completions.front();
            const std::vector<Completion> first{completions.begin(), completions.end()};
            if (flushes) CHECK(completions.size() == 1);
            CHECK(shortfall.token.opcode == Opcode::send_quiet);
            CHECK(shortfall.token.slot == static_cast<std::uint32_t>(stuck.server));
            REQUIRE(shortfall.result > 0);
            auto sent = static_cast<std::size_t>(shortfall.result);
            CHECK(ring->counters().quiet_shortfalls == 1);

            // A socket that is full takes nothing at all. Until then the kernel may still pass on
            // what it has taken, and make room.
            for (std::int32_t result = 0; result != -EAGAIN;
                 sent += static_cast<std::size_t>(std::max(result, 0))) {
                REQUIRE(sent < large.size());
                ring->send_quiet(token_of(stuck.server), stuck.server,
                                 bytes_of(std::string_view{large}.substr(sent)));
                const auto again = ring->flush();
                REQUIRE(again.size() == 1);
                result = again.front().result;
                REQUIRE((result > 0 || result == -EAGAIN));
            }

            std::size_t finished = 0;
            bool armed = true;
            for (const Completion& completion : first)
                if (completion.token.opcode == Opcode::recv) armed = completion.has_more();
            ring->send(token_of(stuck.server), stuck.server,
                       bytes_of(std::string_view{large}.substr(sent)));
            ring->cancel(token_of(quick.server), quick.server);
            read_pattern(
                *ring, stuck, 7, large.size(), [&] { return finished == 1 && !armed; },
                [&](const Completion& completion) {
                    if (completion.token.opcode == Opcode::recv) armed = completion.has_more();
                    if (completion.token.opcode != Opcode::send) return;
                    if (completion.token.slot != static_cast<std::uint32_t>(stuck.server)) return;
                    CHECK(completion.result == static_cast<std::int32_t>(large.size() - sent));
                    ++finished;
                });
            close_all(*ring, {stuck.server, quick.server});
            check_idle(*ring);
        }
    });
}

TEST_CASE("gathered sends keep the order of their parts, quiet or not, short or whole") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        const std::string all = pattern_text(3, 0, more_than_a_socket_holds);
        std::vector<Part> parts;
        std::size_t position = 0;
        for (std::size_t i = 0; position < all.size(); ++i) {
            const std::size_t size =
                i == 1023 ? all.size() - position : std::min(1 + i * 40, all.size() - position);
            const auto part = bytes_of(std::string_view{all}.substr(position, size));
            parts.push_back({part.data(), part.size()});
            position += size;
        }
        REQUIRE(parts.size() <= send_parts_max);
        const std::span<const Part> first{parts.data(), 10};
        std::size_t head = 0;
        for (const Part& part : first) head += part.size;

        ring->send_quiet(token_of(pair.server), pair.server, first, head);
        CHECK(ring->flush().empty());
        const std::span<const Part> rest{parts.data() + 10, parts.size() - 10};
        bool finished = false;
        ring->send(token_of(pair.server), pair.server, rest, all.size() - head);
        read_pattern(
            *ring, pair, 3, all.size(), [&] { return finished; },
            [&](const Completion& completion) {
                CHECK(completion.token.opcode == Opcode::send);
                CHECK(completion.result == static_cast<std::int32_t>(all.size() - head));
                finished = true;
            });

        ring->send_quiet(token_of(pair.server), pair.server, parts, all.size());
        const auto shortfalls = ring->flush();
        REQUIRE(shortfalls.size() == 1);
        REQUIRE(shortfalls.front().result > 0);
        const auto sent = static_cast<std::uint64_t>(shortfalls.front().result);
        CHECK(sent < all.size());
        read_pattern(*ring, pair, 3, sent, [] { return true; }, [](const Completion&) {});
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("more gathered sends than the submission array holds all arrive") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant, {.submissions_max = 8, .completions_max = 8});
        std::vector<Pair> pairs;
        for (int i = 0; i < 30; ++i) pairs.push_back(connected_pair(*ring));
        const std::string head = "head ", body = "body";
        const Part parts[] = {{bytes_of(head).data(), head.size()},
                              {bytes_of(body).data(), body.size()}};
        std::vector<int> descriptors;
        for (const Pair& pair : pairs) {
            ring->send_quiet(token_of(pair.server), pair.server, parts, 9);
            descriptors.push_back(pair.server);
        }
        CHECK(ring->turn({.until = ring->now()}).empty());
        CHECK(ring->counters().early_flushes == 3);
        for (const Pair& pair : pairs) CHECK(read_some(pair.client) == "head body");
        close_all(*ring, descriptors);
        check_idle(*ring);
    });
}

TEST_CASE("a send to a connection that was reset fails with an error, quiet or not") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        const linger abort{.l_onoff = 1, .l_linger = 0};
        REQUIRE(setsockopt(pair.client.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort) == 0);
        pair.client = Descriptor{};
        ring->send_quiet(token_of(pair.server), pair.server, bytes_of("x"));
        const auto shortfalls = ring->flush();
        REQUIRE(shortfalls.size() == 1);
        const std::int32_t quiet_result = shortfalls.front().result;
        CHECK((quiet_result == -ECONNRESET || quiet_result == -EPIPE));
        bool finished = false;
        ring->send(token_of(pair.server), pair.server, bytes_of("x"));
        turn_until(
            *ring, [&] { return finished; },
            [&](const Completion& completion) {
                CHECK(completion.result == -EPIPE);
                finished = true;
            });
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("a reset ends a send that was waiting for room") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        const std::string large(more_than_a_socket_holds, 'x');
        ring->send(token_of(pair.server), pair.server, bytes_of(large));
        CHECK(ring->turn({.until = ring->now()}).empty());
        CHECK(!ring->idle());
        pair.client = Descriptor{};  // Unread bytes are there: a reset.
        expect_short_send(*ring, large.size());
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("a flush keeps everything but shortfalls for the next turn") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        Pair pair = connected_pair(*ring);
        write_all(pair.client, "input");
        ring->recv(token_of(pair.server), pair.server);
        ring->send(token_of(pair.server), pair.server, bytes_of("output"));
        CHECK(ring->flush().empty());
        CHECK(read_some(pair.client) == "output");
        std::string received;
        bool sent = false, armed = true;
        turn_until(
            *ring, [&] { return sent && !received.empty(); },
            [&](const Completion& completion) {
                if (completion.token.opcode == Opcode::send) {
                    sent = true;
                } else {
                    received += text_of(completion);
                    armed = completion.has_more();
                }
            });
        CHECK(received == "input");
        if (!armed) ring->recv(token_of(pair.server), pair.server);
        pair.client = Descriptor{};
        bool ended = false;
        turn_until(
            *ring, [&] { return ended; },
            [&](const Completion& completion) {
                ended = true;
                if (completion.has_more()) FAIL("more after the end");
                CHECK(completion.result == 0);
            });
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

}  // namespace
}  // namespace ringcast::ring

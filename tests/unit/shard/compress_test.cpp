// Sessions that have agreed on permessage-deflate: negotiation, both directions, failures, budgets
// of memory and time.

#include <doctest/doctest.h>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "shard/permessage_deflate.hpp"
#include "support/deflate_client.hpp"
#include "unit/shard/shard_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

Settings with(Compression mode, std::uint64_t threshold = 512) {
    Settings settings;
    settings.compression = {.mode = mode, .threshold_bytes = threshold};
    return settings;
}

struct Client {
    int fd;
    std::unique_ptr<test::DeflateClient> deflate;
};

Client open(ShardKit& kit, std::string_view offer = test::plain_offer) {
    const int fd = kit.accept();
    kit.send(fd, encode(test::UpgradeRequest{.fields = test::offer_line(offer)}));
    const auto response = kit.take_response(fd);
    REQUIRE(response.status == 101);
    return {fd, std::make_unique<test::DeflateClient>(response)};
}

/// The messages that were sent to it since the last call.
std::vector<std::string> messages(ShardKit& kit, Client& client) {
    std::vector<std::string> messages;
    for (const auto& frame : kit.take_frames(client.fd))
        messages.push_back(client.deflate->message(frame).value_or("no message"));
    return messages;
}

}  // namespace

TEST_CASE("an offer is answered by what the settings say") {
    const auto answer = [](Compression mode, std::string_view offer) {
        ShardKit kit{{}, with(mode)};
        const int fd = kit.accept();
        kit.send(fd, encode(test::UpgradeRequest{.fields = test::offer_line(offer)}));
        const auto response = kit.take_response(fd);
        if (response.status != 101) return std::to_string(response.status);
        return response.field("sec-websocket-extensions").value_or("none");
    };
    CHECK(answer(Compression::off, "permessage-deflate") == "none");
    CHECK(answer(Compression::dedicated, "permessage-deflate") == "permessage-deflate");
    CHECK(answer(Compression::shared, "permessage-deflate") ==
          "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    CHECK(answer(Compression::dedicated, "x-webkit-deflate-frame") == "none");
    CHECK(answer(Compression::dedicated, "permessage-deflate; server_max_window_bits=10") ==
          "permessage-deflate; server_max_window_bits=10");
    CHECK(answer(Compression::dedicated, "permessage-deflate;;") == "400");
    CHECK(answer(Compression::off, "permessage-deflate;;") == "400");
}

TEST_CASE("messages come and go compressed, with contexts and without") {
    for (const auto mode : {Compression::shared, Compression::dedicated}) {
        for (const std::string_view offer :
             {"permessage-deflate", "permessage-deflate; client_max_window_bits=9",
              "permessage-deflate; server_max_window_bits=8",
              "permessage-deflate; server_no_context_takeover",
              "permessage-deflate; client_no_context_takeover; server_max_window_bits=11"}) {
            CAPTURE(offer);
            ShardKit kit{{}, with(mode)};
            Client client = open(kit, offer);
            for (unsigned i = 0; i < 20; ++i) {
                const std::string message = test::json_like(512 + i * 1700, i % 3);
                kit.send(client.fd, client.deflate->frame(message));
                const auto frames = kit.take_frames(client.fd);
                REQUIRE(frames.size() == 1);
                CHECK(frames[0].is_compressed);
                CHECK(frames[0].payload.size() < message.size());
                CHECK((client.deflate->message(frames[0]) == message));
            }
            CHECK(kit.shard.metrics().messages_compressed == 20);
            CHECK(kit.shard.metrics().inflated_messages == 20);
            CHECK(kit.shard.metrics().deflated_messages == 20);
        }
    }
}

TEST_CASE("with contexts a message like the one before costs little, without it does not") {
    for (const auto mode : {Compression::shared, Compression::dedicated}) {
        ShardKit kit{{}, with(mode)};
        Client client = open(kit);
        const std::string message = test::json_like(8000);
        std::size_t size = 0;
        for (int i = 0; i < 2; ++i) {
            kit.send(client.fd, client.deflate->frame(message));
            const auto frames = kit.take_frames(client.fd);
            REQUIRE(frames.size() == 1);
            CHECK((client.deflate->message(frames[0]) == message));
            size = frames[0].payload.size();
        }
        CHECK((size < 200) == (mode == Compression::dedicated));
    }
}

TEST_CASE("what is short, does not get smaller or is no message goes as it is") {
    ShardKit kit{{}, with(Compression::dedicated, 100)};
    Client client = open(kit);
    const std::string small(99, 'a'), enough(100, 'a'), noise = test::noise(5000);
    kit.send(client.fd, test::text_frame(small));
    CHECK_FALSE(kit.take_frames(client.fd).at(0).is_compressed);
    kit.send(client.fd, test::text_frame(enough));
    CHECK(kit.take_frames(client.fd).at(0).is_compressed);
    kit.send(client.fd, test::binary_frame(noise));
    const auto frames = kit.take_frames(client.fd);
    REQUIRE(frames.size() == 1);
    CHECK_FALSE(frames[0].is_compressed);
    CHECK((frames[0].payload == noise));
    kit.send(client.fd, client.deflate->frame(""));
    CHECK(kit.take_frames(client.fd).at(0).payload.empty());
    kit.send(client.fd, test::ping_frame(std::string(120, 'p')));
    CHECK_FALSE(kit.take_frames(client.fd).at(0).is_compressed);
    // And what comes behind them is understood.
    kit.send(client.fd, client.deflate->frame(test::json_like(3000)));
    CHECK((messages(kit, client) == std::vector{test::json_like(3000)}));
}

TEST_CASE("compressed and plain messages keep their order, also behind a backlog") {
    SessionLimits limits;
    limits.send_queue_bytes_max = 16 << 20;
    ShardKit kit{limits, with(Compression::dedicated)};
    Client client = open(kit);
    for (const bool has_room : {true, false}) {
        CAPTURE(has_room);
        std::mt19937 random{7};
        std::vector<std::string> sent;
        if (!has_room) kit.ring.socket(client.fd).room = 0;
        std::string wire;
        for (unsigned i = 0; i < 600; ++i) {
            const std::size_t size = 1 + random() % (i % 50 == 0 ? 40'000 : 1500);
            sent.push_back(i % 5 == 4 ? test::noise(size, i) : test::json_like(size, i));
            wire += i % 3 == 0 ? client.deflate->frame(sent.back(), test::opcode_binary)
                               : test::binary_frame(sent.back());
        }
        kit.send(client.fd, wire);
        if (!has_room) kit.ring.give_room(client.fd, test::FakeRing::unlimited);
        kit.turn(60);
        const auto received = messages(kit, client);
        REQUIRE(received.size() == sent.size());
        for (std::size_t i = 0; i < sent.size(); ++i) CHECK((received[i] == sent[i]));
    }
    CHECK(kit.shard.metrics().messages_compressed > 300);
    CHECK(kit.shard.metrics().messages_compressed < 1100);
}

TEST_CASE("the same octets mean the same however they are cut into slices") {
    const auto run = [](std::size_t first_cut, std::size_t step) {
        ShardKit kit{{}, with(Compression::dedicated, 64)};
        Client client = open(kit);
        const std::string first = test::json_like(300, 1), second = test::json_like(700, 2);
        std::string wire = client.deflate->frame(first) + test::text_frame("plain");
        const std::string whole = client.deflate->payload(second);
        wire += encode(
            test::ClientFrame{.payload = whole.substr(0, 5), .fin = false, .reserved_bits = 4});
        wire += test::ping_frame("between") + test::continuation_frame("", false) +
                test::continuation_frame(whole.substr(5), true);
        wire += client.deflate->frame(first);
        if (first_cut > 0) kit.send(client.fd, std::string_view{wire}.substr(0, first_cut));
        for (std::size_t at = first_cut; at < wire.size(); at += step)
            kit.send(client.fd, std::string_view{wire}.substr(at, step));
        kit.turn(2);
        auto received = messages(kit, client);
        CHECK((received == std::vector<std::string>{first, "plain", "between", second, first}));
        return wire.size();
    };
    const std::size_t size = run(0, 100'000);
    for (std::size_t cut = 1; cut < size; ++cut) run(cut, 100'000);
    for (const std::size_t step : {1u, 2u, 3u, 7u, 64u}) run(0, step);
}

TEST_CASE("what breaks a rule fails the session with its code") {
    const auto code = [](auto&& wire_of) {
        SessionLimits limits;
        limits.message_bytes_max = 100'000;
        ShardKit kit{limits, with(Compression::dedicated)};
        Client client = open(kit);
        kit.send(client.fd, wire_of(*client.deflate));
        return kit.take_close(client.fd);
    };
    const auto raw = [](std::string payload, std::uint8_t opcode = test::opcode_text,
                        std::uint8_t bits = 4) {
        return encode(test::ClientFrame{
            .opcode = opcode, .payload = std::move(payload), .reserved_bits = bits});
    };
    CHECK(code([&](test::DeflateClient&) { return raw("\xff\xff\xff"); }) == 1007);
    CHECK(code([&](test::DeflateClient& client) {
              const std::string payload = client.payload(test::json_like(1000));
              return raw(payload.substr(0, payload.size() - 3));
          }) == 1007);
    CHECK(code([&](test::DeflateClient& client) { return client.frame("\xc3\x28"); }) == 1007);
    CHECK(code([&](test::DeflateClient& client) {
              return client.frame(std::string(100'001, '\0'), test::opcode_binary);
          }) == 1009);
    CHECK(code([&](test::DeflateClient& client) {
              return client.frame(std::string(50'000'000, '\0'), test::opcode_binary);
          }) == 1009);
    CHECK(code([&](test::DeflateClient&) { return raw("x", test::opcode_ping); }) == 1002);
    CHECK(code([&](test::DeflateClient&) { return raw("x", test::opcode_text, 2); }) == 1002);
    CHECK(code([&](test::DeflateClient& client) {
              return test::text_frame("x", false) +
                     raw(client.payload("y"), test::opcode_continuation);
          }) == 1002);
    ShardKit kit{{}, with(Compression::off)};
    const int fd = kit.open();
    kit.send(fd, raw("x"));
    CHECK(kit.take_close(fd) == 1002);
}

TEST_CASE("when the memory for contexts is used up new sessions get none, until there is some") {
    Settings settings = with(Compression::dedicated);
    settings.compression.memory_bytes_max = 400 << 10;  // For one: 262 KiB and 39 KiB.
    ShardKit kit{{}, settings};
    Client first = open(kit);
    CHECK(first.deflate->agreed() == "permessage-deflate");
    kit.send(first.fd, first.deflate->frame(test::json_like(3000)));
    CHECK((messages(kit, first) == std::vector{test::json_like(3000)}));
    Client second = open(kit);
    CHECK(second.deflate->has("server_no_context_takeover"));
    CHECK(second.deflate->has("client_no_context_takeover"));
    kit.send(second.fd, second.deflate->frame(test::json_like(3000)));
    CHECK((messages(kit, second) == std::vector{test::json_like(3000)}));
    CHECK(kit.shard.metrics().contexts_refused == 1);
    kit.send(first.fd, test::close_frame(1000));
    kit.take_frames(first.fd);
    Client third = open(kit);
    CHECK_FALSE(third.deflate->has("no_context_takeover"));
    CHECK(kit.shard.metrics().contexts_refused == 1);
    CHECK(kit.shard.metrics().handshakes_compressed == 3);
}

TEST_CASE("promises count as memory before anything is sent") {
    Settings settings = with(Compression::dedicated);
    settings.compression.memory_bytes_max = 400 << 10;
    ShardKit kit{{}, settings};
    std::vector<Client> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(open(kit));
    int with_contexts = 0;
    for (Client& client : clients) {
        with_contexts += client.deflate->has("client_no_context_takeover") ? 0 : 1;
        kit.send(client.fd, client.deflate->frame(test::json_like(3000)));
        CHECK((messages(kit, client) == std::vector{test::json_like(3000)}));
    }
    CHECK(with_contexts == 3);  // Each leaves room for the next one's compressor.
    CHECK(kit.shard.metrics().deflate_memory_bytes < (400 << 10) + (2 << 20));
}

TEST_CASE("a flood of little that becomes much makes no turn long, and nobody else wait") {
    SessionLimits limits;
    limits.message_bytes_max = 64 << 10;
    ShardKit kit{limits, with(Compression::dedicated)};
    std::size_t flooded = 0;
    kit.endpoint->received = [&](Session& session, Message message) {
        if (message.payload.size() > 1000) {
            ++flooded;
        } else {
            session.send(message);
        }
    };
    constexpr std::size_t floods = 4, count = 1000, size = 64 << 10;
    std::vector<Client> flooders;
    for (std::size_t i = 0; i < floods; ++i) flooders.push_back(open(kit));
    Client honest = open(kit);
    for (Client& client : flooders) {
        std::string wire;
        for (std::size_t i = 0; i < count; ++i)
            wire += client.deflate->frame(std::string(size, ' '));
        kit.ring.deliver(client.fd, wire);
    }
    kit.turn();
    std::uint64_t before = kit.shard.metrics().inflated_bytes_out;
    int turns = 0;
    for (; flooded < floods * count && turns < 10'000; ++turns) {
        kit.ring.deliver(honest.fd, honest.deflate->frame("hello"));
        kit.turn();
        const std::uint64_t after = kit.shard.metrics().inflated_bytes_out;
        CHECK(after - before <= PermessageDeflate::work_per_turn + 2 * size);
        before = after;
        kit.turn();  // What has been sent is visible.
        before = kit.shard.metrics().inflated_bytes_out;
        CHECK((messages(kit, honest) == std::vector<std::string>{"hello"}));
    }
    CHECK(flooded == floods * count);
    CHECK(turns > 20);
    CHECK(kit.shard.metrics().suspensions > 0);
}

TEST_CASE("compressed data of which nothing comes is work, too") {
    ShardKit kit{{}, with(Compression::shared)};
    Client flooder = open(kit);
    Client honest = open(kit);
    // Final blocks with the fixed code that end at once, behind each other.
    std::string blocks;
    for (int i = 0; i < 100'000; ++i) blocks += std::string_view{"\x03\x00", 2};
    kit.ring.deliver(flooder.fd, encode(test::ClientFrame{.payload = blocks, .reserved_bits = 4}));
    kit.turn();
    CHECK(kit.shard.metrics().turn_suspensions == 1);
    CHECK(kit.shard.metrics().inflated_bytes_out == 0);
    for (int i = 0; i < 10; ++i) {
        kit.ring.deliver(honest.fd, honest.deflate->frame("hello"));
        kit.turn(2);
        CHECK((messages(kit, honest) == std::vector<std::string>{"hello"}));
    }
    CHECK(kit.shard.metrics().turn_suspensions > 10);
    kit.turn(100);
    CHECK(kit.shard.metrics().held_bytes == 0);
}

TEST_CASE("a share is one of a turn, in however many pieces the compressed data comes") {
    ShardKit kit{{}, with(Compression::shared)};
    Client flooder = open(kit);
    kit.ring.socket(flooder.fd).holds_cancel = true;
    std::string blocks;
    for (int i = 0; i < 100; ++i) blocks += std::string_view{"\x03\x00", 2};
    blocks += '\0';
    const std::string frame = encode(test::ClientFrame{.payload = blocks, .reserved_bits = 4});
    std::string piece;
    for (int i = 0; i < 10; ++i) piece += frame;
    for (int i = 0; i < 40; ++i) kit.ring.deliver(flooder.fd, piece, i < 39);
    constexpr std::uint64_t share_bytes = PermessageDeflate::work_per_connection / 16;
    std::uint64_t before = 0;
    int turns = 0;
    for (; before < 40 * 10 * blocks.size() && turns < 100; ++turns) {
        kit.turn();
        const std::uint64_t after = kit.shard.metrics().inflated_bytes_in;
        CHECK(after - before <= share_bytes + 1024);
        before = after;
    }
    CHECK(turns > 5);
    CHECK(turns < 20);
}

TEST_CASE(
    "what is compressed for an answer is work, too: a long one is all that its client has of a "
    "turn") {
    constexpr std::size_t count = 5, clients_count = 3;
    const auto most_in_a_turn = [](std::size_t size) {
        SessionLimits limits;
        limits.message_bytes_max = size;
        ShardKit kit{limits, with(Compression::shared)};
        std::string wire;
        for (std::size_t i = 0; i < count; ++i) wire += test::text_frame(std::string(size, ' '));
        std::vector<Client> clients;
        for (std::size_t i = 0; i < clients_count; ++i) clients.push_back(open(kit));
        for (const Client& client : clients) kit.ring.deliver(client.fd, wire);
        std::uint64_t before = 0, most = 0;
        for (std::size_t turn = 0; turn < count * clients_count + 2; ++turn) {
            kit.turn();
            const std::uint64_t after = kit.shard.metrics().deflated_messages;
            most = std::max(most, after - std::exchange(before, after));
        }
        CHECK(before == count * clients_count);
        return most;
    };
    CHECK(most_in_a_turn(100 << 10) == clients_count);
    CHECK(most_in_a_turn(2 << 20) == 1);  // Longer than a turn.
}

TEST_CASE("many that send little which becomes much wait for each other, and none is forgotten") {
    ShardKit kit{{}, with(Compression::shared)};
    kit.endpoint->received = [](Session& session, Message message) {
        session.send(text(std::to_string(message.payload.size())));
    };
    constexpr std::size_t size = 60'000;
    std::vector<Client> clients;
    for (int i = 0; i < 300; ++i) clients.push_back(open(kit));
    for (int round = 0; round < 3; ++round) {
        for (Client& client : clients)
            kit.ring.deliver(client.fd, client.deflate->frame(std::string(size, ' ')));
        for (int turn = 0; turn < 12; ++turn) {
            const std::uint64_t before = kit.shard.metrics().inflated_bytes_out;
            kit.turn();
            CHECK(kit.shard.metrics().inflated_bytes_out - before <=
                  PermessageDeflate::work_per_turn + size);
        }
        for (Client& client : clients)
            CHECK((messages(kit, client) == std::vector{std::to_string(size)}));
    }
    CHECK(kit.shard.metrics().suspensions > 300);
}

TEST_CASE("a flooder that goes takes its part of the work with it") {
    ShardKit kit{{}, with(Compression::shared)};
    kit.endpoint->received = [](Session&, Message) {};
    Client client = open(kit);
    std::string wire;
    for (int i = 0; i < 100; ++i) wire += client.deflate->frame(std::string(60'000, ' '));
    kit.ring.deliver(client.fd, wire);
    kit.turn();
    CHECK(kit.shard.metrics().held_bytes > 0);
    SUBCASE("it is cut") {
        kit.shard.terminate_all();
    }
    SUBCASE("the server stops") {
        kit.shard.begin_shutdown(CloseCode::going_away);
    }
    SUBCASE("the handler closes it") {
        kit.endpoint->received = [](Session& session, Message) {
            session.close(CloseCode::policy_violation);
        };
    }
    kit.turn(100);
    CHECK(kit.shard.metrics().held_bytes == 0);
}

// Many connections at once, which no public suite has: one order for everybody on both shards, slow
// consumers, back-pressure, and a stop that delivers what was published before.

#include <algorithm>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "conformance/conformance_kit.hpp"

using namespace ringcast;
using namespace ringcast::conformance;

namespace {

class TopicServer {
public:
    explicit TopicServer(const RouteOptions& options = {}) : server{patient()} {
        server.mount_topics("/topics", {.anonymous = TopicAccess::publish}, options);
        server.mount<sockets::Echo>("/echo");
        REQUIRE(server.start().has_value());
    }
    [[nodiscard]] std::vector<Client> subscribed(std::size_t count) const {
        std::vector<Client> clients;
        for (std::size_t i = 0; i < count; ++i) {
            clients.push_back(connect(server.addresses().at(0)));
            clients.back().open({.target = "/topics/a/b"});
        }
        return clients;
    }
    Server server;

private:
    /// Who is closed gets to read that when its turn comes.
    static Settings patient() {
        Settings with = sockets::settings();
        with.close_timeout = test::patience;
        return with;
    }
};

/// What a client publishes as its `number`-th: of another length each, and known from its text.
std::string publication(std::size_t client, std::size_t number) {
    return std::to_string(client) + " " + std::to_string(number) + " " +
           text_payload((client + 1) * 37 * number % 3000, static_cast<std::uint32_t>(number));
}

}  // namespace

TEST_CASE("fifty clients at once, of whom some publish, see one order, octet by octet") {
    constexpr std::size_t publishers = 5, count = 100;
    const TopicServer server;
    std::vector<Client> clients = server.subscribed(50);
    for (std::size_t number = 0; number < count; ++number) {
        for (std::size_t i = 0; i < publishers; ++i)
            clients[i].write(test::text_frame(publication(i, number)));
    }
    std::vector<std::string> order;
    std::vector<std::size_t> next(publishers);
    for (std::size_t i = 0; i < publishers * count; ++i) {
        order.push_back(clients.back().message());
        const std::size_t from = std::stoul(order.back());
        REQUIRE(from < publishers);
        check_same(order.back(), publication(from, next[from]++));
    }
    clients.pop_back();
    for (Client& client : clients) {
        for (const std::string& expected : order) {
            const bool is_next = client.message() == expected;
            REQUIRE(is_next);
        }
        client.close();
    }
}

TEST_CASE("a client that does not read is closed with 1013 behind a run without a gap") {
    const TopicServer server{{.send_queue_bytes_max = 256_KiB}};
    std::vector<Client> clients = server.subscribed(10);
    Client slow = std::move(clients.back());
    clients.pop_back();
    // Far beyond what kernels buffer and the queue holds; the others keep pace.
    constexpr std::uint32_t published = 400;
    for (std::uint32_t i = 0; i < published; ++i) {
        const std::string payload = binary_payload(32 << 10, i);
        clients[i % clients.size()].write(test::binary_frame(payload));
        for (Client& client : clients) check_same(client.message(test::opcode_binary), payload);
    }
    std::uint32_t received = 0;
    ServerFrame frame = slow.frame();
    for (; frame.opcode == test::opcode_binary; frame = slow.frame())
        check_same(frame.payload, binary_payload(32 << 10, received++));
    CHECK(received > 0);
    CHECK(received < published);
    CHECK(frame.close_code() == 1013);
    slow.write(test::close_frame(1013));
    slow.expect_end();
    for (Client& client : clients) client.close();
}

TEST_CASE("echoes that are not read hold up who asked for them, and nobody else") {
    const TopicServer server;
    Client greedy = connect(server.server.addresses().at(0));
    greedy.open();
    const std::string message = binary_payload(60'000), frame = test::binary_frame(message);
    // Until it is not read from any more, far below what is no limit at all.
    std::size_t written = 0;
    while (written < 100_MiB && greedy.takes_something_within(std::chrono::milliseconds{100}))
        written +=
            greedy.write_without_reading(std::string_view{frame}.substr(written % frame.size()));
    CHECK(written < 100_MiB);
    Client other = connect(server.server.addresses().at(0));
    other.open();
    expect_echo(other);
    for (std::size_t i = 0; i < written / frame.size(); ++i)
        check_same(greedy.message(test::opcode_binary), message);
    greedy.write(frame.substr(written % frame.size()));
    check_same(greedy.message(test::opcode_binary), message);
    greedy.close();
}

TEST_CASE("a stop delivers what was published before, and then closes everybody") {
    constexpr std::size_t count = 200;
    TopicServer server;
    std::vector<Client> clients = server.subscribed(20);
    Publisher publisher = server.server.make_publisher();
    for (std::size_t number = 0; number < count; ++number)
        REQUIRE(publisher.publish("a/b", publication(1, number)) == PublishStatus::accepted);
    server.server.stop(CloseCode::service_restart);
    for (Client& client : clients) {
        for (std::size_t number = 0; number < count; ++number) {
            const bool is_next = client.message() == publication(1, number);
            REQUIRE(is_next);
        }
        CHECK(client.close_code() == 1012);
        client.write(test::close_frame(1012));
        client.expect_end();
    }
    server.server.wait();
    CHECK(server.server.stats().deliveries_dropped == 0);
}

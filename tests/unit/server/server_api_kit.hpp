#pragma once
// The server API over shards that are turned by hand, whose clients may speak the Centrifuge
// protocol.

#include <doctest/doctest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/admin.hpp"
#include "server/server_api.hpp"
#include "support/ws_client.hpp"
#include "unit/api/centrifuge_kit.hpp"

namespace ringcast::server {

inline constexpr const char* api_test_key = "0123456789abcdef";

/// Shards with topics, and an admin listener on the first one.
class ApiKit : public CentrifugeKit {
public:
    explicit ApiKit(shard::ShardsSetup setup = {}) : ApiKit{{}, std::move(setup)} {}
    explicit ApiKit(const CentrifugePolicy& policy, shard::ShardsSetup setup = {})
        : CentrifugeKit{policy, with_api(std::move(setup))} {}

    static shard::ShardsSetup with_api(shard::ShardsSetup setup) {
        static const ApiKeys keys =
            *ApiKeys::parse(std::string{api_test_key} + "\nsecond-key-0123456\n", "keys");
        static const ApiNode node{.uid = "u", .start_time_seconds = 1e12};
        setup.make_admin_router = [] {
            return make_admin_router({.metrics_text = [] { return std::string{}; },
                                      .publish = {},
                                      .api_keys = &keys,
                                      .api_node = &node});
        };
        return setup;
    }

    /// Asks the first shard; the connection is `fd`.
    int send(const std::string& method, const std::string& body,
             const std::string& lines = std::string{"X-API-Key: "} + api_test_key + "\r\n") {
        const int fd = ring(0).add_connection();
        ring(0).complete_accept(admin_listener, fd);
        turn(2);
        ring(0).deliver(fd, "POST /api/" + method + " HTTP/1.1\r\nHost: a\r\n" + lines +
                                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                                body);
        turn(2);
        return fd;
    }
    std::optional<test::ServerResponse> response(int fd) {
        test::ServerReader reader;
        reader.feed(ring(0).socket(fd).output);
        return reader.next_response(false);
    }
    /// The answer, which has come by now; then the client is gone.
    std::string answer_to(int fd) {
        const auto answer = response(fd);
        REQUIRE(answer);
        CHECK(answer->status == 200);
        ring(0).finish_recv(fd, 0);
        turn(3);
        return answer->body;
    }
    test::ServerResponse ask(const std::string& method, const std::string& body,
                             const std::string& lines = std::string{"X-API-Key: "} + api_test_key +
                                                        "\r\n") {
        const int fd = send(method, body, lines);
        turn(12);
        const auto answer = response(fd);
        REQUIRE(answer);
        ring(0).finish_recv(fd, 0);
        turn(3);
        return *answer;
    }
    /// What all shards have published.
    [[nodiscard]] std::uint64_t publications() {
        std::uint64_t count = 0;
        for (std::uint32_t i = 0; i < shards(); ++i) count += metrics(i).publications;
        return count;
    }
    std::vector<std::string> take_messages(shard::ShardClient client) {
        std::vector<std::string> messages;
        for (const auto& frame : frames(client)) messages.push_back(frame.payload);
        return messages;
    }
    std::string said(const std::string& method, const std::string& body) {
        const auto answer = ask(method, body);
        CHECK(answer.status == 200);
        CHECK(answer.field("content-type") == "application/json");
        return answer.body;
    }
};

inline std::string api_error(int code, const std::string& message) {
    return R"({"error":{"code":)" + std::to_string(code) + R"(,"message":")" + message + R"("}})";
}
inline const std::string api_bad_request = api_error(107, "bad request");
inline const std::string api_not_available = api_error(108, "not available");

}  // namespace ringcast::server

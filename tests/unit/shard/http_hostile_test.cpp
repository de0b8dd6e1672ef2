// Requests that mean harm: malformed ones, and those that two readers would take for different
// ones, so that one of them finds a request hidden in a body (RFC 9112 section 11.2). All of them
// get one clear answer, behind which nothing is read.

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "support/hostile_requests.hpp"
#include "unit/shard/http_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

/// Sends `stream` to an admin listener, in pieces of `piece_bytes`, and then something that would
/// be carried out if anything more was read. Returns what was answered.
std::vector<test::ServerResponse> answers_to(HttpKit& kit, std::string stream,
                                             std::size_t piece_bytes) {
    stream += test::hidden + test::hidden;
    const int fd = kit.accept(HttpKit::admin_listener);
    for (std::size_t at = 0; at < stream.size(); at += piece_bytes)
        kit.ring.deliver(fd, std::string_view{stream}.substr(at, piece_bytes));
    kit.turn(3);
    test::ServerReader reader;
    reader.feed(kit.ring.socket(fd).output);
    std::vector<test::ServerResponse> answers;
    while (auto answer = reader.next_response()) answers.push_back(*std::move(answer));
    CHECK(reader.unread().empty());
    CHECK(kit.ring.socket(fd).sending_shut == !answers.empty());
    CHECK(kit.ends(fd));
    return answers;
}

/// The one answer to each is a refusal that ends the connection, and nothing is carried out.
void check_refused(HttpKit& kit, const std::vector<std::string>& requests) {
    for (const std::string& request : requests) {
        CAPTURE(request);
        for (const std::size_t piece_bytes : {request.size() + 1000, std::size_t{1}}) {
            CAPTURE(piece_bytes);
            const auto answers = answers_to(kit, request, piece_bytes);
            REQUIRE(answers.size() == 1);
            CHECK(answers[0].status >= 400);
            CHECK(answers[0].field("connection") == "close");
        }
    }
    CHECK(kit.publish->requests_count == 0);
    CHECK(kit.metrics->requests_count == 0);
}

}  // namespace

TEST_CASE("malformed requests get one refusal each, and nothing behind them is read") {
    HttpKit kit;
    const auto requests = test::malformed_requests();
    CHECK(requests.size() >= 130);
    check_refused(kit, requests);
}

TEST_CASE("a length together with a coding, however that is spelled, is refused") {
    HttpKit kit;
    const auto requests = test::requests_of_two_lengths();
    CHECK(requests.size() >= 134);
    check_refused(kit, requests);
}

TEST_CASE("a coding that is not plainly chunked is refused by itself, too") {
    HttpKit kit;
    check_refused(kit, test::requests_of_doubtful_coding());
}

TEST_CASE("a length that is not plainly a number is refused") {
    HttpKit kit;
    check_refused(kit, test::requests_of_doubtful_length());
}

TEST_CASE("chunks that are not plainly framed are refused") {
    HttpKit kit;
    check_refused(kit, test::requests_of_doubtful_chunks());
}

TEST_CASE("a request in a body that is plainly framed stays content") {
    for (const std::string& request : test::requests_with_a_request_as_content()) {
        HttpKit kit;
        for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{10'000}}) {
            const auto answers =
                answers_to(kit, request + test::get("Connection: close\r\n"), piece_bytes);
            REQUIRE(answers.size() == 2);
            CHECK(answers[0].body == "POST /publish/a topic=a " + test::hidden);
            CHECK(answers[1].body == "GET /metrics ");
        }
        CHECK(kit.publish->requests_count == 2);
    }
}

// Requests that mean harm (RFC 9112 sections 2.2 to 7.1 and 11.2), to every listener: one clear
// refusal each, and nothing that stands behind them, or in their content, is carried out.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "conformance/http_kit.hpp"

using namespace ringcast;
using namespace ringcast::conformance;
using test::ServerResponse;

namespace {

/// What is wrong with a request; where its head is in order, its path is looked at.
enum class Fault : std::uint8_t { head, body };

/// Refused for what it is, and not because nothing is at its path, or that takes no such method.
bool is_about_the_request(int status) {
    return (status >= 400 && status != 404 && status != 405 && status < 500) || status == 501 ||
           status == 505;
}

void check_refused(const std::vector<std::string>& requests, Fault fault = Fault::head) {
    const HttpServer server;
    const bool are_few = requests.size() < 500;
    for (const std::string& request : requests) {
        CAPTURE(request);
        for (const std::string& listener : server.listeners) {
            CAPTURE(listener);
            const bool is_taken = listener != server.clients || !request.starts_with("POST");
            for (const Chopping chopping : {Chopping::whole, Chopping::octets}) {
                if (chopping == Chopping::octets && (!are_few || request.size() > 2000)) continue;
                Client client = connect(listener);
                write_chopped(client, {request}, chopping);
                client.write(test::hidden + test::hidden);
                const ServerResponse response = client.response();
                if (fault == Fault::head || is_taken)
                    CHECK(is_about_the_request(response.status));
                else
                    CHECK(response.status == 404);
                REQUIRE(says_close(response));
                client.expect_end();
            }
        }
    }
    CHECK(server.server.stats().publications == 0);
    expect_alive(server);
}

}  // namespace

TEST_CASE("malformed requests get one refusal each, and nothing behind them is read") {
    check_refused(test::malformed_requests());
}

TEST_CASE("a length together with a coding, however that is spelled, is refused") {
    check_refused(test::requests_of_two_lengths());
}

TEST_CASE("a coding that is not plainly chunked is refused") {
    check_refused(test::requests_of_doubtful_coding());
}

TEST_CASE("a length that is not plainly a number is refused") {
    check_refused(test::requests_of_doubtful_length());
}

TEST_CASE("chunks that are not plainly framed are refused") {
    check_refused(test::requests_of_doubtful_chunks(), Fault::body);
}

TEST_CASE("an upgrade with content is refused, and no frame is seen in it") {
    const HttpServer server;
    for (const char* fields : {"Content-Length: 7\r\n", "Transfer-Encoding: chunked\r\n",
                               "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n",
                               "Content-Length: 0\r\nContent-Length: 7\r\n"}) {
        CAPTURE(fields);
        Client client = connect(server.clients);
        client.write(encode(test::UpgradeRequest{.fields = fields}) + test::text_frame("a") +
                     encode(test::UpgradeRequest{}));
        CHECK(client.response().status == 400);
        client.expect_end();
    }
}

TEST_CASE("a request in a body that is plainly framed stays content") {
    const HttpServer server;
    if (server.listeners.size() == 1) return;  // Nobody takes POSTs.
    Client subscriber = connect(server.clients);
    subscriber.open({.target = "/topics/a"});
    for (const std::string& request : test::requests_with_a_request_as_content()) {
        for (const Chopping chopping : {Chopping::whole, Chopping::octets}) {
            Client client = connect(server.listeners.back());
            write_chopped(client, {request}, chopping);
            CHECK(client.response().status == 202);
            CHECK(subscriber.message() == test::hidden);
            expect_next_answer(client);
        }
    }
    subscriber.close();
}

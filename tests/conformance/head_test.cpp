// Request heads as hostile as they come (RFC 9112): what two parsers could read differently, what
// is too long, what is truncated, what is slow. All on the way to a WebSocket.

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/conformance_kit.hpp"

using namespace ringcast;
using namespace ringcast::conformance;
using namespace std::literals;
using test::ServerResponse;
using test::UpgradeRequest;

namespace {

Settings with_handshake_timeout() {
    Settings with = sockets::settings();
    with.handshake_timeout = std::chrono::milliseconds{500};
    return with;
}

}  // namespace

TEST_CASE("what is no HTTP, or HTTP that two parsers could read differently, is refused") {
    const std::string get = "GET /echo HTTP/1.1\r\n", host = "Host: example.com\r\n";
    const struct {
        const char* name;
        std::string request;
        int status = 400;
    } cases[] = {
        {"no version", "GET / \r\n\r\n"},
        {"no version, no blank", "GET /\r\n\r\n"},
        {"HTTP/0.9", "GET / HTTP/0.9\r\n" + host + "\r\n", 505},
        {"HTTP/9.9", "GET / HTTP/9.9\r\n" + host + "\r\n", 505},
        {"HTTP/1.10", "GET / HTTP/1.10\r\n" + host + "\r\n"},
        {"HTTP/1", "GET / HTTP/1\r\n" + host + "\r\n"},
        {"HTTP /1.1", "GET / HTTP /1.1\r\n" + host + "\r\n"},
        {"a word before", "Extra lineGET / HTTP/1.1\r\n" + host + "\r\n"},
        {"two blanks", "GET  / HTTP/1.1\r\n" + host + "\r\n"},
        {"two blanks behind", "GET /  HTTP/1.1\r\n" + host + "\r\n"},
        {"a tab", "GET\t/ HTTP/1.1\r\n" + host + "\r\n"},
        {"a blank before", " GET / HTTP/1.1\r\n" + host + "\r\n"},
        {"a blank in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n"},
        {"a target without slash", "GET echo HTTP/1.1\r\n" + host + "\r\n"},
        {"a fragment", "GET /echo#a HTTP/1.1\r\n" + host + "\r\n"},
        {"a broken escape", "GET /%zz HTTP/1.1\r\n" + host + "\r\n"},
        {"an octet 0 in the target", std::string{"GET /\0 HTTP/1.1\r\n"sv} + host + "\r\n"},
        {"DEL in the target", "GET /\x7f HTTP/1.1\r\n" + host + "\r\n"},
        {"beyond ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" + host + "\r\n"},
        {"brackets in a name", get + host + "X-Invalid[]: test\r\n\r\n"},
        {"a blank in a name", get + host + "X Name: a\r\n\r\n"},
        {"a blank before the colon", get + host + "X-Name : a\r\n\r\n"},
        {"no name", get + host + ": a\r\n\r\n"},
        {"no colon", get + host + "X-Name\r\n\r\n"},
        {"beyond ASCII in a name", get + host + "X-N\xc3\xa4me: a\r\n\r\n"},
        {"a control character in a name", get + host + "X-N\x01: a\r\n\r\n"},
        {"BEL in a value", get + host + "X-Bell: test\x07\r\n\r\n"},
        {"an octet 0 in a value", get + host + std::string{"X-Nul: \0\r\n"sv} + "\r\n"},
        {"DEL in a value", get + host + "X-Del: \x7f\r\n\r\n"},
        {"folding", get + host + "X-Long: a\r\n b\r\n\r\n"},
        {"folding of the first field", get + " X: a\r\n" + host + "\r\n"},
        {"bare LF", "GET /echo HTTP/1.1\nHost: example.com\n\n"},
        {"bare LF behind a field", get + "Host: example.com\nA: b\r\n\r\n"},
        {"bare CR in a value", get + host + "X-Cr: a\rb\r\n\r\n"},
        {"bare CR before a field", get + host + "\rSome-Header: Test\r\n\r\n"},
        {"bare CR behind the request line", "GET /echo HTTP/1.1\rHost: a\r\n\r\n"},
        {"two CRs", "GET /echo HTTP/1.1\r\r\nHost: a\r\n\r\n"},
        {"no Host", get + "Content-Length: 5\r\n\r\n"},
        {"two Hosts", get + host + "Host: example.org\r\n\r\n"},
        {"the same Host twice", get + host + host + "\r\n"},
        {"length -1", get + host + "Content-Length: -1234\r\n\r\n"},
        {"length -2^86", get + host + "Content-Length: -123456789123456789123456789\r\n\r\n"},
        {"length 2^64", get + host + "Content-Length: 18446744073709551616\r\n\r\n"},
        {"length +1", get + host + "Content-Length: +1\r\n\r\n"},
        {"length abc", get + host + "Content-Length: abc\r\n\r\n"},
        {"length 0x1", get + host + "Content-Length: 0x1\r\n\r\n"},
        {"length 1.0", get + host + "Content-Length: 1.0\r\n\r\n"},
        {"no length", get + host + "Content-Length:\r\n\r\n"},
        {"two lengths", get + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"},
        {"a list of lengths", get + host + "Content-Length: 1, 2\r\n\r\n"},
        {"length and chunks",
         get + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"},
        {"length and chunks, the other way round",
         get + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"TLS", "\x16\x03\x01\x02\x01\x01"},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"a Close frame", std::string{"\x88\x02\x03\xe8"sv}},
        {"noise", "\xff\xfe\xfd\xfc\r\n\r\n"},
    };
    const EchoServer server;
    for (const auto& [name, request, status] : cases) {
        for (const Chopping chopping : {Chopping::whole, Chopping::octets}) {
            CAPTURE(name);
            Client client = connect(server);
            // What comes behind it is no request of anybody's.
            write_chopped(client, {request, encode(UpgradeRequest{})}, chopping);
            const ServerResponse response = client.response();
            CHECK(response.status == status);
            CHECK(says_close(response));
            client.expect_end();
        }
    }
}

TEST_CASE("heads up to the limit are read, and 431 or 414 is said as soon as they are beyond") {
    const EchoServer server;
    const std::size_t bare = encode(UpgradeRequest{.fields = "A: \r\n"}).size();
    const auto head_of = [bare](std::size_t bytes) {
        return encode(UpgradeRequest{.fields = "A: " + std::string(bytes - bare, 'a') + "\r\n"});
    };
    {
        Client client = connect(server);
        client.write(head_of(16 << 10));
        client.opened();
        expect_echo(client);
    }
    const std::string fields_of_a_letter = [] {
        std::string fields;
        for (int i = 0; i < 200; ++i) fields += "A: b\r\n";
        return fields;
    }();
    const struct {
        const char* name;
        std::string octets;  ///< There are no more.
        int status;
    } cases[] = {
        {"one octet too many", head_of((16 << 10) + 1), 431},
        {"a field without end", "GET /echo HTTP/1.1\r\nA: " + std::string(17'000, 'a'), 431},
        {"a name without end", "GET /echo HTTP/1.1\r\n" + std::string(17'000, 'a'), 431},
        {"fields without end", encode(UpgradeRequest{.fields = fields_of_a_letter}), 431},
        {"a long target", encode(UpgradeRequest{.target = "/" + std::string(9000, 'a')}), 414},
        {"a target without end", "GET /" + std::string(9000, 'a'), 414},
        {"a method without end", std::string(40, 'A'), 501},
    };
    for (const auto& [name, octets, status] : cases) {
        CAPTURE(name);
        for (const std::size_t piece_bytes : {std::size_t{1} << 20, std::size_t{700}}) {
            Client client = connect(server);
            client.write_in_pieces(octets, piece_bytes);
            const ServerResponse response = client.response();
            CHECK(response.status == status);
            CHECK(says_close(response));
            client.expect_end();
        }
    }
}

TEST_CASE("a truncated request is waited for, and answered with 408 when its time is over") {
    const EchoServer server{with_handshake_timeout()};
    const std::string wire = encode(UpgradeRequest{});
    std::vector<Client> clients;
    // Every place where a parser changes its mind; h1spec has fifteen of them.
    for (const std::string_view end : {"G"sv,
                                       "GET"sv,
                                       "GET "sv,
                                       "/ec"sv,
                                       "/echo"sv,
                                       "/echo "sv,
                                       "HTTP"sv,
                                       "HTTP/1.1"sv,
                                       "HTTP/1.1\r"sv,
                                       "HTTP/1.1\r\n"sv,
                                       "Hos"sv,
                                       "Host"sv,
                                       "Host:"sv,
                                       "Host: "sv,
                                       "localhost"sv,
                                       "localhost\r"sv,
                                       "localhost\r\n"sv,
                                       "Version: 13\r"sv,
                                       "Version: 13\r\n"sv,
                                       "Version: 13\r\n\r"sv}) {
        clients.push_back(connect(server));
        clients.back().write(wire.substr(0, wire.find(end) + end.size()));
    }
    for (Client& client : clients) {
        CHECK(client.response().status == 408);
        client.expect_end();
    }
}

TEST_CASE("who says nothing gets nothing, and who says little has no more time than others") {
    const EchoServer server{with_handshake_timeout()};
    Client silent = connect(server);
    silent.expect_left();

    // One octet after another, as long as it takes; the deadline does not move.
    Client slow = connect(server);
    slow.write("GET /echo HTTP/1.1\r\nX-Slow: ");
    while (!slow.gets_something_within(std::chrono::milliseconds{5})) slow.write("a");
    CHECK(slow.response().status == 408);
    slow.expect_end();

    Client client = opened(server);  // Meanwhile all is as ever.
    expect_echo(client);
}

#include "secure_io.hpp"

#include <array>
#include <doctest/doctest.h>
#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/tls_certificates.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::bench;
using RecordBytes = std::vector<std::byte>;

constexpr std::uint8_t alert = 21, application_data = 23;  // Types of records.

/// What is sent lies in `sent`, and delivered bytes are received at the next turn.
class RecordIo final : public Io {
public:
    void open(std::uint32_t, int, const SocketAddress&, std::string_view request) override {
        append(std::as_bytes(std::span(request)));
    }
    void receive_once(std::uint32_t) override {}
    void receive_many(std::uint32_t) override {}
    void send(std::uint32_t index, std::span<const std::byte> bytes) override {
        append(bytes);
        events_.push_back({.operation = Operation::send,
                           .more = false,
                           .index = index,
                           .result = static_cast<std::int32_t>(bytes.size()),
                           .bytes = {}});
    }
    void send_quiet(std::uint32_t, std::span<const std::byte> bytes) override { append(bytes); }
    void close(std::uint32_t) override {}
    Expected<std::span<const Event>> turn(std::chrono::nanoseconds) override {
        given_ = std::exchange(events_, {});
        return std::span<const Event>{given_};
    }
    void deliver(std::span<const std::byte> bytes) {
        events_.push_back({.operation = Operation::receive,
                           .more = true,
                           .index = 0,
                           .result = static_cast<std::int32_t>(bytes.size()),
                           .bytes = bytes});
    }

    RecordBytes sent;

private:
    void append(std::span<const std::byte> bytes) {
        sent.insert(sent.end(), bytes.begin(), bytes.end());
    }

    std::vector<Event> events_, given_;
};

/// A ticket that takes several records of 512 bytes.
int make_ticket_large(SSL* ssl, void*) {
    const std::string data(2000, 't');
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data.data(), data.size());
}

/// A client's connection, through its handshake with a server of OpenSSL that speaks `version`.
struct SecurePair {
    explicit SecurePair(int version) : server{nullptr, SSL_free} {
        SSL_CTX_use_certificate(context.get(), identity.certificate.get());
        SSL_CTX_use_PrivateKey(context.get(), identity.key.get());
        SSL_CTX_set_max_proto_version(context.get(), version);
        SSL_CTX_set_max_send_fragment(context.get(), 512);
        SSL_CTX_set_session_ticket_cb(context.get(), make_ticket_large, nullptr, nullptr);
        server.reset(SSL_new(context.get()));
        SSL_set_bio(server.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_accept_state(server.get());

        auto owned = std::make_unique<RecordIo>();
        kernel = owned.get();
        Url url;
        url.host = "127.0.0.1";
        auto created = SecureIo::create(std::move(owned), url);
        REQUIRE(created.has_value());
        io = std::move(*created);
        io->open(0, -1, SocketAddress::loopback(0), "GET");
        for (int flight = 0; flight < 2; ++flight) {
            hand_over();
            SSL_do_handshake(server.get());
            if (flight == 0) client_gets(server_output());
        }
        REQUIRE(SSL_is_init_finished(server.get()) == 1);
        if (version < TLS1_3_VERSION) client_gets(server_output());
        CHECK(server_reads() == "GET");
    }
    /// What the client has sent goes to the server.
    void hand_over() {
        const RecordBytes bytes = std::exchange(kernel->sent, {});
        if (!bytes.empty())
            BIO_write(SSL_get_rbio(server.get()), bytes.data(), static_cast<int>(bytes.size()));
    }
    RecordBytes server_output() {
        RecordBytes bytes(BIO_ctrl_pending(SSL_get_wbio(server.get())));
        if (!bytes.empty())
            BIO_read(SSL_get_wbio(server.get()), bytes.data(), static_cast<int>(bytes.size()));
        return bytes;
    }
    void client_gets(std::span<const std::byte> bytes) {
        kernel->deliver(bytes);
        const auto events = io->turn(std::chrono::nanoseconds{0});
        REQUIRE_MESSAGE(events.has_value(), (events ? "" : events.error().message));
    }
    std::string server_reads() {
        hand_over();
        std::array<char, 1000> text;
        std::size_t size = 0;
        SSL_read_ex(server.get(), text.data(), text.size(), &size);
        return {text.data(), size};
    }

    test::Certified identity = test::issue({});
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_server_method()),
                                                              SSL_CTX_free};
    std::unique_ptr<SSL, decltype(&SSL_free)> server;
    std::unique_ptr<Io> io;
    RecordIo* kernel = nullptr;
};

std::size_t record_size(std::span<const std::byte> bytes) {
    return 5 + (std::to_integer<std::size_t>(bytes[3]) << 8U) +
           std::to_integer<std::size_t>(bytes[4]);
}

std::vector<std::uint8_t> record_types(std::span<const std::byte> bytes) {
    std::vector<std::uint8_t> types;
    for (; !bytes.empty(); bytes = bytes.subspan(record_size(bytes)))
        types.push_back(std::to_integer<std::uint8_t>(bytes[0]));
    return types;
}

std::span<const std::byte> bytes_in(std::string_view text) {
    return std::as_bytes(std::span(text));
}

}  // namespace

TEST_CASE("a server that wishes to renegotiate is told no, and the load goes on") {
    SecurePair pair(TLS1_2_VERSION);
    SSL_renegotiate(pair.server.get());
    SSL_do_handshake(pair.server.get());
    pair.client_gets(pair.server_output());
    pair.io->send(0, bytes_in("hello"));
    REQUIRE(pair.io->turn(std::chrono::nanoseconds{0}).has_value());
    CHECK(record_types(pair.kernel->sent) == std::vector{alert, application_data});
}

TEST_CASE("what is sent in the middle of a server's session ticket waits for the rest of it") {
    for (const bool is_quiet : {false, true}) {
        SecurePair pair(TLS1_3_VERSION);
        const RecordBytes tickets = pair.server_output();
        const std::size_t first = record_size(tickets);
        REQUIRE(tickets.size() > first);
        pair.client_gets(std::span{tickets}.first(first));
        if (is_quiet) {
            pair.io->send_quiet(0, bytes_in("hello"));
        } else {
            pair.io->send(0, bytes_in("hello"));
        }
        CHECK(pair.kernel->sent.empty());
        pair.kernel->deliver(std::span{tickets}.subspan(first));
        const auto events = pair.io->turn(std::chrono::nanoseconds{0});
        REQUIRE(events.has_value());
        CHECK(pair.server_reads() == "hello");
        REQUIRE(events->size() == (is_quiet ? 0 : 1));
        if (!is_quiet) CHECK((*events)[0].result == 5);
    }
}

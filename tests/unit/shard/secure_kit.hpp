#pragma once
// A shard with a TLS listener beside the plain one, and TLS clients that speak through its ring.

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/tls_certificates.hpp"
#include "support/tls_client.hpp"
#include "unit/shard/shard_kit.hpp"

namespace ringcast::shard {

/// One for all tests: making keys takes time.
inline const test::Certified& first_certificate() {
    static const test::Certified made = test::issue({.names = "DNS:a.example"});
    return made;
}

inline TlsMaterial material_of(const test::Certified& certificate) {
    return {.context = test::context_of(certificate),
            .ticket_keys = {Instant{}, test::fill_from_test_generator}};
}

class SecureKit : public ShardKit {
public:
    static constexpr int tls_listener = 4;

    explicit SecureKit(const SessionLimits& limits = {}, const Settings& settings = {})
        : ShardKit{limits, settings} {
        shard.set_tls(material_of(first_certificate()));
        shard.listen(tls_listener, Transport::tls);
        turn();
    }

    /// A client whose ClientHello waits for exchange().
    int connect(const test::TlsClientOptions& options = {}) {
        const int fd = ring.add_connection();
        ring.complete_accept(tls_listener, fd);
        turn(2);
        clients_[fd] = std::make_unique<Client>(options);
        return fd;
    }
    /// A client that is through both handshakes.
    int open_tls(const test::TlsClientOptions& options = {}) {
        const int fd = connect(options);
        exchange(fd);
        REQUIRE(tls(fd).is_open());
        say(fd, encode(test::UpgradeRequest{}));
        REQUIRE(take_tls_response(fd).status == 101);
        return fd;
    }
    [[nodiscard]] test::TlsClient& tls(int fd) { return clients_.at(fd)->tls; }

    /// What the client has to send arrives as one piece, without a turn.
    void deliver_output(int fd) {
        const std::string bytes = tls(fd).take_output();
        if (!bytes.empty()) ring.deliver(fd, bytes);
    }
    /// The client takes what it was sent.
    void take_input(int fd) { tls(fd).feed(std::exchange(ring.socket(fd).output, {})); }
    /// Carries bytes both ways until none is left, those of the client in pieces of `cut` bytes.
    void exchange(int fd, std::size_t cut = SIZE_MAX) {
        for (bool is_over = false; !is_over;) {
            const std::string bytes = tls(fd).take_output();
            for (std::size_t at = 0; at < bytes.size(); at += std::min(cut, bytes.size() - at)) {
                deliver(fd, std::string_view{bytes}.substr(at, cut));
            }
            turn(2);
            is_over = bytes.empty() && ring.socket(fd).output.empty();
            take_input(fd);
        }
    }
    /// Plaintext of the client arrives, and the shard answers.
    void say(int fd, std::string_view plaintext, std::size_t cut = SIZE_MAX) {
        tls(fd).send(plaintext);
        exchange(fd, cut);
    }
    /// From now on what comes from `fd` is split once, at that place of its stream.
    void split_at(int fd, std::size_t position) { clients_.at(fd)->split = position; }
    /// What has been delivered by exchange().
    [[nodiscard]] std::size_t delivered_bytes(int fd) const { return clients_.at(fd)->delivered; }

    test::ServerResponse take_tls_response(int fd) {
        const auto response = reader(fd).next_response();
        REQUIRE_MESSAGE(response, "no response");
        return *response;
    }
    std::vector<test::ServerFrame> take_tls_frames(int fd) {
        std::vector<test::ServerFrame> frames;
        while (auto frame = reader(fd).next_frame()) frames.push_back(*std::move(frame));
        CHECK(reader(fd).error() == "");
        return frames;
    }

private:
    struct Client {
        explicit Client(const test::TlsClientOptions& options) : tls{options} {}
        test::TlsClient tls;
        test::ServerReader reader;
        std::size_t taken = 0;  // Of what it has received, by the reader.
        std::size_t delivered = 0;
        std::size_t split = SIZE_MAX;
    };

    test::ServerReader& reader(int fd) {
        Client& client = *clients_.at(fd);
        client.reader.feed(std::string_view{client.tls.received()}.substr(client.taken));
        client.taken = client.tls.received().size();
        return client.reader;
    }
    void deliver(int fd, std::string_view bytes) {
        Client& client = *clients_.at(fd);
        if (client.split > client.delivered && client.split < client.delivered + bytes.size()) {
            ring.deliver(fd, bytes.substr(0, client.split - client.delivered));
            turn();
            bytes.remove_prefix(client.split - client.delivered);
            client.delivered = client.split;
        }
        ring.deliver(fd, bytes);
        client.delivered += bytes.size();
    }

    std::map<int, std::unique_ptr<Client>> clients_;
};

}  // namespace ringcast::shard

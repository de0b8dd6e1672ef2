#pragma once
// TLS for the client's side: what the load says and hears is turned into records and back, between
// it and the kernel. The handshake takes place inside open(). Certificates are not checked: what is
// measured is a server that its owner named.
//
//   load --send(plaintext)--> SSL --> sealed records --> kernel
//   load <--receive event---- SSL <-- records <--------- kernel

#include <cstdint>
#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <string_view>
#include <vector>

#include "io.hpp"

namespace ringcast::bench {

class SecureIo final : public Io {
public:
    /// The server is asked for the certificate of the URL's host, if that is a name.
    [[nodiscard]] static Expected<std::unique_ptr<Io>> create(std::unique_ptr<Io> kernel,
                                                              const Url& url);

    void open(std::uint32_t index, int fd, const SocketAddress& address,
              std::string_view request) override;
    void receive_once(std::uint32_t index) override;
    void receive_many(std::uint32_t index) override;
    void send(std::uint32_t index, std::span<const std::byte> bytes) override;
    /// Always takes all of `bytes`: what the kernel leaves of their records follows by itself.
    void send_quiet(std::uint32_t index, std::span<const std::byte> bytes) override;
    void close(std::uint32_t index) override;
    [[nodiscard]] Expected<std::span<const Event>> turn(std::chrono::nanoseconds timeout) override;

private:
    struct FreeContext {
        void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    };
    struct FreeSsl {
        void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    };
    /// What the kernel has been given of a channel.
    enum class Sending : std::uint8_t { nothing, hello, quietly, loudly };
    struct Channel {
        std::unique_ptr<SSL, FreeSsl> ssl;
        std::string_view request;  // To be sent when the handshake is done; then empty.
        bool receives_many = false;
        Sending sending = Sending::nothing;
        std::uint32_t awaited_bytes = 0;   // Of plaintext, whose send has an event to come.
        std::size_t sent = 0;              // Of `under_way`.
        std::vector<std::byte> under_way;  // Records that the kernel has.
        std::vector<std::byte> sealed;     // Records behind those.
        std::vector<std::byte> unsealed;   // Plaintext behind those.
    };
    /// Memory for the plaintext of one turn.
    class Arena {
    public:
        /// Room for `size` bytes, of which take() keeps some.
        [[nodiscard]] std::span<std::byte> room(std::size_t size);
        [[nodiscard]] std::span<const std::byte> take(std::size_t size);
        void reset() noexcept;

    private:
        static constexpr std::size_t chunk_bytes = 1 << 20;
        std::vector<std::vector<std::byte>> chunks_;
        std::size_t chunk_ = 0, used_ = 0;
    };

    SecureIo(std::unique_ptr<Io> kernel, SSL_CTX* context, std::string server_name);
    [[nodiscard]] Channel& channel_of(std::uint32_t index);
    [[nodiscard]] bool shake_hands(Channel& channel);
    void seal(Channel& channel, std::span<const std::byte> bytes);
    void seal_rest(Channel& channel);
    [[nodiscard]] bool write_all(Channel& channel, std::span<const std::byte> bytes);
    void collect_records(Channel& channel);
    void send_sealed(std::uint32_t index, Channel& channel);
    void receive_again(std::uint32_t index, Channel& channel);
    [[nodiscard]] Expected<void> handle(const Event& event);
    [[nodiscard]] Expected<void> on_received(const Event& event, Channel& channel);
    void on_sent(const Event& event, Channel& channel);

    std::unique_ptr<Io> kernel_;
    std::unique_ptr<SSL_CTX, FreeContext> context_;
    const std::string server_name_;  // Empty: none is asked for.
    std::vector<Channel> channels_;
    std::vector<std::uint32_t> quiet_;  // Channels with a quiet send under way.
    std::vector<Event> events_;
    Arena arena_;
};

}  // namespace ringcast::bench

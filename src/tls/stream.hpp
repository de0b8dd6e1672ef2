#pragma once
// The server's side of one TLS connection (RFC 8446; RFC 5246), sans-I/O: ciphertext in and out of
// memory that the caller has, plaintext likewise. Between the ring and everything that reads or
// writes HTTP and WebSocket:
//
//   ring's slice  --- ciphertext --->  read()   --- plaintext --->  buffer of the shard -> parsers
//   Output        <-- ciphertext ----  write()  <-- plaintext ----  frames that are due
//
//   handshaking ---> open ---> closed     what still comes is dropped
//        |            |
//        +------------+------> failed     once and for all
//
// Costs (bench-tls, OpenSSL 3.0, a core of 2.6 GHz): the step of a handshake that answers a
// ClientHello takes 100 to 210 us with a P-256 key, 470 us with RSA 2048, 170 us for a session
// resumed with TLS 1.3; every other step less than 100 us. A call takes at most one of them: the
// next flight of a client answers the one before (RFC 8446 section 2). So whoever counts calls
// while is_handshaking() bounds a storm. A record of 20 bytes costs 0.5 us to write and 0.8 us to
// read, one of 16 KiB 3.2 us and 4.6 us.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tls/context.hpp"
#include "tls/output.hpp"
#include "tls/reason.hpp"
#include "tls/ticket_keys.hpp"

struct ssl_st;

namespace ringcast::tls {

struct Transfer;

/// Belongs to one connection of one shard. It keeps bytes of its own only for a record that is not
/// whole, or whose plaintext was not all taken: an idle one is OpenSSL's state and nothing else.
class Stream {
public:
    enum class Found : std::uint8_t {
        need_more,  ///< All ciphertext is taken.
        plaintext,  ///< Some; there may be more: call again.
        end,        ///< The peer's close_notify: nothing follows. All ciphertext is taken.
        failure,    ///< For ever. What the peer is to be told of it is in the output.
    };
    /// What was found next. Data before an end or a failure is always found first.
    struct Event {
        Found found = Found::need_more;
        std::span<std::byte> plaintext{};  ///< In the caller's buffer.
        Reason reason = Reason::none;      ///< failure
        std::string_view detail{};         ///< failure: OpenSSL's words, for logs. Static storage.
    };

    /// A connection that was just accepted. It keeps `context` to its end. `ticket_keys` must
    /// outlive it, and may be assigned to between calls.
    Stream(const Context& context, const TicketKeys& ticket_keys);
    Stream(Stream&&) noexcept = default;
    Stream& operator=(Stream&&) noexcept = default;
    ~Stream() = default;

    /// A record may be of one octet, and costs as much as one of a thousand.
    static constexpr std::size_t records_per_read_max = 64;

    /// Consumes a prefix of `ciphertext`, and decrypts as many records as are there and fit into
    /// `buffer`, which must not be empty, and is best a full record long; of those with data,
    /// records_per_read_max at most. Handshake messages and alerts go to `output`; a key update is
    /// answered by the next write. Whatever the cuts in `ciphertext`, the same bytes give the same
    /// plaintext, end and failure.
    [[nodiscard]] Event read(std::span<const std::byte>& ciphertext, std::span<std::byte> buffer,
                             Output& output);

    /// Encrypts all of `plaintext`, into one record for each 16 KiB and for the rest. Not while
    /// handshaking, nor after close(). False if it has failed, now or before.
    [[nodiscard]] bool write(std::span<const std::byte> plaintext, Output& output);

    /// Our close_notify (RFC 8446 section 6.1), once; after it nothing may be written, and what is
    /// read is dropped. Writes nothing where there is nobody to understand it: while handshaking,
    /// after a failure.
    void close(Output& output);

    [[nodiscard]] bool is_handshaking() const noexcept { return state_ == State::handshaking; }
    /// True if plaintext may be written.
    [[nodiscard]] bool is_open() const noexcept { return state_ == State::open; }
    /// Whether the peer has said that it is done. If its FIN comes and it has not, the stream was
    /// cut off, by somebody else perhaps (RFC 8446 section 6.1).
    [[nodiscard]] bool has_peer_closed() const noexcept { return has_peer_closed_; }

    // What was agreed on; once it no longer handshakes. Views live as long as the stream.
    [[nodiscard]] std::string_view version() const noexcept;  ///< TLSv1.3
    [[nodiscard]] std::string_view cipher() const noexcept;   ///< TLS_AES_128_GCM_SHA256
    [[nodiscard]] bool is_resumed() const noexcept;
    /// What the client called us, if it did (RFC 6066 section 3).
    [[nodiscard]] std::string_view server_name() const noexcept;
    /// Of the client's certificate, which has been verified (RFC 2253, as CN=sensor 7,O=example);
    /// empty if there is none.
    [[nodiscard]] std::string peer_subject() const;

private:
    enum class State : std::uint8_t { handshaking, open, closed, failed };
    struct Free {
        void operator()(ssl_st* ssl) const noexcept;
    };

    void check_first_octet(std::byte octet) noexcept;
    void shake_hands();
    [[nodiscard]] std::size_t read_records(Transfer& transfer, std::span<std::byte> buffer);
    void stop(const Transfer& transfer);
    void fail_as_told() noexcept;
    void fail(Reason reason, std::string_view detail) noexcept;
    void count_records(std::size_t plaintext_bytes);

    std::unique_ptr<ssl_st, Free> ssl_;
    const TicketKeys* ticket_keys_;
    std::string_view detail_;
    std::uint32_t records_per_key_;
    std::uint32_t records_ = 0;     // Written with the current key.
    std::uint8_t key_updates_ = 0;  // Of the peer, since its last data.
    State state_ = State::handshaking;
    Reason reason_ = Reason::none;
    bool has_begun_ = false;
    bool has_peer_closed_ = false;
};
static_assert(sizeof(Stream) <= 56);

}  // namespace ringcast::tls

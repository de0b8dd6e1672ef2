#include "secure_io.hpp"

#include <algorithm>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <utility>

#include "base/assert.hpp"

namespace ringcast::bench {

namespace {

constexpr std::size_t record_bytes_max = 16 << 10;  // Of plaintext (RFC 8446 section 5.1).

std::string openssl_reason() {
    char text[256] = "unknown";
    if (const unsigned long code = ERR_get_error(); code != 0)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return text;
}

}  // namespace

std::span<std::byte> SecureIo::Arena::room(std::size_t size) {
    if (chunk_ < chunks_.size() && chunks_[chunk_].size() - used_ < size) {
        ++chunk_;
        used_ = 0;
    }
    if (chunk_ == chunks_.size()) chunks_.emplace_back(std::max(size, chunk_bytes));
    if (chunks_[chunk_].size() < size) chunks_[chunk_].resize(size);  // Nobody has any of it yet.
    return std::span{chunks_[chunk_]}.subspan(used_, size);
}

std::span<const std::byte> SecureIo::Arena::take(std::size_t size) {
    const std::span taken = std::span<const std::byte>{chunks_[chunk_]}.subspan(used_, size);
    used_ += size;
    return taken;
}

void SecureIo::Arena::reset() noexcept {
    chunk_ = used_ = 0;
}

Expected<std::unique_ptr<Io>> SecureIo::create(std::unique_ptr<Io> kernel, const Url& url) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    if (context == nullptr) return fail("TLS: {}", openssl_reason());
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    // What a message of the handshake's kept back is given again from elsewhere; see seal().
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);  // Servers may wish for it.
    // An address is no server name (RFC 6066 section 3).
    const bool is_name = !SocketAddress::parse(url.host, 0);
    return std::unique_ptr<Io>{new SecureIo{std::move(kernel), context, is_name ? url.host : ""}};
}

SecureIo::SecureIo(std::unique_ptr<Io> kernel, SSL_CTX* context, std::string server_name)
    : kernel_{std::move(kernel)}, context_{context}, server_name_{std::move(server_name)} {}

SecureIo::Channel& SecureIo::channel_of(std::uint32_t index) {
    if (index >= channels_.size()) channels_.resize(index + 1);
    return channels_[index];
}

void SecureIo::open(std::uint32_t index, int fd, const SocketAddress& address,
                    std::string_view request) {
    Channel& channel = channel_of(index);
    channel = {};
    channel.ssl.reset(SSL_new(context_.get()));
    RC_ASSERT(channel.ssl != nullptr);
    SSL_set_bio(channel.ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (!server_name_.empty()) {
        // SSL_set_tlsext_host_name(), whose cast is an old one.
        SSL_ctrl(channel.ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(server_name_.c_str()));
    }
    SSL_set_connect_state(channel.ssl.get());
    channel.request = request;
    const bool is_done = shake_hands(channel);
    RC_ASSERT(!is_done && !channel.sealed.empty());
    // The ClientHello goes where a request would: it has to stay until the server has answered.
    channel.under_way.swap(channel.sealed);
    channel.sending = Sending::hello;
    const auto* const hello = reinterpret_cast<const char*>(channel.under_way.data());
    kernel_->open(index, fd, address, {hello, channel.under_way.size()});
}

void SecureIo::receive_once(std::uint32_t index) {
    channel_of(index).receives_many = false;
    kernel_->receive_once(index);
}

void SecureIo::receive_many(std::uint32_t index) {
    channel_of(index).receives_many = true;
    kernel_->receive_many(index);
}

void SecureIo::receive_again(std::uint32_t index, Channel& channel) {
    if (channel.receives_many) {
        kernel_->receive_many(index);
    } else {
        kernel_->receive_once(index);
    }
}

void SecureIo::send(std::uint32_t index, std::span<const std::byte> bytes) {
    Channel& channel = channels_[index];
    RC_ASSERT(channel.awaited_bytes == 0);
    channel.awaited_bytes = static_cast<std::uint32_t>(bytes.size());
    seal(channel, bytes);
    if (channel.sending == Sending::nothing && !channel.sealed.empty()) send_sealed(index, channel);
}

void SecureIo::send_quiet(std::uint32_t index, std::span<const std::byte> bytes) {
    Channel& channel = channels_[index];
    seal(channel, bytes);
    if (channel.sending != Sending::nothing || channel.sealed.empty()) return;
    channel.under_way.clear();
    channel.under_way.swap(channel.sealed);
    channel.sent = 0;
    channel.sending = Sending::quietly;
    quiet_.push_back(index);
    kernel_->send_quiet(index, channel.under_way);
}

void SecureIo::close(std::uint32_t index) {
    channels_[index] = {};
    kernel_->close(index);
}

/// True once the handshake is done; what it has to say is sealed.
bool SecureIo::shake_hands(Channel& channel) {
    const int result = SSL_do_handshake(channel.ssl.get());
    collect_records(channel);
    return result == 1;
}

/// While a server is in the middle of a message of the handshake's, such as a session ticket in
/// several records, OpenSSL writes nothing; then `bytes` wait.
void SecureIo::seal(Channel& channel, std::span<const std::byte> bytes) {
    if (!channel.unsealed.empty() || !write_all(channel, bytes))
        channel.unsealed.insert(channel.unsealed.end(), bytes.begin(), bytes.end());
}

void SecureIo::seal_rest(Channel& channel) {
    if (!channel.unsealed.empty() && write_all(channel, channel.unsealed)) channel.unsealed.clear();
}

/// False if OpenSSL takes nothing now: memory takes everything or nothing.
bool SecureIo::write_all(Channel& channel, std::span<const std::byte> bytes) {
    std::size_t written = 0;
    const int result = SSL_write_ex(channel.ssl.get(), bytes.data(), bytes.size(), &written);
    collect_records(channel);
    if (result == 1) RC_ASSERT(written == bytes.size());
    ERR_clear_error();
    return result == 1;
}

void SecureIo::collect_records(Channel& channel) {
    BIO* const out = SSL_get_wbio(channel.ssl.get());
    const std::size_t pending = BIO_ctrl_pending(out);
    if (pending == 0) return;
    const std::size_t before = channel.sealed.size();
    channel.sealed.resize(before + pending);
    std::size_t got = 0;
    BIO_read_ex(out, channel.sealed.data() + before, pending, &got);
    RC_ASSERT(got == pending);
}

void SecureIo::send_sealed(std::uint32_t index, Channel& channel) {
    channel.under_way.clear();
    channel.under_way.swap(channel.sealed);
    channel.sent = 0;
    channel.sending = Sending::loudly;
    kernel_->send(index, channel.under_way);
}

Expected<std::span<const Event>> SecureIo::turn(std::chrono::nanoseconds timeout) {
    arena_.reset();
    events_.clear();
    const auto deadline = Clock::now() + timeout;
    do {
        const auto events =
            kernel_->turn(std::max(std::chrono::nanoseconds{0}, deadline - Clock::now()));
        if (!events) return std::unexpected(events.error());
        if (events->empty()) break;
        for (const Event& event : *events) {
            if (auto handled = handle(event); !handled)
                return fail("connection {}: {}", event.index, handled.error().message);
        }
        // A quiet send without an event went.
        for (const std::uint32_t index : std::exchange(quiet_, {})) {
            Channel& channel = channels_[index];
            if (channel.sending != Sending::quietly) continue;
            channel.sending = Sending::nothing;
            if (!channel.sealed.empty()) send_sealed(index, channel);
        }
    } while (events_.empty());
    return std::span<const Event>{events_};
}

Expected<void> SecureIo::handle(const Event& event) {
    Channel& channel = channels_[event.index];
    switch (event.operation) {
        case Operation::receive: return on_received(event, channel);
        case Operation::send:
        case Operation::send_quiet: on_sent(event, channel); return {};
        case Operation::adopt:
        case Operation::connect:
        case Operation::upgrade:
        case Operation::close: events_.push_back(event); return {};
    }
    return {};
}

Expected<void> SecureIo::on_received(const Event& event, Channel& channel) {
    if (event.result <= 0) {
        events_.push_back(event);
        return {};
    }
    SSL* const ssl = channel.ssl.get();
    BIO_write(SSL_get_rbio(ssl), event.bytes.data(), static_cast<int>(event.bytes.size()));
    if (!channel.request.empty()) {
        if (channel.sending == Sending::hello) channel.sending = Sending::nothing;
        if (shake_hands(channel)) {
            const std::string_view request = std::exchange(channel.request, {});
            seal(channel, std::as_bytes(std::span{request}));
        } else if (SSL_get_error(ssl, -1) == SSL_ERROR_SSL) {
            return fail("the TLS handshake failed: {}", openssl_reason());
        }
        if (!channel.sealed.empty() && channel.sending == Sending::nothing)
            send_sealed(event.index, channel);
    }
    std::size_t size = 0;
    const std::span<std::byte> room =
        arena_.room(event.bytes.size() + record_bytes_max);  // A record may have begun before.
    if (channel.request.empty()) {
        for (std::size_t got = 0; SSL_read_ex(ssl, room.data() + size, room.size() - size, &got);)
            size += got;
        if (SSL_get_error(ssl, 0) == SSL_ERROR_SSL) return fail("TLS: {}", openssl_reason());
        seal_rest(channel);
        collect_records(channel);  // Also what OpenSSL answers by itself.
        if (!channel.sealed.empty() && channel.sending == Sending::nothing)
            send_sealed(event.index, channel);
    }
    if (size == 0) {
        if (!event.more) receive_again(event.index, channel);
        return {};
    }
    Event heard = event;
    heard.bytes = arena_.take(size);
    heard.result = static_cast<std::int32_t>(size);
    events_.push_back(heard);
    return {};
}

/// The kernel has taken all of the records, or some, or failed.
void SecureIo::on_sent(const Event& event, Channel& channel) {
    if (event.result < 0 && event.result != -EAGAIN) return events_.push_back(event);
    channel.sent += static_cast<std::size_t>(std::max(event.result, 0));
    const auto rest = std::span{channel.under_way}.subspan(channel.sent);
    if (!rest.empty()) {
        channel.sending = Sending::loudly;
        return kernel_->send(event.index, rest);
    }
    channel.sending = Sending::nothing;
    if (!channel.sealed.empty()) return send_sealed(event.index, channel);
    if (channel.awaited_bytes == 0) return;
    Event sent = event;
    sent.operation = Operation::send;
    sent.result = static_cast<std::int32_t>(std::exchange(channel.awaited_bytes, 0));
    events_.push_back(sent);
}

}  // namespace ringcast::bench

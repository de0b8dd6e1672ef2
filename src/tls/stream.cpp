#include "tls/stream.hpp"

#include <utility>

#include "base/assert.hpp"
#include "tls/memory_bio.hpp"
#include "tls/openssl.hpp"

namespace ringcast::tls {

namespace {

constexpr bool is_letter(std::byte octet) noexcept {
    const auto letter = static_cast<char>(octet | std::byte{0x20});
    return letter >= 'a' && letter <= 'z';
}

}  // namespace

void Stream::Free::operator()(ssl_st* ssl) const noexcept {
    SSL_free(ssl);
}

Stream::Stream(const Context& context, const TicketKeys& ticket_keys)
    : ssl_{SSL_new(context.context_)},
      ticket_keys_{&ticket_keys},
      records_per_key_{context.records_per_key()} {
    RC_ASSERT(ssl_ != nullptr);
    BIO* const bio = make_memory_bio();
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_accept_state(ssl_.get());
}

Stream::Event Stream::read(std::span<const std::byte>& ciphertext, std::span<std::byte> buffer,
                           Output& output) {
    RC_ASSERT(!buffer.empty());
    if (!has_begun_ && !ciphertext.empty()) check_first_octet(ciphertext.front());
    std::size_t size = 0;
    if (state_ <= State::open && !has_peer_closed_) {
        Transfer transfer{.input = ciphertext,
                          .output = &output,
                          .ticket_keys = ticket_keys_,
                          .is_handshaking = is_handshaking(),
                          .key_updates = key_updates_};
        const Attachment attachment{ssl_.get(), transfer};
        ERR_clear_error();  // What others left behind would be taken for ours.
        if (is_handshaking()) {
            shake_hands();
            transfer.is_handshaking = is_handshaking();
        }
        if (state_ == State::open) size = read_records(transfer, buffer);
        key_updates_ = transfer.key_updates;
        ciphertext = transfer.input;
    }
    if (size > 0) return {.found = Found::plaintext, .plaintext = buffer.first(size)};
    if (reason_ != Reason::none)
        return {.found = Found::failure, .reason = reason_, .detail = detail_};
    const bool is_over = has_peer_closed_ || state_ == State::closed;
    if (is_over) ciphertext = {};
    return {.found = has_peer_closed_ ? Found::end : Found::need_more};
}

/// A TLS client begins with a handshake record, whatever it speaks (RFC 8446 section 5.1). A letter
/// instead is the method of somebody who took us for a plain server. What else there is, like the
/// ClientHello of SSL 2, is not worth an answer (RFC 6176 section 3).
void Stream::check_first_octet(std::byte octet) noexcept {
    has_begun_ = true;
    if (octet == std::byte{SSL3_RT_HANDSHAKE}) return;
    fail(is_letter(octet) ? Reason::plain_http : Reason::not_tls, {});
}

void Stream::shake_hands() {
    if (SSL_do_handshake(ssl_.get()) == 1) {
        state_ = State::open;
    } else if (SSL_get_error(ssl_.get(), -1) != SSL_ERROR_WANT_READ) {
        fail_as_told();
    }
}

std::size_t Stream::read_records(Transfer& transfer, std::span<std::byte> buffer) {
    std::size_t size = 0, records = 0;
    do {
        std::size_t bytes = 0;
        if (SSL_read_ex(ssl_.get(), buffer.data() + size, buffer.size() - size, &bytes) != 1) {
            stop(transfer);
            break;
        }
        transfer.key_updates = 0;
        size += bytes;
        // Not until it says that it wants more: to say so, it would get itself a buffer.
    } while (size < buffer.size() && ++records < records_per_read_max &&
             (!transfer.input.empty() || SSL_pending(ssl_.get()) > 0));
    return size;
}

/// There is no plaintext; why?
void Stream::stop(const Transfer& transfer) {
    switch (SSL_get_error(ssl_.get(), 0)) {
        case SSL_ERROR_WANT_READ:
            if (transfer.forbidden == Reason::none) return;
            SSL_shutdown(ssl_.get());  // There is no way to send an alert of our own choice.
            ERR_clear_error();
            return fail(transfer.forbidden, {});
        case SSL_ERROR_ZERO_RETURN: has_peer_closed_ = true; return;
        default: return fail_as_told();
    }
}

/// By OpenSSL, in its error queue.
void Stream::fail_as_told() noexcept {
    const ErrorEntry error = take_error();
    fail(reason_of(error.code), error.text);
}

void Stream::fail(Reason reason, std::string_view detail) noexcept {
    state_ = State::failed;
    reason_ = reason;
    detail_ = detail;
}

bool Stream::write(std::span<const std::byte> plaintext, Output& output) {
    RC_ASSERT(state_ == State::open || state_ == State::failed);
    if (state_ == State::failed) return false;
    if (plaintext.empty()) return true;
    count_records(plaintext.size());
    Transfer transfer{.output = &output, .ticket_keys = ticket_keys_};
    const Attachment attachment{ssl_.get(), transfer};
    std::size_t size = 0;
    if (SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &size) == 1) {
        RC_ASSERT(size == plaintext.size());
        return true;
    }
    fail_as_told();
    return false;
}

/// TLS 1.2 has no way to change a key, nor the need where connections carry less than 2^24.5 full
/// records.
void Stream::count_records(std::size_t plaintext_bytes) {
    records_ += static_cast<std::uint32_t>((plaintext_bytes - 1) / record_bytes_max + 1);
    if (records_ < records_per_key_) return;
    records_ = 0;
    if (SSL_version(ssl_.get()) == TLS1_3_VERSION)
        SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
}

void Stream::close(Output& output) {
    if (state_ != State::open) return;
    state_ = State::closed;
    Transfer transfer{.output = &output, .ticket_keys = ticket_keys_};
    const Attachment attachment{ssl_.get(), transfer};
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

std::string_view Stream::version() const noexcept {
    return SSL_get_version(ssl_.get());
}

std::string_view Stream::cipher() const noexcept {
    return SSL_get_cipher_name(ssl_.get());
}

bool Stream::is_resumed() const noexcept {
    return SSL_session_reused(ssl_.get()) == 1;
}

std::string_view Stream::server_name() const noexcept {
    const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? std::string_view{} : name;
}

std::string Stream::peer_subject() const {
    const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr) return {};
    const BioPointer bio{BIO_new(BIO_s_mem())};
    X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    const char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

}  // namespace ringcast::tls

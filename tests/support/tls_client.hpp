#pragma once
// A TLS client over memory (OpenSSL, an implementation of the other side only in the sense that the
// stream under test uses none of its state), and both ends of one connection in a test.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "support/tls_certificates.hpp"
#include "tls/context.hpp"
#include "tls/stream.hpp"

namespace ringcast::test {

using TlsSession = std::shared_ptr<SSL_SESSION>;

inline std::string ticket_of(const TlsSession& session) {
    const unsigned char* ticket = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(session.get(), &ticket, &size);
    return {reinterpret_cast<const char*>(ticket), size};
}

struct TlsClientOptions {
    int version_min = TLS1_2_VERSION;
    int version_max = TLS1_3_VERSION;
    const char* server_name = nullptr;
    std::string_view alpn{};  ///< In wire format: a length before each protocol.
    const char* ciphers = nullptr;
    TlsSession session{};  ///< To resume.
    const Certified* certificate = nullptr;
};

/// Not verifying: certificates are compared by the tests. Version 1.1 is possible.
class TlsClient {
public:
    explicit TlsClient(const TlsClientOptions& options)
        : context_{SSL_CTX_new(TLS_client_method()), SSL_CTX_free}, ssl_{nullptr, SSL_free} {
        SSL_CTX* const context = context_.get();
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_min_proto_version(context, options.version_min);
        SSL_CTX_set_max_proto_version(context, options.version_max);
        SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
        if (options.ciphers != nullptr) SSL_CTX_set_cipher_list(context, options.ciphers);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, keep_session);
        if (options.certificate != nullptr) {
            SSL_CTX_use_certificate(context, options.certificate->certificate.get());
            SSL_CTX_use_PrivateKey(context, options.certificate->key.get());
        }
        ssl_.reset(SSL_new(context));
        SSL* const ssl = ssl_.get();
        SSL_set_app_data(ssl, this);
        input_ = BIO_new(BIO_s_mem());
        output_ = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(input_, -1);
        SSL_set_bio(ssl, input_, output_);
        if (options.server_name != nullptr)
            SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     const_cast<char*>(options.server_name));
        if (!options.alpn.empty())
            SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(options.alpn.data()),
                                static_cast<unsigned>(options.alpn.size()));
        if (options.session) SSL_set_session(ssl, copy_of(options.session.get()).get());
        SSL_set_connect_state(ssl);
        step();
    }
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    /// What the server has sent.
    void feed(std::string_view ciphertext) {
        BIO_write(input_, ciphertext.data(), static_cast<int>(ciphertext.size()));
        step();
    }
    /// What it has for the server.
    [[nodiscard]] std::string take_output() {
        const char* text = nullptr;
        const long size = BIO_get_mem_data(output_, &text);
        std::string result{text, static_cast<std::size_t>(size)};
        (void)BIO_reset(output_);
        return result;
    }
    void send(std::string_view plaintext) {
        if (plaintext.empty()) return;
        RC_ASSERT(SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size())) ==
                  static_cast<int>(plaintext.size()));
    }
    /// With an answer asked for. It takes effect with the next record.
    void update_key() { RC_ASSERT(SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1); }
    void send_key_update() {
        update_key();
        RC_ASSERT(SSL_do_handshake(ssl_.get()) == 1);
    }
    void renegotiate() {
        SSL_renegotiate(ssl_.get());
        step();
    }
    void close() { SSL_shutdown(ssl_.get()); }

    [[nodiscard]] const std::string& received() const noexcept { return received_; }
    [[nodiscard]] bool is_open() const noexcept { return SSL_is_init_finished(ssl_.get()) == 1; }
    [[nodiscard]] bool has_peer_closed() const noexcept {
        return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    }
    /// OpenSSL's words for what went wrong, the peer's alert as a rule; empty if nothing did.
    [[nodiscard]] const std::string& error() const noexcept { return error_; }
    /// To come back with: with the newest ticket, if there was one.
    [[nodiscard]] TlsSession session() const {
        return session_ ? session_ : copy_of(SSL_get_session(ssl_.get()));
    }
    [[nodiscard]] std::string alpn() const {
        const unsigned char* protocol = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
        return {reinterpret_cast<const char*>(protocol), size};
    }
    /// True if that is what the server has shown.
    [[nodiscard]] bool sees(const Certified& server) const {
        const X509* const shown = SSL_get0_peer_certificate(ssl_.get());
        return shown != nullptr && X509_cmp(shown, server.certificate.get()) == 0;
    }

private:
    void step() {
        ERR_clear_error();
        int result = SSL_do_handshake(ssl_.get());
        if (result == 1) {
            char buffer[16 << 10];
            while ((result = SSL_read(ssl_.get(), buffer, sizeof buffer)) > 0)
                received_.append(buffer, static_cast<std::size_t>(result));
        }
        const int error = SSL_get_error(ssl_.get(), result);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_ZERO_RETURN && error_.empty()) {
            const char* const text = ERR_reason_error_string(ERR_peek_error());
            error_ = text == nullptr ? "unknown" : text;
        }
        ERR_clear_error();
    }
    static int keep_session(SSL* ssl, SSL_SESSION* session) {
        static_cast<TlsClient*>(SSL_get_app_data(ssl))->session_ = copy_of(session);
        return 0;
    }
    /// A session is spoilt when a connection that has it ends without a close_notify.
    static TlsSession copy_of(SSL_SESSION* session) {
        return {SSL_SESSION_dup(session), SSL_SESSION_free};
    }

    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
    BIO* input_ = nullptr;
    BIO* output_ = nullptr;
    std::string received_;
    std::string error_;
    TlsSession session_;
};

class StringOutput final : public tls::Output {
public:
    void append(std::span<const std::byte> ciphertext) override {
        bytes.append(reinterpret_cast<const char*>(ciphertext.data()), ciphertext.size());
        ++appends;
    }
    std::string bytes;
    std::size_t appends = 0;
};

/// For tests only: not a secret.
inline void fill_from_test_generator(std::span<std::byte> bytes) {
    static std::mt19937_64 generator{1};
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(generator());
}

inline tls::Context context_of(tls::ContextSettings settings) {
    auto loaded = tls::Context::load(settings, std::chrono::sys_seconds{});
    if (!loaded) std::fprintf(stderr, "%s\n", loaded.error().text.c_str());
    RC_ASSERT(loaded.has_value());
    return std::move(loaded->context);
}

inline tls::Context context_of(const Certified& server) {
    tls::ContextSettings settings;
    settings.identities.push_back(server.identity());
    return context_of(std::move(settings));
}

/// The server's end: a stream, and all that came out of it.
struct TlsServer {
    TlsServer(const tls::Context& context, const tls::TicketKeys& keys) : stream{context, keys} {}

    /// Lets it read `ciphertext`, in pieces of `cut` bytes, until it wants more or it is over. What
    /// follows an end or a failure is not shown to it.
    void feed(std::string_view ciphertext, std::size_t cut = SIZE_MAX,
              std::size_t buffer_bytes = tls::record_bytes_max) {
        std::vector<std::byte> buffer(buffer_bytes);
        while (!ciphertext.empty() && !is_over()) {
            std::span<const std::byte> piece = std::as_bytes(std::span{ciphertext.substr(0, cut)});
            ciphertext.remove_prefix(piece.size());
            do {
                event = stream.read(piece, buffer, output);
                plaintext.append(reinterpret_cast<const char*>(event.plaintext.data()),
                                 event.plaintext.size());
            } while (event.found == tls::Stream::Found::plaintext);
            RC_ASSERT(is_over() || piece.empty());
        }
    }
    [[nodiscard]] bool write(std::string_view text) {
        return stream.write(std::as_bytes(std::span{text}), output);
    }
    [[nodiscard]] bool is_over() const noexcept {
        return event.found == tls::Stream::Found::end || event.found == tls::Stream::Found::failure;
    }
    [[nodiscard]] std::string take_output() { return std::exchange(output.bytes, {}); }

    tls::Stream stream;
    StringOutput output;
    std::string plaintext;
    tls::Stream::Event event;
};

/// Carries bytes both ways until none is left.
inline void exchange(TlsClient& client, TlsServer& server, std::size_t cut = SIZE_MAX) {
    for (;;) {
        const std::string to_server = client.take_output();
        if (!to_server.empty()) server.feed(to_server, cut);
        const std::string to_client = server.take_output();
        if (!to_client.empty()) client.feed(to_client);
        if (to_server.empty() && to_client.empty()) return;
    }
}

}  // namespace ringcast::test

#pragma once
// TLS over TCP, as a client has it: OpenSSL on a socket. Certificates are made by the tests and not
// verified here.

#include <algorithm>
#include <cstddef>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string>
#include <string_view>

#include "conformance/wire.hpp"

namespace ringcast::conformance {

/// Each write is a record of its own. SIGPIPE has to be ignored.
class TlsWire final : public Wire {
public:
    /// Connects to what Server::addresses() says, and shakes hands.
    explicit TlsWire(std::string_view url)
        : Wire{test::connected_socket(url)},
          context_{SSL_CTX_new(TLS_client_method()), SSL_CTX_free},
          ssl_{SSL_new(context_.get()), SSL_free} {
        SSL* const ssl = ssl_.get();
        SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_set_fd(ssl, fd());
        ::fcntl(fd(), F_SETFL, ::fcntl(fd(), F_GETFL) | O_NONBLOCK);
        for (int result = 0; (result = SSL_connect(ssl)) != 1;) {
            const int error = SSL_get_error(ssl, result);
            REQUIRE((error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE));
            wait(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
        }
    }

    std::size_t write_some(std::string_view bytes) override {
        ERR_clear_error();
        std::size_t written = 0;
        const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
        if (result == 1) return written;
        const int error = SSL_get_error(ssl_.get(), result);
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : bytes.size();
    }

    Read read_some(std::string& target) override {
        if (has_peer_closed_) return read_end();
        const std::size_t before = target.size();
        target.resize(before + record_bytes);
        ERR_clear_error();
        std::size_t got = 0;
        const int result = SSL_read_ex(ssl_.get(), target.data() + before, record_bytes, &got);
        target.resize(before + got);
        if (result == 1) return Read::some;
        switch (SSL_get_error(ssl_.get(), result)) {
            case SSL_ERROR_WANT_READ:
            case SSL_ERROR_WANT_WRITE: return Read::none;
            case SSL_ERROR_ZERO_RETURN: has_peer_closed_ = true; return read_end();
            default: return Read::broken;  // Cut off without a close_notify, too.
        }
    }

    void shut_sending() override {
        SSL_shutdown(ssl_.get());
        Wire::shut_sending();
    }

private:
    static constexpr std::size_t record_bytes = 16 << 10;

    /// Behind the close_notify nothing may come but the end.
    Read read_end() const {
        char octet = 0;
        const ssize_t got = ::recv(fd(), &octet, 1, MSG_DONTWAIT);
        if (got == 0) return Read::end;
        return got < 0 && errno == EAGAIN ? Read::none : Read::broken;
    }

    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
    bool has_peer_closed_ = false;
};

}  // namespace ringcast::conformance

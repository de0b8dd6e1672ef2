#pragma once
// A blocking WebSocket client on a plain socket, for tests against a running server. Whatever does
// not happen within `patience` fails the test; nothing ever sleeps.

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "support/ws_client.hpp"

namespace ringcast::test {

inline constexpr std::chrono::milliseconds patience{20'000};

/// Where what Server::addresses() and admin_addresses() print is: `ws://127.0.0.1:1`,
/// `http://[::1]:1`, `unix:/path`.
inline socklen_t parse_url(std::string_view url, sockaddr_storage& storage) {
    if (url.starts_with("unix:")) {
        auto& address = reinterpret_cast<sockaddr_un&>(storage);
        address.sun_family = AF_UNIX;
        url.remove_prefix(5);
        REQUIRE(url.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, url.data(), url.size());
        return sizeof address;
    }
    const std::size_t scheme = url.find("://");
    REQUIRE(scheme != std::string_view::npos);
    url.remove_prefix(scheme + 3);
    const std::size_t colon = url.rfind(':');
    std::uint16_t port = 0;
    std::from_chars(url.data() + colon + 1, url.data() + url.size(), port);
    const std::string host{url.substr(0, colon)};
    if (host.starts_with('[')) {
        auto& address = reinterpret_cast<sockaddr_in6&>(storage);
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(port);
        REQUIRE(inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address.sin6_addr) ==
                1);
        return sizeof address;
    }
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    REQUIRE(inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1);
    return sizeof address;
}

/// A blocking socket connected to `url`. `receive_buffer_bytes`: SO_RCVBUF, 0 for the system's.
inline int connected_socket(std::string_view url, int receive_buffer_bytes = 0) {
    sockaddr_storage storage{};
    const socklen_t size = parse_url(url, storage);
    const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE_MESSAGE(fd >= 0, std::strerror(errno));
    if (receive_buffer_bytes > 0) {
        REQUIRE(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                           sizeof receive_buffer_bytes) == 0);
    }
    const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&storage), size);
    REQUIRE_MESSAGE(result == 0, std::string{url} << ": " << std::strerror(errno));
    const int on = 1;
    if (storage.ss_family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/// Connects to `url` at once.
class SocketClient {
public:
    explicit SocketClient(std::string_view url, int receive_buffer_bytes = 0)
        : fd_{connected_socket(url, receive_buffer_bytes)} {}
    SocketClient(SocketClient&& other) noexcept
        : fd_{std::exchange(other.fd_, -1)}, reader_{std::move(other.reader_)} {}
    SocketClient& operator=(SocketClient&&) = delete;
    ~SocketClient() {
        if (fd_ >= 0) ::close(fd_);
    }

    /// Sends all of `bytes`.
    void send(std::string_view bytes) {
        while (!bytes.empty()) bytes.remove_prefix(send_some(bytes));
    }
    /// Sends one octet at a time.
    void send_slowly(std::string_view bytes) {
        for (const char octet : bytes) send({&octet, 1});
    }
    /// Sends all of `bytes` while it reads what comes, so that neither side waits for the other.
    void send_and_read(std::string_view bytes) {
        while (!bytes.empty()) {
            const short events = wait_for(POLLIN | POLLOUT);
            if ((events & POLLIN) != 0 && !read_some()) break;
            if ((events & POLLOUT) != 0) bytes.remove_prefix(send_some(bytes));
        }
    }

    /// Sends all of `bytes`, and reads (little at a time) only while the server takes no more.
    void send_and_read_reluctantly(std::string_view bytes) {
        while (!bytes.empty()) {
            const short events = wait_for(POLLIN | POLLOUT);
            if ((events & POLLOUT) != 0) {
                bytes.remove_prefix(send_some(bytes));
            } else if (!read_some(1024)) {
                break;
            }
        }
    }

    /// Sends the request and returns the answer.
    ServerResponse request(const UpgradeRequest& request) {
        send(encode(request));
        return response(request.method == "HEAD");
    }
    ServerResponse response(bool is_head_answer = false) {
        for (;;) {
            if (auto response = reader_.next_response(is_head_answer)) return *std::move(response);
            require_more("a response");
        }
    }
    /// The opening handshake, which must succeed.
    SocketClient& open(const UpgradeRequest& upgrade = {}) {
        const ServerResponse response = request(upgrade);
        REQUIRE_MESSAGE(response.status == 101, response.status_line << ": " << response.body);
        CHECK(response.field("sec-websocket-accept") == std::string{sample_accept});
        return *this;
    }
    ServerFrame frame() {
        for (;;) {
            if (auto frame = reader_.next_frame()) return *std::move(frame);
            require_more("a frame");
        }
    }
    /// The payload of the next frame, which must be of `opcode`.
    std::string message(std::uint8_t opcode = opcode_text) {
        ServerFrame received = frame();
        REQUIRE(int{received.opcode} == int{opcode});
        CHECK(received.fin);
        return std::move(received.payload);
    }
    /// The code of the next frame, which must be a Close; 0 if it has none.
    int close_code() {
        const ServerFrame received = frame();
        REQUIRE(int{received.opcode} == int{opcode_close});
        return received.close_code().value_or(0);
    }
    /// True if the server ends its stream in order, and nothing came before that. Ends ours, too.
    bool at_end() {
        read_to_end();
        shut_sending();
        return !was_reset_ && reader_.unread().empty();
    }
    /// Reads until the stream ends or breaks.
    void read_to_end() {
        while (read_some()) {
        }
    }
    [[nodiscard]] bool was_reset() const { return was_reset_; }

    /// The closing handshake, begun by us, and the end of both streams.
    void close(std::uint16_t code = 1000) {
        send(close_frame(code));
        CHECK(close_code() == code);
        CHECK(at_end());
    }
    void shut_sending() { ::shutdown(fd_, SHUT_WR); }
    /// Drops the connection with a reset.
    void reset() {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ::close(std::exchange(fd_, -1));
    }
    [[nodiscard]] std::string local_address() const {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
        return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }

private:
    short wait_for(short events) {
        pollfd entry{.fd = fd_, .events = events, .revents = 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(patience.count()));
        REQUIRE_MESSAGE(ready == 1, "the server did nothing for too long");
        return entry.revents;
    }

    std::size_t send_some(std::string_view bytes) {
        wait_for(POLLOUT);
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) return static_cast<std::size_t>(sent);
        if (errno == EAGAIN || errno == EINTR) return 0;
        // The server has closed already: what it had to say comes with the reads.
        REQUIRE_MESSAGE((errno == EPIPE || errno == ECONNRESET), std::strerror(errno));
        return bytes.size();
    }

    /// False at the end of the stream.
    bool read_some(std::size_t bytes_max = 256 << 10) {
        wait_for(POLLIN);
        if (buffer_.size() < bytes_max) buffer_.resize(bytes_max);
        const ssize_t size = ::recv(fd_, buffer_.data(), bytes_max, MSG_DONTWAIT);
        if (size > 0) {
            reader_.feed({buffer_.data(), static_cast<std::size_t>(size)});
            return true;
        }
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
        was_reset_ = size < 0;
        return false;
    }

    void require_more(const char* what) {
        REQUIRE_MESSAGE(reader_.error() == "", reader_.error());
        const bool is_more = read_some();
        REQUIRE_MESSAGE(is_more, "the stream ended instead of " << what);
    }

    int fd_ = -1;
    bool was_reset_ = false;
    std::string buffer_;
    ServerReader reader_;
};

}  // namespace ringcast::test

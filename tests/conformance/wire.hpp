#pragma once
// A byte stream to a server, as a client sees it: TCP, or TLS over it (tls_wire.hpp). Nothing here
// waits but wait().

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <doctest/doctest.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "support/socket_client.hpp"

namespace ringcast::conformance {

class Wire {
public:
    enum class Read : std::uint8_t {
        some,
        none,  ///< Nothing has come yet.
        end,   ///< The server has ended its stream, in order.
        broken,
    };

    explicit Wire(int fd) : fd_{fd} {}
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    virtual ~Wire() { ::close(fd_); }

    /// Takes a prefix of `bytes`, as much as there is room for, and says how much that was. All of
    /// them once the server listens no more: what it had to say comes with the reads.
    virtual std::size_t write_some(std::string_view bytes) = 0;
    /// Appends what has come to `target`.
    virtual Read read_some(std::string& target) = 0;
    /// Ends our stream, in order.
    virtual void shut_sending() { ::shutdown(fd_, SHUT_WR); }

    /// Until one of `events` of poll(2) is there. Fails the test when that takes too long.
    void wait(short events) const {
        pollfd entry{.fd = fd_, .events = events, .revents = 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(test::patience.count()));
        REQUIRE_MESSAGE(ready == 1, "the server did nothing for too long");
    }

    /// True if one of `events` of poll(2) comes within `time`.
    [[nodiscard]] bool is_ready_within(std::chrono::milliseconds time, short events) const {
        pollfd entry{.fd = fd_, .events = events, .revents = 0};
        return ::poll(&entry, 1, static_cast<int>(time.count())) > 0;
    }

protected:
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_;
};

class PlainWire final : public Wire {
public:
    /// Connects to what Server::addresses() says.
    explicit PlainWire(std::string_view url) : Wire{test::connected_socket(url)} {}

    std::size_t write_some(std::string_view bytes) override {
        const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) return static_cast<std::size_t>(sent);
        return errno == EAGAIN || errno == EINTR ? 0 : bytes.size();
    }

    Read read_some(std::string& target) override {
        const std::size_t before = target.size();
        target.resize(before + read_bytes);
        const ssize_t got = ::recv(fd(), target.data() + before, read_bytes, MSG_DONTWAIT);
        target.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
        if (got > 0) return Read::some;
        if (got == 0) return Read::end;
        return errno == EAGAIN || errno == EINTR ? Read::none : Read::broken;
    }

private:
    static constexpr std::size_t read_bytes = 64 << 10;
};

}  // namespace ringcast::conformance

#pragma once
// A blocking HTTP/1.1 client on a plain socket that reads the content of an answer as it comes.

#include <string>
#include <string_view>

#include "support/socket_client.hpp"

namespace ringcast::test {

struct PlainRequest {
    std::string method = "GET";
    std::string target = "/";
    std::string fields = {};  ///< Lines, each ended by CRLF.
    std::string body = {};    ///< Sent with its length, of any method but GET.
};

class StreamClient {
public:
    explicit StreamClient(std::string_view url) : fd_{connected_socket(url)} {}
    StreamClient(StreamClient&& other) noexcept
        : fd_{std::exchange(other.fd_, -1)},
          bytes_{std::move(other.bytes_)},
          content_{std::move(other.content_)},
          is_chunked_{other.is_chunked_} {}
    StreamClient& operator=(StreamClient&&) = delete;
    ~StreamClient() {
        if (fd_ >= 0) ::close(fd_);
    }

    /// Sends the request; returns the head of the answer, and its body if it has a length.
    ServerResponse request(const PlainRequest& request) {
        send(request);
        return response();
    }
    void send(const PlainRequest& request) {
        std::string text = request.method + " " + request.target +
                           " HTTP/1.1\r\nHost: localhost\r\n" + request.fields;
        if (request.method != "GET")
            text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
        text += "\r\n" + request.body;
        for (std::string_view rest = text; !rest.empty();) {
            const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
            REQUIRE_MESSAGE(sent > 0, std::strerror(errno));
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    ServerResponse response() {
        std::size_t end = 0;
        while ((end = bytes_.find("\r\n\r\n")) == std::string::npos) REQUIRE(read_some());
        const std::string head = bytes_.substr(0, end + 4);
        is_chunked_ = head.find("Transfer-Encoding: chunked") != std::string::npos;
        ServerReader reader;
        if (is_chunked_) {
            bytes_.erase(0, head.size());
            reader.feed(head);
            return reader.next_response().value();
        }
        for (;;) {
            ServerReader whole;
            whole.feed(bytes_);
            if (auto answer = whole.next_response(false)) {
                bytes_ = whole.unread();
                return *answer;
            }
            REQUIRE(read_some());
        }
    }
    /// The content up to and with `end`.
    std::string until(std::string_view end) {
        for (;;) {
            take_chunks();
            if (const std::size_t at = content_.find(end); at != std::string::npos) {
                std::string taken = content_.substr(0, at + end.size());
                content_.erase(0, taken.size());
                return taken;
            }
            const bool is_more = read_some();
            REQUIRE_MESSAGE(is_more, "the content ended with: " << content_);
        }
    }
    std::string event() { return until("\n\n"); }
    std::string line() {
        std::string text = until("\n");
        text.pop_back();
        return text;
    }
    /// All that comes until the server ends the content, and the connection.
    std::string rest() {
        while (read_some()) {
        }
        take_chunks();
        CHECK(bytes_.empty());
        CHECK(has_ended_);
        return std::exchange(content_, {});
    }

private:
    bool read_some() {
        pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(patience.count()));
        REQUIRE_MESSAGE(ready == 1, "the server did nothing for too long");
        char buffer[16 << 10];
        const ssize_t size = ::recv(fd_, buffer, sizeof buffer, 0);
        if (size > 0) bytes_.append(buffer, static_cast<std::size_t>(size));
        return size > 0;
    }
    /// Whole ones (RFC 9112 section 7.1).
    void take_chunks() {
        for (;;) {
            const std::size_t end = bytes_.find("\r\n");
            if (end == std::string::npos) return;
            const std::size_t size = std::stoul(bytes_.substr(0, end), nullptr, 16);
            if (bytes_.size() < end + 4 + size) return;
            CHECK(bytes_.substr(end + 2 + size, 2) == "\r\n");
            content_ += bytes_.substr(end + 2, size);
            bytes_.erase(0, end + 4 + size);
            has_ended_ = size == 0;
        }
    }

    int fd_ = -1;
    std::string bytes_;    // As they come.
    std::string content_;  // Without the framing.
    bool is_chunked_ = false;
    bool has_ended_ = false;
};

/// The answer to a request on a connection of its own.
inline ServerResponse ask_once(std::string_view url, const PlainRequest& request) {
    return StreamClient{url}.request(request);
}

}  // namespace ringcast::test

#pragma once
// The client's side of the opening handshake (RFC 6455 section 4.1), and the sockets it happens on.

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compression.hpp"
#include "error.hpp"
#include "io.hpp"
#include "progress.hpp"
#include "sources.hpp"
#include "url.hpp"

namespace ringcast::bench {

/// How the client leaves. `reset` keeps ports and the server's last acknowledgements out of the
/// measurement; `fin` is the ordinary way.
enum class CloseKind : std::uint8_t { reset, fin };

/// Whether it is a token (RFC 9110 section 5.6.2), as names of fields and subprotocols are.
[[nodiscard]] bool is_token(std::string_view text);

/// The value of the first field of `head` called `name`, without the space around it; empty if
/// there is none.
[[nodiscard]] std::string_view header_value(std::string_view head, std::string_view name);

/// Fields as "Name: value" (RFC 9112 section 5), as lines of a request. Fails if one is not of that
/// form, or names what the handshake itself says.
[[nodiscard]] Expected<std::string> header_lines(std::span<const std::string> fields);

/// The request that upgrades a connection to `path` at `url`. Every connection sends the sample key
/// of RFC 6455 section 1.3, so the right answer is known without hashing.
[[nodiscard]] std::string upgrade_request(const Url& url, std::string_view path,
                                          Compression compression = Compression::off,
                                          std::string_view subprotocol = {});

/// The response that upgrade_request() is to get. A server that sends every byte back is asked with
/// it, and so answers right.
[[nodiscard]] std::string mirrored_response();

/// How far a connection is.
struct Opening {
    bool is_open = false;
    /// What the server said behind its response; valid until the next call.
    std::span<const std::byte> rest;
};

/// Takes the rest of an opening, never empty, of connection `index`.
using TakeRest =
    std::function<Expected<void>(std::uint32_t index, std::span<const std::byte> rest)>;

/// Opens connections through an Io: each is a chain connect, request, response.
class Opener {
public:
    /// `url` and `sources` must outlive the Opener. `subprotocol` is offered, unless it is empty.
    Opener(Io& io, const Url& url, Sources& sources, Compression compression = Compression::off,
           std::string_view subprotocol = {});

    /// Makes connections ask for `paths[number % paths.size()]` instead of the URL's path.
    void set_paths(std::span<const std::string> paths);

    /// Makes connections send `requests[number % requests.size()]`, which are no upgrades; then
    /// advance() is not for what they receive.
    void set_requests(std::vector<std::string> requests) { requests_ = std::move(requests); }

    /// Gives sockets receive buffers of so many bytes, so that the server notices soon if nobody
    /// reads.
    void set_receive_buffer(int bytes) noexcept { receive_buffer_bytes_ = bytes; }

    /// Makes a socket, hands it to the Io as connection `index`, the one with that `number`, and
    /// queues its handshake. How it will be closed is decided here.
    [[nodiscard]] Expected<void> start(std::uint32_t index, std::uint64_t number,
                                       CloseKind close_kind);

    /// Takes an event of a connection that start() began. Fails if it can not be opened.
    [[nodiscard]] Expected<Opening> advance(const Event& event, std::uint64_t number);

private:
    [[nodiscard]] Expected<int> make_socket(CloseKind close_kind);
    [[nodiscard]] Expected<Opening> read_response(std::uint32_t index, std::uint64_t number,
                                                  std::string_view bytes);
    [[nodiscard]] const std::string& request(std::uint64_t number) const noexcept {
        return requests_[number % requests_.size()];
    }

    Io& io_;
    const Url& url_;
    Sources& sources_;
    Compression compression_;
    std::string subprotocol_;
    std::vector<std::string> requests_;  ///< Used in turn.
    int receive_buffer_bytes_ = 0;       ///< 0 leaves it to the kernel.
    std::string joined_;                 ///< The response that came in pieces last.
    std::unordered_map<std::uint32_t, std::string>
        partial_responses_;  ///< Only of responses that came in pieces.
};

class Crowd;

/// What a server said to connections right behind its responses (a ping, for example), until there
/// is the crowd that shall take it.
class EarlyBytes {
public:
    /// For open_connections(); this must outlive it.
    [[nodiscard]] TakeRest keep();
    /// Hands all of it to `crowd`, whose connections are those, and which receives on them already.
    [[nodiscard]] Expected<void> give_to(Crowd& crowd);

private:
    std::vector<std::pair<std::uint32_t, std::vector<std::byte>>> rests_;
};

/// Opens `count` connections that end with a reset, numbered from `first_index` on, some hundred at
/// a time. Fails at the first that cannot be opened, or when none makes progress for
/// `stall_timeout`. `take_rest` gets what the server says to a connection right behind its
/// response; without it, nothing may come.
[[nodiscard]] Expected<void> open_connections(Io& io, Opener& opener, std::uint32_t count,
                                              std::chrono::nanoseconds stall_timeout,
                                              Progress& progress, std::uint32_t first_index = 0,
                                              const TakeRest& take_rest = {});

/// Fails if a server that nobody has asked anything said something behind its response.
[[nodiscard]] Expected<void> check_silence(const Opening& opening);

/// Checks a complete response head, blank line included. What was offered has to be agreed on.
[[nodiscard]] Expected<void> check_upgrade_response(std::string_view head,
                                                    Compression compression = Compression::off,
                                                    std::string_view subprotocol = {});

}  // namespace ringcast::bench

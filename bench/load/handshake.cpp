#include "handshake.hpp"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <ranges>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "crowd.hpp"

namespace ringcast::bench {

namespace {

/// What an opening handshake has in any case; the Sec-WebSocket-* ones follow from options.
constexpr std::string_view own_fields[] = {"Host",
                                           "Upgrade",
                                           "Connection",
                                           "Sec-WebSocket-Key",
                                           "Sec-WebSocket-Version",
                                           "Sec-WebSocket-Extensions",
                                           "Sec-WebSocket-Protocol"};

constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::size_t response_bytes_max = 16 * 1024;
constexpr std::uint32_t opening_count_max = 256;  ///< Well below any backlog of a listening socket.

char to_lower(char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A'))
                                                : character;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return to_lower(a) == to_lower(b); });
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

/// The values of all headers called `name`, in order, without the space around them.
std::vector<std::string_view> header_values(std::string_view head, std::string_view name) {
    std::vector<std::string_view> values;
    for (std::size_t line_end = head.find("\r\n"); line_end != std::string_view::npos;
         line_end = head.find("\r\n")) {
        head.remove_prefix(line_end + 2);
        const std::string_view line = head.substr(0, head.find("\r\n"));
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && equals_ignoring_case(line.substr(0, colon), name))
            values.push_back(trimmed(line.substr(colon + 1)));
    }
    return values;
}

/// Whether `token` is in the lists that the headers called `name` have (RFC 9110 section 5.6.1).
bool lists_token(std::string_view head, std::string_view name, std::string_view token) {
    for (const std::string_view list : header_values(head, name)) {
        for (const auto part : std::views::split(list, ',')) {
            if (equals_ignoring_case(trimmed(std::string_view(part)), token)) return true;
        }
    }
    return false;
}

}  // namespace

bool is_token(std::string_view text) {
    constexpr std::string_view token_characters =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return !text.empty() && text.find_first_not_of(token_characters) == std::string_view::npos;
}

std::string_view header_value(std::string_view head, std::string_view name) {
    const auto values = header_values(head, name);
    return values.empty() ? std::string_view() : values.front();
}

Expected<std::string> header_lines(std::span<const std::string> fields) {
    std::string lines;
    for (const std::string& field : fields) {
        const std::string_view name = std::string_view{field}.substr(0, field.find(':'));
        const bool is_field = name.size() < field.size() && is_token(name) &&
                              field.find_first_of("\r\n") == std::string::npos;
        if (!is_field) return fail("--header must be 'Name: value', got '{}'", field);
        for (const std::string_view own : own_fields) {
            if (equals_ignoring_case(name, own))
                return fail("--header cannot say what the handshake says by itself: '{}'", field);
        }
        lines += field + "\r\n";
    }
    return lines;
}

std::string upgrade_request(const Url& url, std::string_view path, Compression compression,
                            std::string_view subprotocol) {
    const std::string subprotocol_field =
        subprotocol.empty() ? "" : fmt::format("Sec-WebSocket-Protocol: {}\r\n", subprotocol);
    return fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n{}{}{}\r\n",
        path, url.authority, sample_key, offer_field(compression), subprotocol_field, url.fields);
}

std::string mirrored_response() {
    return fmt::format(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: {}\r\n\r\n",
        sample_accept);
}

Expected<void> check_upgrade_response(std::string_view head, Compression compression,
                                      std::string_view subprotocol) {
    if (!head.starts_with("HTTP/1.1 101 ")) {
        return fail("the server refused the upgrade: '{}'", head.substr(0, head.find("\r\n")));
    }
    if (!equals_ignoring_case(header_value(head, "Upgrade"), "websocket")) {
        return fail("the response to the upgrade lacks 'Upgrade: websocket'");
    }
    if (!lists_token(head, "Connection", "upgrade")) {
        return fail("the response to the upgrade lacks 'Connection: Upgrade'");
    }
    if (header_value(head, "Sec-WebSocket-Accept") != sample_accept) {
        return fail("Sec-WebSocket-Accept is '{}' instead of '{}'",
                    header_value(head, "Sec-WebSocket-Accept"), sample_accept);
    }
    if (const auto chosen = header_value(head, "Sec-WebSocket-Protocol"); chosen != subprotocol)
        return fail("the server chose the subprotocol '{}' instead of '{}'", chosen, subprotocol);
    const std::string_view extensions = header_value(head, "Sec-WebSocket-Extensions");
    if (compression == Compression::off && !extensions.empty())
        return fail("the server uses '{}', which nobody has offered", extensions);
    const std::string_view extension = extensions.substr(0, extensions.find_first_of(";,"));
    if (compression != Compression::off && trimmed(extension) != "permessage-deflate")
        return fail("the server does not compress: it agreed on '{}'", extensions);
    if (compression == Compression::shared && !extensions.contains("server_no_context_takeover"))
        return fail("the server keeps its context, which was not offered: '{}'", extensions);
    return {};
}

Opener::Opener(Io& io, const Url& url, Sources& sources, Compression compression,
               std::string_view subprotocol)
    : io_(io),
      url_(url),
      sources_(sources),
      compression_(compression),
      subprotocol_(subprotocol),
      requests_{url.is_bare ? mirrored_response()
                            : upgrade_request(url, url.path, compression, subprotocol)} {}

void Opener::set_paths(std::span<const std::string> paths) {
    requests_.clear();
    for (const std::string& path : paths)
        requests_.push_back(upgrade_request(url_, path, compression_, subprotocol_));
}

Expected<void> Opener::start(std::uint32_t index, std::uint64_t number, CloseKind close_kind) {
    const auto fd = make_socket(close_kind);
    if (!fd) return std::unexpected(fd.error());
    io_.open(index, *fd, url_.address, request(number));
    return {};
}

Expected<int> Opener::make_socket(CloseKind close_kind) {
    const int fd = socket(url_.address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail("cannot create a socket: {}", errno_text(errno));
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (close_kind == CloseKind::reset) {
        const linger discard{.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &discard, sizeof(discard));
    }
    if (receive_buffer_bytes_ > 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes_,
                   sizeof(receive_buffer_bytes_));
    }
    if (const auto address = sources_.next()) {
        // The port is chosen at connect(), where only the pair of addresses must be unique. (IPv6
        // sockets take the option of IPv4.)
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
        if (bind(fd, address->get(), address->size()) < 0) {
            const int code = errno;
            ::close(fd);
            return fail("connections cannot leave from {}: {}", address->host(), errno_text(code));
        }
    }
    return fd;
}

Expected<Opening> Opener::advance(const Event& event, std::uint64_t number) {
    switch (event.operation) {
        case Operation::adopt:
            return fail("cannot hand a socket to io_uring: {}", errno_text(-event.result));
        case Operation::connect:
            return fail("cannot connect to {}: {}{}", url_.authority, errno_text(-event.result),
                        event.result == -EADDRNOTAVAIL
                            ? ": every port of a source address is taken, more of them (--source) "
                              "have more"
                            : "");
        case Operation::upgrade:
            return fail("cannot send the upgrade request: {}", errno_text(-event.result));
        case Operation::receive: break;
        case Operation::send:
        case Operation::send_quiet:
        case Operation::close:
            return fail("an operation failed on a connection that is not open: {}",
                        errno_text(-event.result));
    }
    if (event.result == -ENOBUFS) {
        io_.receive_once(event.index);
        return Opening{};
    }
    if (event.result < 0) return fail("no response to the upgrade: {}", errno_text(-event.result));
    if (event.result == 0)
        return fail("the server closed the connection instead of answering the upgrade");
    const auto* text = reinterpret_cast<const char*>(event.bytes.data());
    return read_response(event.index, number, std::string_view(text, event.bytes.size()));
}

Expected<Opening> Opener::read_response(std::uint32_t index, std::uint64_t number,
                                        std::string_view bytes) {
    const auto partial = partial_responses_.find(index);
    if (partial != partial_responses_.end()) {
        joined_ = partial->second.append(bytes);
        partial_responses_.erase(partial);
        bytes = joined_;
    }
    const std::size_t end = bytes.find(head_end);
    if (end == std::string_view::npos) {
        if (bytes.size() > response_bytes_max)
            return fail("the response to the upgrade has no end");
        partial_responses_.emplace(index, bytes);
        io_.receive_once(index);
        return Opening{};
    }
    const std::size_t head_bytes = end + head_end.size();
    if (auto checked =
            check_upgrade_response(bytes.substr(0, head_bytes), compression_, subprotocol_);
        !checked) {
        const std::string& asked = request(number);
        return fail("{}: {}", asked.substr(0, asked.find(" HTTP/")), checked.error().message);
    }
    return Opening{.is_open = true, .rest = std::as_bytes(std::span(bytes).subspan(head_bytes))};
}

Expected<void> check_silence(const Opening& opening) {
    if (opening.rest.empty()) return {};
    return fail("the server sent {} bytes before anything was asked", opening.rest.size());
}

TakeRest EarlyBytes::keep() {
    return [this](std::uint32_t index, std::span<const std::byte> rest) -> Expected<void> {
        rests_.emplace_back(index, std::vector(rest.begin(), rest.end()));
        return {};
    };
}

Expected<void> EarlyBytes::give_to(Crowd& crowd) {
    for (const auto& [index, bytes] : std::exchange(rests_, {})) {
        const Event event{.operation = Operation::receive,
                          .more = true,
                          .index = index,
                          .result = static_cast<std::int32_t>(bytes.size()),
                          .bytes = bytes};
        if (auto handled = crowd.handle(event, Clock::now()); !handled) return handled;
    }
    return {};
}

Expected<void> open_connections(Io& io, Opener& opener, std::uint32_t count,
                                std::chrono::nanoseconds stall_timeout, Progress& progress,
                                std::uint32_t first_index, const TakeRest& take_rest) {
    progress.begin("opening connections", Clock::now());
    std::uint32_t started_count = 0;
    std::uint32_t open_count = 0;
    StallWatch stall(stall_timeout);
    stall.reset(Clock::now());
    while (open_count < count) {
        for (; started_count < count && started_count - open_count < opening_count_max;
             ++started_count) {
            if (auto started =
                    opener.start(first_index + started_count, started_count, CloseKind::reset);
                !started)
                return started;
        }
        const auto events = io.turn(stall_timeout);
        if (!events) return std::unexpected(events.error());
        const auto now = Clock::now();
        for (const Event& event : *events) {
            const std::uint32_t number = event.index - first_index;
            const auto opened = opener.advance(event, number);
            if (!opened) return fail("connection {}: {}", number, opened.error().message);
            const bool takes_rest = take_rest && !opened->rest.empty();
            if (auto taken =
                    takes_rest ? take_rest(event.index, opened->rest) : check_silence(*opened);
                !taken)
                return fail("connection {}: {}", number, taken.error().message);
            if (!opened->is_open) continue;
            ++open_count;
            stall.reset(now);
        }
        if (stall.is_over(now))
            return fail("only {} of {} connections opened, then nothing happened", open_count,
                        count);
        if (progress.is_due(now)) progress.show(now, open_count, count);
    }
    return {};
}

}  // namespace ringcast::bench

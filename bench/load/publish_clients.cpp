#include "publish_clients.hpp"

#include <cerrno>
#include <charconv>
#include <utility>

#include "text.hpp"

namespace ringcast::bench {

namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::size_t shown_bytes_max = 200;  // Of what a server says.

/// The number that `text` begins with.
template <class Number>
std::optional<Number> number_at(std::string_view text) {
    Number number{};
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc{} ? std::optional{number} : std::nullopt;
}

std::string shown(std::string_view text) {
    return printable(text.substr(0, shown_bytes_max));
}

/// The bytes of an answer, head and body, as soon as its head is complete.
Expected<std::optional<std::size_t>> answer_bytes(std::string_view text) {
    const std::size_t end = text.find(head_end);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view head = text.substr(0, end + head_end.size());
    if (!head.starts_with("HTTP/1.1 200 "))
        return fail("the server answered '{}'", shown(head.substr(0, head.find("\r\n"))));
    const auto body_bytes = number_at<std::size_t>(header_value(head, "Content-Length"));
    if (!body_bytes) return fail("the server did not say how long its answer is");
    return head.size() + *body_bytes;
}

}  // namespace

std::string publish_request(const Url& url, const PublishOptions& options, std::uint32_t index) {
    std::string channels;
    for (std::uint32_t i = 0; i < options.channels; ++i) {
        channels += fmt::format("{}\"{}{}-{}\"", i == 0 ? "" : ",", options.topic_prefix, index, i);
    }
    const bool is_one = options.channels == 1;
    const std::string body =
        fmt::format(R"({{"{}":{},"data":"{}"}})", is_one ? "channel" : "channels",
                    is_one ? channels : '[' + channels + ']',
                    std::string(options.message_bytes - PublishOptions::quotes_bytes, 'x'));
    return fmt::format("POST {}/{} HTTP/1.1\r\nHost: {}\r\n{}Content-Length: {}\r\n\r\n{}",
                       url.path, is_one ? "publish" : "broadcast", url.authority, url.fields,
                       body.size(), body);
}

Expected<void> check_publish_answer(std::string_view body, std::uint32_t channels,
                                    std::optional<std::uint64_t>& offset) {
    constexpr std::string_view result_mark = R"({"result":{)", offset_mark = R"("offset":)";
    // A broadcast has one around those of its channels.
    std::uint32_t results = channels == 1 ? 0 : -1U, offsets = 0;
    for (std::size_t at = 0; (at = body.find(result_mark, at)) != std::string_view::npos; ++at)
        ++results;
    if (results != channels)
        return fail("the server has {} results for {} publications: {}", results, channels,
                    shown(body));
    std::optional<std::uint64_t> reached;
    for (std::size_t at = 0; (at = body.find(offset_mark, at)) != std::string_view::npos;
         ++offsets) {
        at += offset_mark.size();
        const auto told = number_at<std::uint64_t>(body.substr(at));
        const auto due = offset ? *offset + 1 : reached;
        if (!told || (due && told != due))
            return fail("a publication got another offset than {}: {}", due.value_or(0),
                        shown(body.substr(at)));
        reached = told;
    }
    if (offsets != 0 && offsets != channels)
        return fail("the server told {} offsets of {}", offsets, channels);
    if (offset && !reached) return fail("the server told no offset any more");
    offset = reached;
    return {};
}

PublishClients::PublishClients(Io& io, Opener& opener, const Url& url,
                               const PublishOptions& options,
                               std::chrono::nanoseconds stall_timeout)
    : io_(io),
      opener_(opener),
      options_(options),
      connections_(options.connections),
      stall_(stall_timeout) {
    for (std::uint32_t index = 0; index < options.connections; ++index)
        requests_.push_back(publish_request(url, options, index));
    opener.set_requests(requests_);
}

/// Opening a connection sends its first request.
Expected<void> PublishClients::open(std::uint32_t index, Clock::time_point now) {
    connections_[index].is_over = false;
    connections_[index].sent_at = now;
    ++outstanding_;
    return opener_.start(index, index, CloseKind::reset);
}

Expected<void> PublishClients::act(Clock::time_point now) {
    for (; opened_ < connections_.size() && !is_stopping_; ++opened_) {
        if (auto begun = open(opened_, now); !begun) return begun;
    }
    return {};
}

Expected<void> PublishClients::handle(const Event& event, Clock::time_point now) {
    auto taken = take(event, now);
    if (!taken) return fail("connection {}: {}", event.index, taken.error().message);
    return taken;
}

Expected<void> PublishClients::take(const Event& event, Clock::time_point now) {
    switch (event.operation) {
        case Operation::receive: return take_received(event, now);
        case Operation::send:
        case Operation::send_quiet: return take_sent(event);
        case Operation::adopt:
        case Operation::connect:
        case Operation::upgrade:
        case Operation::close: break;
    }
    const auto opening = opener_.advance(event, event.index);
    if (!opening) return std::unexpected(opening.error());
    return fail("unexpected event, result {}", event.result);
}

Expected<void> PublishClients::take_received(const Event& event, Clock::time_point now) {
    Connection& connection = connections_[event.index];
    if (event.result == 0 && connection.is_over) {
        --outstanding_;
        io_.close(event.index);
        return is_stopping_ ? Expected<void>{} : open(event.index, now);
    }
    if (event.result == 0) return fail("the server closed the connection");
    if (event.result < 0 && event.result != -ENOBUFS)
        return fail("cannot receive: {}", errno_text(-event.result));
    if (!event.more) io_.receive_many(event.index);
    stall_.reset(now);
    connection.text.append(reinterpret_cast<const char*>(event.bytes.data()), event.bytes.size());
    const auto bytes = answer_bytes(connection.text);
    if (!bytes) return std::unexpected(bytes.error());
    if (!*bytes || connection.text.size() < **bytes) return {};
    if (connection.text.size() > **bytes) return fail("the server said more than its answer");
    const std::string_view text = connection.text;
    const std::size_t head_bytes = text.find(head_end) + head_end.size();
    auto checked =
        check_publish_answer(text.substr(head_bytes), options_.channels, connection.offset);
    if (!checked) return checked;
    connection.is_over = header_value(text.substr(0, head_bytes), "Connection") == "close";
    connection.text.clear();
    if (measured_.contains(connection.sent_at))
        latency_.record(nanoseconds_between(connection.sent_at, now));
    ++answers_;
    if (connection.is_over) return {};  // It is owed the end.
    --outstanding_;
    if (!is_stopping_) send(event.index, now);
    return {};
}

void PublishClients::send(std::uint32_t index, Clock::time_point now) {
    Connection& connection = connections_[index];
    connection.sent_at = now;
    connection.unsent = std::as_bytes(std::span(requests_[index]));
    ++outstanding_;
    io_.send_quiet(index, connection.unsent);
}

Expected<void> PublishClients::take_sent(const Event& event) {
    Connection& connection = connections_[event.index];
    const std::int32_t sent = event.result == -EAGAIN ? 0 : event.result;
    if (sent < 0) return fail("cannot send: {}", errno_text(-sent));
    connection.unsent = connection.unsent.subspan(static_cast<std::size_t>(sent));
    if (!connection.unsent.empty()) io_.send(event.index, connection.unsent);
    return {};
}

Expected<void> PublishClients::check(Clock::time_point now) {
    if (outstanding_ == 0) stall_.reset(now);
    if (!stall_.is_over(now)) return {};
    return fail("the server stopped answering: nothing for {:.1f} s after {} answers",
                stall_.seconds(now), answers_);
}

}  // namespace ringcast::bench

#include "replies.hpp"

#include <simdjson.h>
#include <string>
#include <utility>

#include "base/bytes.hpp"
#include "text.hpp"

namespace ringcast::bench {

namespace {

using simdjson::SUCCESS;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr MessageShape any_text{.opcode = ws::Opcode::text, .has_any_size = true};

/// What an object has there, or else what `otherwise` says.
template <typename Value>
Value value_at(const object& parent, std::string_view key, Value otherwise) {
    Value value{};
    return parent[key].get(value) == SUCCESS ? value : otherwise;
}

bool read_publication(const object& fields, ReplyPublication& publication) {
    publication.offset = value_at(fields, "offset", std::uint64_t{0});
    return fields["data"].get(publication.data) == SUCCESS;
}

bool read_push(const object& fields, Reply& reply, std::vector<ReplyPublication>& publications) {
    object publication;
    if (fields["pub"].get(publication) != SUCCESS) return true;  // Something else.
    reply.kind = Reply::Kind::publication;
    publications.resize(1);
    reply.publications = publications;
    return fields["channel"].get(reply.channel) == SUCCESS &&
           read_publication(publication, publications.front());
}

bool read_subscribe(const object& fields, Reply& reply,
                    std::vector<ReplyPublication>& publications) {
    reply.kind = Reply::Kind::subscribe;
    reply.epoch = value_at(fields, "epoch", std::string_view{});
    reply.offset = value_at(fields, "offset", std::uint64_t{0});
    reply.was_recovering = value_at(fields, "was_recovering", false);
    reply.recovered = value_at(fields, "recovered", false);
    simdjson::dom::array all;
    if (fields["publications"].get(all) != SUCCESS) return true;
    for (const element& each : all) {
        object publication;
        if (each.get(publication) != SUCCESS ||
            !read_publication(publication, publications.emplace_back()))
            return false;
    }
    reply.publications = publications;
    return true;
}

bool read_reply(const object& fields, Reply& reply, std::vector<ReplyPublication>& publications) {
    reply.id = value_at(fields, "id", std::uint64_t{0});
    for (const auto& [key, value] : fields) {
        object inner;
        if (value.get(inner) != SUCCESS) continue;
        if (key == "push") return read_push(inner, reply, publications);
        if (key == "subscribe") return read_subscribe(inner, reply, publications);
        if (key == "error") reply.kind = Reply::Kind::error;
        if (key == "connect") reply.kind = Reply::Kind::connect;
        if (key == "publish") reply.kind = Reply::Kind::publish;
    }
    return true;
}

}  // namespace

std::string quote(const Reply& reply) {
    constexpr std::size_t shown_max = 160;
    const bool is_long = reply.text.size() > shown_max;
    return fmt::format("'{}'{}", printable(reply.text.substr(0, shown_max)), is_long ? "..." : "");
}

struct ReplyReader::Parser {
    simdjson::dom::parser json;
};

ReplyReader::ReplyReader() : messages_(any_text, "message"), parser_(std::make_unique<Parser>()) {}

ReplyReader::~ReplyReader() = default;

Expected<std::optional<Reply>> ReplyReader::next(SessionState& state,
                                                 std::span<const std::byte>& bytes,
                                                 std::vector<std::byte>& pongs) {
    while (true) {
        while (!state.unread.empty()) {
            const std::size_t end = std::min(state.unread.find('\n'), state.unread.size());
            const std::string_view line = state.unread.substr(0, end);
            state.unread.remove_prefix(std::min(end + 1, state.unread.size()));
            if (line.empty()) continue;
            auto reply = parse(line);
            if (!reply) return std::unexpected(reply.error());
            return *std::move(reply);
        }
        if (bytes.empty()) return std::nullopt;
        if (auto read = next_message(state, bytes, pongs); !read)
            return std::unexpected(read.error());
    }
}

/// Some of a message; all of it is unread if that completes it.
Expected<void> ReplyReader::next_message(SessionState& state, std::span<const std::byte>& bytes,
                                         std::vector<std::byte>& pongs) {
    constexpr std::size_t message_bytes_max = std::size_t{64} << 20U;
    const auto piece = messages_.next(state, bytes, pongs);
    if (!piece) return std::unexpected(piece.error());
    std::span<const std::byte> message = piece->payload;
    if (!piece->completes_message || !state.message.empty()) {
        if (state.message.size() + message.size() > message_bytes_max)
            return fail("the server sent a message of more than {}", byte_text(message_bytes_max));
        state.message.insert(state.message.end(), message.begin(), message.end());
        if (!piece->completes_message) return {};
        message_ = std::exchange(state.message, {});
        message = message_;
    }
    ++state.messages;
    state.unread = as_text(message);
    return {};
}

Expected<Reply> ReplyReader::parse(std::string_view text) {
    Reply reply{.text = text};
    if (text == "{}") {
        reply.kind = Reply::Kind::ping;
        return reply;
    }
    object fields;
    publications_.clear();
    if (parser_->json.parse(text.data(), text.size()).get(fields) != SUCCESS ||
        !read_reply(fields, reply, publications_))
        return fail("the server sent {}, which is no reply", quote(reply));
    return reply;
}

}  // namespace ringcast::bench

#pragma once
// Clients of the Centrifuge protocol that take deltas, on shards that are turned by hand: they
// apply what they are sent to what they have, and look whether it becomes what was published.

#include <cstdint>
#include <deque>
#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dialect/centrifuge/payload.hpp"
#include "support/deflate_client.hpp"
#include "support/fossil_reference.hpp"
#include "unit/shard/shards_kit.hpp"

namespace ringcast::shard {

using dialect::centrifuge::Format;

/// The payloads and kinds of all publications.
using Published = std::vector<std::pair<std::string, PublicationKind>>;

/// One publication as a client is sent it.
struct SentPublication {
    std::string data;
    bool is_delta = false;
};

/// A string of JSON that begins at `at`, which is behind it afterwards.
inline std::string json_string_at(std::string_view text, std::size_t& at) {
    std::string value;
    REQUIRE(text[at] == '"');
    for (++at; text[at] != '"'; ++at) {
        if (text[at] != '\\') {
            value += text[at];
            continue;
        }
        switch (text[++at]) {
            case 'n': value += '\n'; break;
            case 'r': value += '\r'; break;
            case 't': value += '\t'; break;
            case 'b': value += '\b'; break;
            case 'f': value += '\f'; break;
            case 'u':
                value +=
                    static_cast<char>(std::stoi(std::string{text.substr(at + 1, 4)}, nullptr, 16));
                at += 4;
                break;
            default: value += text[at];
        }
    }
    ++at;
    return value;
}

inline SentPublication read_json_push(std::string_view push) {
    constexpr std::string_view mark = R"("pub":{"data":)";
    std::size_t at = push.find(mark);
    REQUIRE(at != std::string_view::npos);
    at += mark.size();
    SentPublication publication;
    publication.data = json_string_at(push, at);
    publication.is_delta = push.find(R"("delta":true)", at) != std::string_view::npos;
    return publication;
}

inline std::uint64_t varint_at(std::string_view text, std::size_t& at) {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(text[at++]);
        value |= std::uint64_t{byte & 0x7fu} << shift;
        if (byte < 0x80) return value;
    }
}

/// The last field of that number, as its octets, or its value in decimal; nothing if it is not
/// there.
inline std::optional<std::string> protobuf_field(std::string_view message, std::uint64_t number) {
    std::optional<std::string> found;
    for (std::size_t at = 0; at < message.size();) {
        const std::uint64_t tag = varint_at(message, at);
        const std::uint64_t value = varint_at(message, at);
        const bool is_number = tag % 8 == 0;
        REQUIRE((is_number || tag % 8 == 2));
        if (tag / 8 == number)
            found = is_number ? std::to_string(value) : std::string{message.substr(at, value)};
        if (!is_number) at += value;
    }
    return found;
}

inline SentPublication read_protobuf_push(std::string_view push) {
    std::size_t at = 0;
    const std::uint64_t size = varint_at(push, at);
    REQUIRE(push.size() == at + size);
    const std::string reply{push.substr(at)};
    const auto publication = protobuf_field(protobuf_field(reply, 4).value(), 4).value();
    return {.data = protobuf_field(publication, 4).value_or(""),
            .is_delta = protobuf_field(publication, 8).has_value()};
}

/// What a client of that format has as data.
inline std::string data_of(Format format, PublicationKind kind, const std::string& payload) {
    if (format == Format::protobuf || kind == PublicationKind::json) return payload;
    std::string text;
    dialect::centrifuge::append_json(text, {.bytes = payload, .kind = kind});
    return text;
}

/// A client that applies deltas, as the protocol's own does.
class DeltaClient {
public:
    DeltaClient(ShardsKit& kit, std::uint32_t shard, Format format, std::string_view offer)
        : kit_{kit}, client_{kit.accept(shard)}, format_{format} {
        const std::string target = format == Format::json ? "/echo" : "/echo?protobuf";
        kit.send(client_,
                 encode(test::UpgradeRequest{
                     .target = target, .fields = offer.empty() ? "" : test::offer_line(offer)}));
        kit.settle();
        REQUIRE(kit.response(client_) == 101);
        if (!offer.empty()) deflate_.emplace(kit.last_response);
    }

    /// Unless the shard does not listen, because it is closing, or has the client read first.
    void say(std::string_view command) {
        if (kit_.socket(client_).recv) kit_.send(client_, test::text_frame(command));
    }
    void block() { kit_.socket(client_).room = 0; }
    void give_room(std::uint64_t bytes) { kit_.ring(client_.shard).give_room(client_.fd, bytes); }

    /// Takes what has come.
    void read(const Published& published) {
        for (const test::ServerFrame& frame : kit_.frames(client_)) {
            if (frame.opcode == test::opcode_close) {
                has_ended = true;
                continue;
            }
            const std::string message = deflate_ ? deflate_->message(frame).value() : frame.payload;
            take(format_ == Format::json ? read_json_push(message) : read_protobuf_push(message),
                 published);
        }
    }

    std::optional<std::string> has;  ///< The base of the next delta.
    std::size_t next = 0;            ///< Publications before that are not to come any more.
    std::size_t wholes = 0, deltas = 0;
    bool has_ended = false;

    [[nodiscard]] bool has_last(const Published& published) const {
        return !published.empty() &&
               has == data_of(format_, published.back().second, published.back().first);
    }

private:
    void take(const SentPublication& sent, const Published& published) {
        std::string data = sent.data;
        if (sent.is_delta) {
            REQUIRE(has.has_value());
            const auto applied = test::FossilReader{*has, sent.data}.read();
            REQUIRE(applied.has_value());
            data = *applied;
            CHECK(sent.data.size() < data.size());
        }
        ++(sent.is_delta ? deltas : wholes);
        has = data;
        while (next < published.size() &&
               data_of(format_, published[next].second, published[next].first) != data)
            ++next;
        REQUIRE(next < published.size());  // One of them, and none that came before.
        ++next;
    }

    ShardsKit& kit_;
    const ShardClient client_;
    const Format format_;
    std::optional<test::DeflateClient> deflate_;
};

/// Sessions at /echo subscribe to the topic that they name, and take deltas; they leave it at a
/// word that begins with a minus.
struct DeltaKit : ShardsKit {
    explicit DeltaKit(const SessionLimits& limits = {}, Settings settings = {})
        : ShardsKit{{.shards = 2, .limits = limits, .settings = std::move(settings)}} {
        for (std::uint32_t i = 0; i < shards(); ++i) {
            scripted(i).upgraded = [](Upgrade& upgrade) {
                Verdict verdict;
                verdict.encoding = upgrade.request.query.contains("protobuf")
                                       ? Encoding::centrifuge_protobuf
                                       : Encoding::centrifuge_json;
                return verdict;
            };
            scripted(i).received = [](Session& session, Message message) {
                const std::string_view name = message.payload;
                if (name.starts_with('-')) {
                    (void)session.unsubscribe(name.substr(1));
                } else {
                    (void)session.subscribe(name, {}, {.takes_deltas = true});
                }
            };
            scripted(i).subscribed = [](Session&, const Subscribed&) {};
        }
    }
    void publish(const std::string& payload, PublicationKind kind = PublicationKind::json) {
        REQUIRE(shard(0).publish(topic, kind, std::as_bytes(std::span{payload})) ==
                PublishStatus::accepted);
        published.emplace_back(payload, kind);
    }
    DeltaClient& come(std::uint32_t shard, Format format, std::string_view offer = {}) {
        return clients.emplace_back(*this, shard, format, offer);
    }
    DeltaClient& subscribed(std::uint32_t shard, Format format) {
        DeltaClient& client = come(shard, format);
        client.say(topic);
        settle();
        return client;
    }

    const std::string topic = topic_of(0);
    Published published;
    std::deque<DeltaClient> clients;
};

}  // namespace ringcast::shard

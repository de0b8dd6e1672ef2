#pragma once
// What servers speak on top of WebSocket (RFC 6455 section 1.9) that pass publications on, but not
// as plain messages: how a client subscribes, and what stands around a publication. Whatever such a
// server says is a packet: a delivery, or something short.
//
//   [client: hello]  server: greeting  client: join  server: welcome
//   then publications (and receipts for them), deliveries, pings

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "publication.hpp"
#include "ws/frame.hpp"

namespace ringcast::bench {

enum class Protocol : std::uint8_t { raw, nats, socketio, centrifuge, centrifuge_protobuf };

/// As the command line has it.
[[nodiscard]] constexpr std::string_view name_of(Protocol protocol) noexcept {
    switch (protocol) {
        case Protocol::raw: return "raw";
        case Protocol::nats: return "nats";
        case Protocol::socketio: return "socketio";
        case Protocol::centrifuge: return "centrifuge";
        case Protocol::centrifuge_protobuf: return "centrifuge-protobuf";
    }
    return "";
}

/// What is no delivery.
enum class PacketKind : std::uint8_t { greeting, welcome, ping, receipt };

class Subprotocol {
public:
    virtual ~Subprotocol() = default;
    Subprotocol(const Subprotocol&) = delete;
    Subprotocol& operator=(const Subprotocol&) = delete;

    [[nodiscard]] virtual ws::Opcode opcode() const noexcept = 0;
    /// A packet ends with this, wherever messages begin and end; empty if it is one message.
    [[nodiscard]] virtual std::string_view packet_end() const noexcept = 0;
    /// Nothing if a server may not say `packet` to a client like this one.
    [[nodiscard]] virtual std::optional<PacketKind> kind_of(std::string_view packet) const = 0;

    /// The WebSocket subprotocol that is offered unless another one is; empty: none.
    [[nodiscard]] virtual std::string name() const { return {}; }
    /// What the server waits for before its greeting; empty: nothing.
    [[nodiscard]] virtual std::string hello() const { return {}; }
    /// The answer to the greeting: subscribes to `topic`, and makes the server say its welcome as
    /// soon as that is done.
    [[nodiscard]] virtual std::string join(std::string_view topic) const = 0;
    /// The answer to a ping.
    [[nodiscard]] virtual std::string pong() const = 0;
    /// Around a publication's `payload_bytes` on the way to the server.
    [[nodiscard]] virtual Envelope publication(std::string_view topic,
                                               std::uint64_t payload_bytes) const = 0;
    /// Around them as each subscriber gets them. No other packet starts with what is before them.
    [[nodiscard]] virtual Envelope delivery(std::string_view topic,
                                            std::uint64_t payload_bytes) const = 0;

protected:
    Subprotocol() = default;
};

/// The protocol of NATS, as nats-server speaks it behind its WebSocket port.
[[nodiscard]] const Subprotocol& nats();
/// Socket.IO 5 over Engine.IO 4. The server lets a client join the room that it names when it
/// connects to the namespace, `{"topic":"..."}`, and passes the event "message" on to the room.
[[nodiscard]] const Subprotocol& socketio();

/// The client protocol of Centrifuge, in JSON. Clients may publish without a token; of a publisher
/// nothing is known but the id of its connection.
[[nodiscard]] const Subprotocol& centrifuge();
/// Likewise in Protobuf, of topics without a history: publications have no offset.
[[nodiscard]] const Subprotocol& centrifuge_protobuf();

/// nullptr for raw: a publication is a message, and the path names the topic.
[[nodiscard]] inline const Subprotocol* subprotocol_of(Protocol protocol) {
    switch (protocol) {
        case Protocol::raw: return nullptr;
        case Protocol::nats: return &nats();
        case Protocol::socketio: return &socketio();
        case Protocol::centrifuge: return &centrifuge();
        case Protocol::centrifuge_protobuf: return &centrifuge_protobuf();
    }
    return nullptr;
}

}  // namespace ringcast::bench

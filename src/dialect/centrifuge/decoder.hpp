#pragma once
// Decodes what clients of the Centrifuge protocol send: a WebSocket message or the body of a POST,
// with one command or more.
//
//   json      {"id":1,"connect":{}} LF {"id":2,"subscribe":{"channel":"a"}} LF
//   protobuf  length (varint)  Command   length (varint)  Command
//
// Unknown fields are ignored, but must be well formed. A field occurs once. Never reads outside the
// input; allocates only for the maps of a connect request.

#include <cstddef>
#include <span>
#include <string_view>

#include "dialect/centrifuge/command.hpp"
#include "dialect/centrifuge/malformed.hpp"

namespace ringcast::dialect::centrifuge {

/// More commands in one message are refused.
inline constexpr std::size_t commands_per_message_max = 4096;

/// Pulls the commands out of one message, in their order.
class CommandDecoder {
public:
    /// `message` outlives the views in commands; strings of JSON are decoded in place.
    /// `decoded_before`: so many commands of it were, by another decoder, whose rest() this is.
    CommandDecoder(Format format, std::span<char> message, std::size_t decoded_before = 0) noexcept;

    /// True: command() is the next one. False: the message has ended, well if fault() is none.
    [[nodiscard]] bool next();
    /// Valid until the next call of next().
    [[nodiscard]] const Command& command() const noexcept { return command_; }
    [[nodiscard]] Malformed fault() const noexcept { return fault_; }
    /// What follows command(): a decoder over a copy of it goes on from here.
    [[nodiscard]] std::span<char> rest() const noexcept { return rest_; }
    /// Commands of the message that were decoded so far.
    [[nodiscard]] std::size_t decoded_count() const noexcept { return decoded_count_; }

private:
    [[nodiscard]] bool fail(Malformed fault) noexcept;
    [[nodiscard]] Malformed decode_json();
    [[nodiscard]] Malformed decode_protobuf();

    std::span<char> rest_;
    std::size_t decoded_count_;
    Command command_;
    Format format_;
    Malformed fault_ = Malformed::none;
};

/// A ConnectRequest that stands alone, as clients of unidirectional transports send it: JSON.
/// `text` outlives the views in `request`.
[[nodiscard]] Malformed decode_connect(std::span<char> text, ConnectRequest& request);

/// The body of a POST to the emulation endpoint. `body` outlives the views in `request`; its data,
/// which lies in `body`, may be decoded as a message (see commands_of).
[[nodiscard]] Malformed decode_emulation(Format format, std::span<char> body,
                                         EmulationRequest& request);

/// The commands of `request`, which was decoded from `body`: its data, as a part of `body` that can
/// be changed.
[[nodiscard]] std::span<char> commands_of(const EmulationRequest& request, std::span<char> body);

}  // namespace ringcast::dialect::centrifuge

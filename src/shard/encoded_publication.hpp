#pragma once
// A publication on its way to the sessions of this shard, or word of a client that comes or goes:
// encoded once for each way in which its subscribers are sent such things, and compressed once for
// each window that they have agreed on (RFC 7692), when the first of them is reached.
//
//                        plain       compressed, by window: 512 octets or less ... 32 KiB
//   raw                  frame       frame ... frame
//   centrifuge_json      frame       frame ... frame
//     ... whole          frame       frame ... frame     of who takes deltas to the one before it
//     ... delta          frame       frame ... frame     of who has that, too
//   ...
//   event_stream         chunk       none: answers to plain requests are not compressed
//   ...
//
// Plain clients hear of nobody.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/buffer_pool.hpp"
#include "base/publication.hpp"
#include "base/shared_frame.hpp"
#include "hub/local_topics.hpp"
#include "hub/position.hpp"
#include "shard/encoding.hpp"
#include "shard/publication_deltas.hpp"
#include "ws/deflate.hpp"

namespace ringcast::shard {

/// One item of the fan-out. Belongs to one shard and must die before its pool.
class EncodedPublication {
public:
    enum class What : std::uint8_t { publication, join, leave };
    /// How it carries its data: for all; or for who takes deltas, which differs in JSON; or as the
    /// delta to the publication before it, where that is shorter.
    enum class Shape : std::uint8_t { plain, whole, delta };

    /// `frame` is the raw encoding, with `payload_bytes` of payload at its end; `topic` outlives
    /// this. `position`: behind it, with an offset of 0 if subscribers are not told. `info`: what
    /// goes with it, as a packed PublicationInfo, or null.
    EncodedPublication(SharedFrame frame, std::size_t payload_bytes, std::string_view topic,
                       PublicationKind kind, const hub::Position& position,
                       SharedFrame info = {}) noexcept
        : raw_{.frame = std::move(frame), .payload_bytes = payload_bytes, .compressed = {}},
          info_{std::move(info)},
          topic_{topic},
          position_{position},
          kind_{kind} {}

    /// A join or leave of `client`, a packed ClientInfo.
    EncodedPublication(What what, std::string_view topic, SharedFrame client) noexcept
        : info_{std::move(client)}, topic_{topic}, what_{what} {}

    /// A publication once more, for somebody who is sent it later, and not as a delta: one more
    /// reference to its frame.
    [[nodiscard]] EncodedPublication share(Shape shape = Shape::plain) const {
        EncodedPublication later{raw_.frame, raw_.payload_bytes, topic_, kind_, position_, info_};
        if (shape != Shape::plain) later.later_shape_ = Shape::whole;
        return later;
    }
    /// Of one that was shared.
    [[nodiscard]] Shape later_shape() const noexcept { return later_shape_; }
    /// Before it is encoded: what was before it, if that is known, and who finds out what differs,
    /// and outlives this. Without it, there is no delta.
    void set_previous(hub::PreviousPublication previous, PublicationDeltas& deltas) {
        deltas_ = std::make_unique<Deltas>();
        deltas_->previous = std::move(previous);
        deltas_->maker = &deltas;
    }
    /// There is something to make a delta to.
    [[nodiscard]] bool has_previous() const noexcept {
        return deltas_ != nullptr && deltas_->previous.frame;
    }
    /// Before it is encoded: so many came before it that its receiver has not been sent, which it
    /// is told where the encoding has a place for that.
    void set_skipped(std::uint64_t count) noexcept { skipped_ = count; }

    [[nodiscard]] bool is_publication() const noexcept { return what_ == What::publication; }
    [[nodiscard]] std::string_view topic() const noexcept { return topic_; }
    /// Of a publication: the value of its tag `name`; empty if it has none. Lives as long as any
    /// share() of it.
    [[nodiscard]] std::string_view tag(std::string_view name) const noexcept;
    /// The raw encoding, as most are sent it.
    [[nodiscard]] const SharedFrame& frame() const noexcept { return raw_.frame; }

    /// One whole frame, as a server writes it, or one whole chunk.
    [[nodiscard]] const SharedFrame& frame(Encoding encoding, BufferPool& pool,
                                           Shape shape = Shape::plain) {
        return form(encoding, shape, pool).frame;
    }
    /// Octets of payload in that.
    [[nodiscard]] std::size_t payload_bytes(Encoding encoding, BufferPool& pool,
                                            Shape shape = Shape::plain) {
        return form(encoding, shape, pool).payload_bytes;
    }
    /// The payload itself.
    [[nodiscard]] std::span<const std::byte> payload(Encoding encoding, BufferPool& pool,
                                                     Shape shape = Shape::plain) {
        return form(encoding, shape, pool).payload(encoding);
    }
    /// By so many octets it is shorter as a delta than whole; 0: there is none.
    [[nodiscard]] std::size_t bytes_saved(Encoding encoding, BufferPool& pool);
    /// What subscribers are sent that have agreed on a window of `window_bits`, without any earlier
    /// context: a compressed frame, or the plain one where that is not smaller.
    [[nodiscard]] const SharedFrame& compressed(Encoding encoding, std::uint8_t window_bits,
                                                ws::Deflaters& deflaters, BufferPool& pool,
                                                Shape shape = Shape::plain);

private:
    struct Compressed {
        std::array<SharedFrame, ws::Deflaters::windows> frames;
        std::array<bool, ws::Deflaters::windows> is_tried{};  // Then null means: not smaller.
    };
    struct Form {
        SharedFrame frame;  // Null: not encoded yet.
        std::size_t payload_bytes = 0;
        std::unique_ptr<Compressed> compressed;  // Null: nobody needed it.

        [[nodiscard]] std::span<std::byte> payload(Encoding encoding) const noexcept;
    };

    /// What is different, as one format has it.
    struct Delta {
        SharedFrame text;  // Null: not tried, or not shorter.
        std::size_t bytes_saved = 0;
        bool is_tried = false;
    };
    static constexpr std::size_t formats_count = 2;
    using Forms = std::array<Form, encodings_count - 1>;
    /// What only those need who take deltas.
    struct Deltas {
        hub::PreviousPublication previous;
        PublicationDeltas* maker = nullptr;
        std::array<Delta, formats_count> deltas;
        Forms whole_forms, delta_forms;
    };

    [[nodiscard]] Form& form(Encoding encoding, Shape shape, BufferPool& pool);
    [[nodiscard]] const Delta& delta(dialect::centrifuge::Format format, BufferPool& pool);
    void encode_event(Form& form, BufferPool& pool) const;
    void encode_push(Form& form, Encoding encoding, Shape shape, BufferPool& pool) const;
    /// Calls `use(reply)` with the push; with `delta` instead of its data, if that is not empty.
    template <class Use>
    void with_push(dialect::centrifuge::Format format, Shape shape, std::string_view delta,
                   Use&& use) const;

    Form raw_;
    Forms others_;
    std::unique_ptr<Deltas> deltas_;  // Null: nobody has needed it.
    SharedFrame info_;
    std::string_view topic_;
    hub::Position position_;
    std::uint64_t skipped_ = 0;
    PublicationKind kind_ = PublicationKind::json;
    What what_ = What::publication;
    Shape later_shape_ = Shape::plain;
};

}  // namespace ringcast::shard

#pragma once
// Publications that say who they are, and the one order of a topic as its clients find it out:
// whoever is the first to receive the publication at some position decides which one that is, and
// everybody else must get the same octets there.
//
//   log:   | 0/0 | 2/0 | 0/1 | 1/0 | ...      whole frames, publisher/sequence
//   client:      |===================|        what it received: a contiguous run of the log
//
// Written without anything of src, so that a mistake there is not repeated here.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/ws_client.hpp"

namespace ringcast::sockets {

/// Publication `sequence` (counted from 0) of one publisher in its topic.
struct PublicationId {
    std::uint32_t publisher = 0;
    std::uint32_t sequence = 0;

    friend auto operator<=>(const PublicationId&, const PublicationId&) = default;
};

/// `small`: most have some hundred octets, some more than 512 or 4 KiB, a few 20,000. `large`: ten
/// times that on average, for full buffers.
enum class Sizes : std::uint8_t { small, large };

class TopicLog {
public:
    explicit TopicLog(std::string name, Sizes sizes = Sizes::small)
        : name_{std::move(name)}, sizes_{sizes} {}

    [[nodiscard]] const std::string& name() const { return name_; }

    // What is published.

    struct Publication {
        std::string payload;
        bool is_text;
    };
    /// The next one of `publisher`.
    [[nodiscard]] Publication publish(std::uint32_t publisher);
    /// The same, if it is published only perhaps.
    [[nodiscard]] Publication peek(std::uint32_t publisher);
    [[nodiscard]] std::size_t published_by(std::uint32_t publisher) const;
    /// Of all publishers.
    [[nodiscard]] std::size_t published() const { return published_; }
    /// The first publication of each publisher so far that has not been made yet.
    [[nodiscard]] std::vector<PublicationId> next_ones() const;

    // Their order.

    [[nodiscard]] std::size_t size() const { return ends_.size(); }
    [[nodiscard]] std::size_t received_of(std::uint32_t publisher) const;
    [[nodiscard]] std::optional<std::size_t> find(PublicationId id) const;
    /// Puts what somebody received at position size(). Returns what is wrong with it: nothing if it
    /// is a publication's frame octet by octet, of one that was made, and the next of its
    /// publisher.
    [[nodiscard]] std::string append(const test::ServerFrame& frame);
    /// Whose frame that is, by its first octets.
    [[nodiscard]] std::optional<PublicationId> read_id(std::string_view payload) const;

    struct Match {
        std::size_t count = 0;  ///< Whole publications ...
        std::size_t bytes = 0;  ///< ... and what they take.
    };
    /// How much of the start of `bytes` is the log from `position` on.
    [[nodiscard]] Match match(std::size_t position, std::string_view bytes) const;

    // How far its clients are, those that have a position.

    void enter(std::size_t position);
    void move(std::size_t from, std::size_t to);
    void leave(std::size_t position);
    /// All of them have received the publications before this position.
    [[nodiscard]] std::size_t completed() const;

private:
    struct Published {
        std::uint32_t count = 0;
        std::vector<std::size_t> positions;  // Of those that have been received, by sequence.
    };

    [[nodiscard]] Publication publication(PublicationId id) const;
    [[nodiscard]] std::size_t begin_of(std::size_t position) const {
        return position == 0 ? 0 : ends_[position - 1];
    }

    std::string name_;
    Sizes sizes_;
    std::map<std::uint32_t, Published> publishers_;
    std::size_t published_ = 0;
    std::string bytes_;                      // The frames in order.
    std::vector<std::size_t> ends_;          // In bytes_, by position.
    std::vector<std::uint32_t> clients_at_;  // By position.
    mutable std::size_t completed_ = 0;      // No client is at a lower position.
};

}  // namespace ringcast::sockets

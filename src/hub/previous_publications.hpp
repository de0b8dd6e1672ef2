#pragma once
// What topics keep of their last publication, so that the next one can be sent as what it differs
// from it in. All of them together have a budget: beyond it the one that has waited for its
// successor for longest is let go, and its successor goes whole.
//
//   oldest <-> ... <-> newest      a topic goes to the end with each publication that it keeps

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/assert.hpp"
#include "base/publication.hpp"
#include "base/shared_frame.hpp"

namespace ringcast::hub {

/// A publication that is kept for what the next one differs from it in.
struct PreviousPublication {
    SharedFrame frame;  ///< Ends with the payload. Null: there is none.
    std::size_t payload_bytes = 0;
    PublicationKind kind = PublicationKind::json;
};

/// A list and a sum; owns nothing. One per shard. Constant time.
class PreviousPublications {
public:
    /// A topic's part. Must be forgotten before it dies.
    class Place {
    public:
        Place() = default;
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place() { RC_ASSERT(newer_ == nullptr); }

    private:
        friend class PreviousPublications;
        PreviousPublication previous_;
        Place* older_ = nullptr;
        Place* newer_ = nullptr;  // Null: not listed, and nothing is kept.
    };

    PreviousPublications() { ends_.older_ = ends_.newer_ = &ends_; }
    ~PreviousPublications() {
        RC_ASSERT(bytes_ == 0 && ends_.newer_ == &ends_);
        ends_.newer_ = nullptr;
    }
    PreviousPublications(const PreviousPublications&) = delete;
    PreviousPublications& operator=(const PreviousPublications&) = delete;

    /// Keeps `next` instead of what there was, which is returned. What is kept beyond `bytes_max`
    /// is let go, the oldest first. One that is more than that by itself is not kept.
    PreviousPublication replace(Place& place, PreviousPublication next,
                                std::uint64_t bytes_max) noexcept {
        PreviousPublication before = take(place);
        if (next.frame && next.frame.memory_bytes() <= bytes_max) {
            bytes_ += next.frame.memory_bytes();
            place.previous_ = std::move(next);
            place.older_ = ends_.older_;
            place.newer_ = &ends_;
            place.older_->newer_ = &place;
            ends_.older_ = &place;
        }
        while (bytes_ > bytes_max) forget(*ends_.newer_);
        return before;
    }
    void forget(Place& place) noexcept { (void)take(place); }

    /// Memory of what is kept.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    PreviousPublication take(Place& place) noexcept {
        if (place.newer_ == nullptr) return {};
        place.older_->newer_ = place.newer_;
        place.newer_->older_ = place.older_;
        place.older_ = place.newer_ = nullptr;
        bytes_ -= place.previous_.frame.memory_bytes();
        return std::exchange(place.previous_, {});
    }

    Place ends_;  // Of a circular list: its `newer_` is the oldest.
    std::uint64_t bytes_ = 0;
};

}  // namespace ringcast::hub

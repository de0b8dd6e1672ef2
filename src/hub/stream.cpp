#include "hub/stream.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "base/assert.hpp"

namespace ringcast::hub {

/// A ring of places that grows up to what the limits ask for. Its timer says when the oldest
/// publication is too old.
struct Stream::Kept : Timer {
    explicit Kept(const StreamLimits& stream_limits) noexcept : limits{stream_limits} {}

    [[nodiscard]] StoredPublication& at(std::uint32_t index) noexcept {
        return places[(oldest + index) & (places.size() - 1)];
    }
    void grow() {
        std::vector<StoredPublication> larger(
            std::max<std::size_t>(4, std::bit_ceil(std::size_t{count} + 1)));
        for (std::uint32_t i = 0; i < count; ++i) larger[i] = at(i);
        places = std::move(larger);
        oldest = 0;
    }

    const StreamLimits limits;
    std::vector<StoredPublication> places;  // A power of two.
    std::uint32_t oldest = 0, count = 0;
    Kept* older = nullptr;  // In the order of last publications, while it keeps some.
    Kept* newer = nullptr;
    std::uint64_t version = 0;  // Of the newest publication that had one; 0: none had.
    std::string version_epoch;
};

Stream::Stream(Epoch epoch, const StreamLimits& limits) : epoch_{epoch} {
    if (limits.count_max > 0) kept_ = std::make_unique<Kept>(limits);
}

Stream::~Stream() {
    if (kept_ == nullptr) return;
    for (std::uint32_t i = 0; i < kept_->count; ++i) kept_->at(i).payload->release();
}

std::uint32_t Stream::count() const noexcept {
    return kept_ == nullptr ? 0 : kept_->count;
}

bool Stream::is_newest_enough() const noexcept {
    return kept_ != nullptr && kept_->limits.is_newest_enough;
}

bool Stream::has_seen(const PublicationVersion& version) const noexcept {
    if (kept_ == nullptr || version.number == 0) return false;
    const bool is_comparable =
        version.epoch.empty() || version.epoch == std::string_view{kept_->version_epoch};
    return is_comparable && version.number <= kept_->version;
}

const StoredPublication& Stream::at(std::uint64_t offset) const noexcept {
    RC_ASSERT(offset >= first() && offset <= top_);
    return kept_->at(static_cast<std::uint32_t>(offset - first()));
}

namespace {

std::uint64_t bytes_of(const StoredPublication& stored) noexcept {
    return sizeof stored + stored.payload->memory_bytes();
}

}  // namespace

std::uint64_t History::append(Stream& stream, SharedPayload& payload, PublicationKind kind,
                              Instant now) {
    Kept& kept = *stream.kept_;
    if (kept.count == kept.limits.count_max) drop_oldest(kept);
    if (kept.count == kept.places.size()) kept.grow();
    kept.at(kept.count) = {.payload = &payload, .stored_at = now, .kind = kind};
    ++kept.count;
    ++count_;
    bytes_ += bytes_of(kept.at(kept.count - 1));
    if (kept.count > 1) unlink(kept);
    link(kept);
    if (!kept.is_scheduled()) due_.schedule(kept, now + kept.limits.age_max);
    fit();
    return ++stream.top_;
}

void History::note(Stream& stream, const PublicationVersion& version) {
    RC_ASSERT(stream.keeps());
    RC_ASSERT(version.epoch.size() <= PublicationVersion::epoch_bytes_max);
    if (version.number == 0) return;
    stream.kept_->version = version.number;
    stream.kept_->version_epoch = version.epoch;
}

void History::clear(Stream& stream) noexcept {
    if (stream.count() > 0) drop_all(*stream.kept_);
}

void History::expire(Instant now, std::size_t count_max) noexcept {
    while (count_max-- > 0) {
        Timer* const timer = due_.pop_expired(now);
        if (timer == nullptr) return;
        Kept& kept = static_cast<Kept&>(*timer);
        while (kept.count > 0 && now - kept.at(0).stored_at >= kept.limits.age_max)
            drop_oldest(kept);
        if (kept.count > 0) due_.schedule(kept, kept.at(0).stored_at + kept.limits.age_max);
    }
}

void History::drop_oldest(Kept& kept) noexcept {
    const StoredPublication stored = kept.at(0);
    kept.oldest = (kept.oldest + 1) & static_cast<std::uint32_t>(kept.places.size() - 1);
    --kept.count;
    --count_;
    bytes_ -= bytes_of(stored);
    stored.payload->release();
    if (kept.count > 0) return;
    unlink(kept);
    due_.cancel(kept);
}

/// Its memory, too.
void History::drop_all(Kept& kept) noexcept {
    while (kept.count > 0) drop_oldest(kept);
    kept.places = {};
    kept.oldest = 0;
}

void History::fit() noexcept {
    while (bytes_ > bytes_max_) {
        Kept& kept = *longest_ago_;
        evictions_ += &kept == just_now_ ? 1 : kept.count;
        &kept == just_now_ ? drop_oldest(kept) : drop_all(kept);
    }
}

void History::link(Kept& kept) noexcept {
    kept.older = just_now_;
    kept.newer = nullptr;
    (just_now_ == nullptr ? longest_ago_ : just_now_->newer) = &kept;
    just_now_ = &kept;
}

void History::unlink(Kept& kept) noexcept {
    (kept.older == nullptr ? longest_ago_ : kept.older->newer) = kept.newer;
    (kept.newer == nullptr ? just_now_ : kept.newer->older) = kept.older;
    kept.older = kept.newer = nullptr;
}

}  // namespace ringcast::hub

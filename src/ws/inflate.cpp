#include "ws/inflate.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <zlib.h>

#include "base/assert.hpp"
#include "ws/zlib_memory.hpp"

namespace ringcast::ws {

namespace {

constexpr int raw = -1;  // Times window bits: DEFLATE without zlib's header and trailer.

/// zlib's deflate knows no window of 256 bytes; what clients that agreed on one send may be meant
/// for 512.
int zlib_window_bits(std::uint8_t window_bits) noexcept {
    return raw * std::max<int>(window_bits, 9);
}

}  // namespace

struct Inflater::Stream {
    explicit Stream(std::size_t& total_bytes) noexcept : memory{total_bytes} {
        zlib.zalloc = ZlibMemory::allocate;
        zlib.zfree = ZlibMemory::release;
        zlib.opaque = &memory;
        const int result = inflateInit2(&zlib, zlib_window_bits(window_bits_max));
        RC_ASSERT(result == Z_OK);
    }
    ~Stream() { inflateEnd(&zlib); }

    ZlibMemory memory;
    z_stream zlib{};
    bool is_between_blocks = true;  // The input so far ends with a block, and at an octet's end.
};

Inflater::Inflater(std::size_t& total_bytes) : stream_{std::make_unique<Stream>(total_bytes)} {}
Inflater::~Inflater() = default;

void Inflater::restart(std::uint8_t window_bits) noexcept {
    const int result = inflateReset2(&stream_->zlib, zlib_window_bits(window_bits));
    RC_ASSERT(result == Z_OK);
    stream_->is_between_blocks = true;
}

Inflater::Step Inflater::inflate(std::span<const std::byte> input,
                                 std::span<std::byte> room) noexcept {
    constexpr std::size_t size_max = std::numeric_limits<uInt>::max();
    RC_ASSERT(input.size() <= size_max);
    z_stream& zlib = stream_->zlib;
    const auto room_bytes = static_cast<uInt>(std::min(room.size(), size_max));
    // zlib's input is not const, but is not written to.
    zlib.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    zlib.avail_in = static_cast<uInt>(input.size());
    zlib.next_out = reinterpret_cast<Bytef*>(room.data());
    zlib.avail_out = room_bytes;
    bool is_valid = true;
    for (bool goes_on = true; goes_on;) {
        const int result = ::inflate(&zlib, Z_SYNC_FLUSH);
        switch (result) {
            case Z_OK:
            case Z_BUF_ERROR:  // Nothing to do; not an error.
                // Bits not used yet, 64 in the last block, 128 between blocks.
                stream_->is_between_blocks = (zlib.data_type & 0xff) == 128;
                goes_on = false;
                break;
            case Z_STREAM_END:
                // Behind a final block. This reset keeps the window, in constant time: messages of
                // nothing but final blocks must not cost a copy of it for each.
                inflateResetKeep(&zlib);
                stream_->is_between_blocks = true;
                goes_on = zlib.avail_in > 0 && zlib.avail_out > 0;
                break;
            default:
                RC_ASSERT(result == Z_DATA_ERROR);  // Anything else would be misuse.
                is_valid = goes_on = false;
                break;
        }
    }
    return {.consumed = input.size() - zlib.avail_in,
            .produced = room_bytes - zlib.avail_out,
            .is_valid = is_valid};
}

bool Inflater::end_message() noexcept {
    constexpr std::array tail{std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};
    // If they produce anything they were taken for data: the message is cut short.
    std::array<std::byte, 1> beyond;
    const Step step = inflate(tail, beyond);
    return step.is_valid && step.consumed == tail.size() && step.produced == 0 &&
           stream_->is_between_blocks;
}

std::size_t Inflater::memory_bytes() const noexcept {
    return stream_->memory.bytes();
}

std::size_t Inflater::memory_bytes_max(std::uint8_t window_bits) noexcept {
    constexpr std::size_t state_bytes = 7 << 10;
    return state_bytes + (std::size_t{1} << std::max<int>(window_bits, 9));
}

Inflaters::Inflaters(std::size_t idle_max) : idle_max_{idle_max} {
    idle_.reserve(idle_max);
}

Inflaters::~Inflaters() {
    RC_ASSERT(taken_count_ == 0);
    idle_.clear();
    RC_ASSERT(memory_bytes_ == 0);
}

std::unique_ptr<Inflater> Inflaters::take(std::uint8_t window_bits) {
    std::unique_ptr<Inflater> inflater;
    if (idle_.empty()) {
        inflater = std::make_unique<Inflater>(memory_bytes_);
    } else {
        inflater = std::move(idle_.back());
        idle_.pop_back();
    }
    inflater->restart(window_bits);
    ++taken_count_;
    return inflater;
}

void Inflaters::give_back(std::unique_ptr<Inflater> inflater) noexcept {
    RC_ASSERT(inflater != nullptr);
    RC_ASSERT(taken_count_ > 0);
    --taken_count_;
    if (idle_.size() < idle_max_) idle_.push_back(std::move(inflater));
}

Inflation::Inflation(Inflaters& inflaters, const DeflateParameters& agreed) noexcept
    : inflaters_{inflaters},
      window_bits_{agreed.client_window_bits()},
      keeps_context_{!agreed.client_no_context_takeover} {
    // One that lives for a message only is the next one's soon, whatever was agreed there.
    if (!keeps_context_) window_bits_ = window_bits_max;
}

Inflation::~Inflation() {
    if (inflater_) inflaters_.give_back(std::move(inflater_));
}

bool Inflation::announce(std::uint64_t payload_bytes, std::uint64_t message_bytes_max) noexcept {
    // A client that flushes after each octet needs seven for one.
    constexpr std::uint64_t expansion_max = 8, constant_max = 1 << 10;
    constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t bytes_max = message_bytes_max < (all - constant_max) / expansion_max
                                        ? message_bytes_max * expansion_max + constant_max
                                        : all;
    if (announced_bytes_ > bytes_max || payload_bytes > bytes_max - announced_bytes_) return false;
    announced_bytes_ += payload_bytes;
    return true;
}

Inflater::Step Inflation::inflate(std::span<const std::byte> input, std::span<std::byte> room) {
    const Inflater::Step step = inflater().inflate(input, room);
    received_bytes_ += step.consumed;
    inflaters_.counts_.payload_bytes += step.consumed;
    inflaters_.counts_.message_bytes += step.produced;
    return step;
}

bool Inflation::end_message() {
    const bool is_whole = inflater().end_message();
    announced_bytes_ = received_bytes_ = 0;
    ++inflaters_.counts_.messages;
    if (!keeps_context_) inflaters_.give_back(std::move(inflater_));
    return is_whole;
}

Inflater& Inflation::inflater() {
    if (!inflater_) inflater_ = inflaters_.take(window_bits_);
    return *inflater_;
}

}  // namespace ringcast::ws

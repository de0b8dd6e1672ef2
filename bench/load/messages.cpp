#include "messages.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <string_view>

#include "base/assert.hpp"
#include "simd/mask.hpp"

namespace ringcast::bench {

namespace {

/// Enough different messages to tell neighbours apart, few enough that both directions stay in the
/// client's cache.
constexpr std::size_t cycle_bytes_wanted = 64 * 1024;
constexpr std::size_t cycle_count_min = 2;
constexpr std::size_t cycle_count_max = 64;

constexpr std::string_view alphabet =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .";
static_assert(alphabet.size() == 64);

/// Letters for text messages (always valid UTF-8), any byte for binary ones.
std::byte payload_byte(ws::Opcode opcode, std::mt19937_64& random) {
    const std::uint64_t value = random() >> 56U;
    return std::byte(opcode == ws::Opcode::text ? static_cast<unsigned char>(alphabet[value % 64])
                                                : static_cast<unsigned char>(value));
}

}  // namespace

Messages::Messages(ws::Opcode opcode, std::size_t payload_bytes, std::size_t burst_max)
    : opcode_(opcode),
      payload_bytes_(payload_bytes),
      cycle_count_(std::clamp(cycle_bytes_wanted / std::max<std::size_t>(payload_bytes, 1),
                              cycle_count_min, cycle_count_max)),
      reply_header_bytes_(ws::server_header_bytes(payload_bytes)),
      reply_bytes_(reply_header_bytes_ + payload_bytes) {
    std::mt19937_64 random(
        1);  // The same messages in every run: runs are compared with each other.
    for (std::size_t index = 0; index < cycle_count_; ++index) {
        const std::size_t reply_start = replies_.size();
        replies_.resize(reply_start + reply_bytes_);
        const std::span payload =
            std::span(replies_).subspan(reply_start + reply_header_bytes_, payload_bytes);
        for (std::byte& byte : payload) byte = payload_byte(opcode, random);
        ws::write_header_before(replies_.data() + reply_start + reply_header_bytes_, opcode,
                                payload_bytes);

        simd::MaskKey key{};
        for (std::byte& byte : key) byte = std::byte(random() & 0xffU);
        std::array<std::byte, ws::client_header_bytes_max> header{};
        const ws::FrameHeader fields{
            .opcode = opcode, .fin = true, .payload_bytes = payload_bytes, .key = key};
        const std::size_t header_bytes = ws::write_header(header.data(), fields, &key);
        request_bytes_ = header_bytes + payload_bytes;
        const std::size_t request_start = requests_.size();
        requests_.resize(request_start + request_bytes_);
        std::copy_n(header.begin(), header_bytes,
                    requests_.begin() + static_cast<std::ptrdiff_t>(request_start));
        simd::mask_copy(requests_.data() + request_start + header_bytes, payload, key);
    }
    // One frame less than a burst may follow the last frame of the cycle.
    const std::size_t tail_frames = burst_max - 1;
    requests_.resize((cycle_count_ + tail_frames) * request_bytes_);
    for (std::size_t frame = 0; frame < tail_frames; ++frame) {
        std::copy_n(requests_.data() + (frame % cycle_count_) * request_bytes_, request_bytes_,
                    requests_.data() + (cycle_count_ + frame) * request_bytes_);
    }
}

std::span<const std::byte> Messages::requests(std::size_t index, std::size_t count) const noexcept {
    RC_ASSERT(index < cycle_count_);
    return std::span(requests_).subspan(index * request_bytes_, count * request_bytes_);
}

std::span<const std::byte> Messages::reply(std::size_t index) const noexcept {
    RC_ASSERT(index < cycle_count_);
    return std::span(replies_).subspan(index * reply_bytes_, reply_bytes_);
}

}  // namespace ringcast::bench

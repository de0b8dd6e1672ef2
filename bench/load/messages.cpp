#include "messages.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/core.h>
#include <random>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "message_reader.hpp"
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
void fill_with_noise(std::span<std::byte> payload, ws::Opcode opcode, std::mt19937_64& random) {
    for (std::byte& byte : payload) {
        const std::uint64_t value = random() >> 56U;
        byte =
            std::byte(opcode == ws::Opcode::text ? static_cast<unsigned char>(alphabet[value % 64])
                                                 : static_cast<unsigned char>(value));
    }
}

/// What services send: the same names again and again, and different numbers.
void fill_with_records(std::span<std::byte> payload, std::mt19937_64& random) {
    std::string records;
    while (records.size() < payload.size()) {
        records += fmt::format(R"({{"symbol":"{:c}{:c}{:c}","bid":{}.{:02},"size":{}}},)",
                               static_cast<char>('A' + random() % 26),
                               static_cast<char>('A' + random() % 26),
                               static_cast<char>('A' + random() % 26), random() % 500,
                               random() % 100, 100 * (1 + random() % 9));
    }
    std::memcpy(payload.data(), records.data(), payload.size());
}

/// A masked frame at the end of `frames`.
void append_request(ws::Opcode opcode, bool is_compressed, std::span<const std::byte> payload,
                    std::mt19937_64& random, std::vector<std::byte>& frames) {
    simd::MaskKey key{};
    for (std::byte& byte : key) byte = std::byte(random() & 0xffU);
    const std::size_t start = frames.size();
    frames.resize(start + ws::client_header_bytes_max + payload.size());
    const ws::FrameHeader fields{
        .opcode = opcode, .fin = true, .payload_bytes = payload.size(), .key = key};
    const std::size_t header_bytes = ws::write_header(frames.data() + start, fields, &key);
    if (is_compressed) frames[start] |= std::byte{0x40};  // RSV1
    simd::mask_copy(frames.data() + start + header_bytes, payload, key);
    frames.resize(start + header_bytes + payload.size());
}

}  // namespace

Messages::Messages(ws::Opcode opcode, std::size_t payload_bytes, std::size_t burst_max,
                   Compression compression, Echoer echoer)
    : opcode_(opcode),
      payload_bytes_(payload_bytes),
      compression_(compression),
      echoer_(echoer),
      cycle_count_(std::clamp(cycle_bytes_wanted / std::max<std::size_t>(payload_bytes, 1),
                              cycle_count_min, cycle_count_max)),
      request_starts_{0},
      reply_header_bytes_(ws::server_header_bytes(payload_bytes)),
      reply_bytes_(reply_header_bytes_ + payload_bytes) {
    std::mt19937_64 random(
        1);  // The same messages in every run: runs are compared with each other.
    for (std::size_t index = 0; index < cycle_count_; ++index) {
        const std::size_t reply_start = replies_.size();
        replies_.resize(reply_start + reply_bytes_);
        const std::span payload =
            std::span(replies_).subspan(reply_start + reply_header_bytes_, payload_bytes);
        if (compression == Compression::off) {
            fill_with_noise(payload, opcode, random);
        } else {
            fill_with_records(payload, random);
        }
        ws::write_header_before(replies_.data() + reply_start + reply_header_bytes_, opcode,
                                payload_bytes);
        const auto compressed =
            compression == Compression::off ? std::vector<std::byte>{} : deflate_message(payload);
        const bool is_compressed = !compressed.empty();
        if (echoer == Echoer::mirror) {
            requests_.insert(requests_.end(),
                             replies_.end() - static_cast<std::ptrdiff_t>(reply_bytes_),
                             replies_.end());
        } else {
            append_request(opcode, is_compressed,
                           is_compressed ? std::span<const std::byte>{compressed} : payload, random,
                           requests_);
        }
        request_starts_.push_back(requests_.size());
    }
    requests_.reserve(requests_.size() + burst_max * (payload_bytes + ws::client_header_bytes_max));
    // One frame less than a burst may follow the last frame of the cycle.
    for (std::size_t frame = 0; frame + 1 < burst_max; ++frame) {
        const std::size_t start = request_starts_[frame % cycle_count_];
        const std::size_t size = request_starts_[frame % cycle_count_ + 1] - start;
        requests_.resize(requests_.size() + size);
        std::memcpy(requests_.data() + requests_.size() - size, requests_.data() + start, size);
        request_starts_.push_back(requests_.size());
    }
}

std::span<const std::byte> Messages::requests(std::size_t index, std::size_t count) const noexcept {
    RC_ASSERT(index < cycle_count_);
    const std::size_t start = request_starts_[index];
    return std::span(requests_).subspan(start, request_starts_[index + count] - start);
}

void Messages::append_question(std::vector<std::byte>& frames) const {
    constexpr std::array text = end_question;
    if (echoer_ == Echoer::server) return append_frame(ws::Opcode::ping, text, frames);
    constexpr std::array pong_header{std::byte{0x8a}, std::byte{text.size()}};
    frames.insert(frames.end(), pong_header.begin(), pong_header.end());
    frames.insert(frames.end(), text.begin(), text.end());
}

std::span<const std::byte> Messages::reply(std::size_t index) const noexcept {
    RC_ASSERT(index < cycle_count_);
    return std::span(replies_).subspan(index * reply_bytes_, reply_bytes_);
}

}  // namespace ringcast::bench

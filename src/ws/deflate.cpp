#include "ws/deflate.hpp"

#include <algorithm>
#include <libdeflate.h>
#include <limits>
#include <zlib.h>

#include "base/assert.hpp"
#include "ws/open_end.hpp"
#include "ws/zlib_memory.hpp"

namespace ringcast::ws {

namespace {

// The four octets that a flush ends with and a payload lacks (RFC 7692 section 7.2.1).
constexpr std::size_t tail_bytes = 4;

// zlib knows no window of 256 bytes. But it never refers farther back than its window less 262, so
// that what it writes with one of 512 is legal for both.
constexpr std::uint8_t zlib_window_bits_min = Deflaters::window_class_min;

// Messages up to here get small tables, which are quicker to clear: 1.0 us less at 256 bytes.
constexpr std::size_t small_message_bytes_max = 4 << 10;
constexpr std::uint8_t small_window_bits = 12, small_memory_level = 5;
constexpr std::uint8_t large_memory_level = 8;

// Where libdeflate is quicker: below, to clear its tables takes longer than all that zlib does;
// above, and at other levels, it may write several blocks.
constexpr std::uint8_t at_once_level = 1;
// Beyond 512 octets none goes to the window class of 9 bits, which has clients with 8, too.
constexpr std::size_t at_once_bytes_min = (1 << zlib_window_bits_min) + 1;
constexpr std::size_t at_once_bytes_max = 65535;

}  // namespace

struct Deflater::Stream {
    Stream(const Settings& settings, std::size_t& total_bytes) noexcept : memory{total_bytes} {
        zlib.zalloc = ZlibMemory::allocate;
        zlib.zfree = ZlibMemory::release;
        zlib.opaque = &memory;
        RC_ASSERT(settings.window_bits >= window_bits_min);
        const int window_bits = std::max(settings.window_bits, zlib_window_bits_min);
        const int result = deflateInit2(&zlib, settings.level, Z_DEFLATED, -window_bits,
                                        settings.memory_level, Z_DEFAULT_STRATEGY);
        RC_ASSERT(result == Z_OK);
    }
    ~Stream() { deflateEnd(&zlib); }

    ZlibMemory memory;
    z_stream zlib{};
};

Deflater::Deflater(const Settings& settings, std::size_t& total_bytes)
    : stream_{std::make_unique<Stream>(settings, total_bytes)} {}
Deflater::~Deflater() = default;

std::size_t Deflater::deflate(std::span<const std::byte> message,
                              std::span<std::byte> target) noexcept {
    constexpr std::size_t size_max = std::numeric_limits<uInt>::max() - tail_bytes;
    if (message.empty()) return 0;
    if (message.size() > size_max) return restart(), 0;
    z_stream& zlib = stream_->zlib;
    // With no more room than that, whatever fits is smaller than the message.
    const auto room_bytes = static_cast<uInt>(std::min(target.size(), message.size() + tail_bytes));
    // zlib's input is not const, but is not written to.
    zlib.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(message.data()));
    zlib.avail_in = static_cast<uInt>(message.size());
    zlib.next_out = reinterpret_cast<Bytef*>(target.data());
    zlib.avail_out = room_bytes;
    const int result = ::deflate(&zlib, Z_SYNC_FLUSH);
    // Without room, or with the last of it used, something may be missing.
    if (zlib.avail_out == 0) return restart(), 0;
    RC_ASSERT(result == Z_OK);
    RC_ASSERT(zlib.avail_in == 0);
    const std::size_t written = room_bytes - zlib.avail_out;
    RC_ASSERT(written > tail_bytes && target[written - 1] == std::byte{0xff});
    return written - tail_bytes;
}

void Deflater::restart() noexcept {
    const int result = deflateReset(&stream_->zlib);
    RC_ASSERT(result == Z_OK);
}

std::size_t Deflater::memory_bytes() const noexcept {
    return stream_->memory.bytes();
}

Deflaters::~Deflaters() {
    RC_ASSERT(dedicated_bytes_ == 0 && reserved_bytes_ == 0);
}

std::uint8_t Deflaters::window_class(std::uint8_t window_bits, std::size_t message_bytes) noexcept {
    RC_ASSERT(window_bits >= window_bits_min && window_bits <= window_bits_max);
    const std::uint8_t useful =
        message_bytes <= small_message_bytes_max ? small_window_bits : window_bits_max;
    return std::clamp(window_bits, zlib_window_bits_min, useful);
}

std::size_t Deflaters::deflate(std::span<const std::byte> message, std::span<std::byte> target,
                               std::uint8_t window_bits) {
    const bool is_small = message.size() <= small_message_bytes_max;
    const std::uint8_t window = window_class(window_bits, message.size());
    if (const auto size = deflate_at_once(message, target, window))
        return count(message.size(), *size);
    std::unique_ptr<Deflater>& deflater =
        shared_[is_small ? 0 : 1][static_cast<std::size_t>(window - zlib_window_bits_min)];
    if (!deflater) {
        deflater = std::make_unique<Deflater>(
            Deflater::Settings{.window_bits = window,
                               .memory_level = is_small ? small_memory_level : large_memory_level,
                               .level = settings_.level},
            shared_bytes_);
    } else {
        deflater->restart();
    }
    return count(message.size(), deflater->deflate(message, target));
}

/// Returns the size of the payload that a message has been compressed to.
std::size_t Deflaters::count(std::size_t message_bytes, std::size_t payload_bytes) noexcept {
    ++counts_.messages;
    counts_.message_bytes += message_bytes;
    counts_.payload_bytes += payload_bytes;
    return payload_bytes;
}

void Deflaters::FreeLibdeflate::operator()(libdeflate_compressor* compressor) const noexcept {
    libdeflate_free_compressor(compressor);
}

std::optional<std::size_t> Deflaters::deflate_at_once(std::span<const std::byte> message,
                                                      std::span<std::byte> target,
                                                      std::uint8_t window_bits) {
    if (settings_.level != at_once_level || message.size() < at_once_bytes_min ||
        message.size() > at_once_bytes_max)
        return std::nullopt;
    // It refers as far back as the message goes, up to 32 KiB.
    if (window_bits < window_bits_max && message.size() > std::size_t{1} << window_bits)
        return std::nullopt;
    if (!at_once_) {
        at_once_.reset(libdeflate_alloc_compressor(at_once_level));
        RC_ASSERT(at_once_ != nullptr);
    }
    // With one octet more it must still be smaller than the message.
    const std::span<std::byte> room = target.first(std::min(target.size(), message.size() - 1));
    if (room.size() < 2) return 0;
    const std::size_t size = libdeflate_deflate_compress(
        at_once_.get(), message.data(), message.size(), room.data(), room.size() - 1);
    if (size == 0) return 0;
    const std::size_t payload_bytes = open_end(room, size);
    return payload_bytes == 0 ? std::nullopt : std::optional{payload_bytes};
}

std::unique_ptr<Deflater> Deflaters::make_dedicated(std::uint8_t window_bits) {
    const Deflater::Settings settings{.window_bits = window_bits,
                                      .memory_level = settings_.dedicated_memory_level,
                                      .level = settings_.level};
    if (!has_room(dedicated_bytes_of(window_bits))) return nullptr;
    return std::make_unique<Deflater>(settings, dedicated_bytes_);
}

std::size_t Deflaters::dedicated_bytes_of(std::uint8_t window_bits) const noexcept {
    // As zlib's manual has it: the window twice, with links, and the tables; and its state.
    return (std::size_t{1} << (std::max(window_bits, zlib_window_bits_min) + 2)) +
           (std::size_t{1} << (settings_.dedicated_memory_level + 9)) + (8u << 10);
}

bool Deflaters::has_room(std::size_t bytes) const noexcept {
    const std::size_t used_bytes = dedicated_bytes_ + reserved_bytes_;
    return used_bytes <= settings_.dedicated_bytes_max &&
           bytes <= settings_.dedicated_bytes_max - used_bytes;
}

std::size_t Deflation::deflate(std::span<const std::byte> message, std::span<std::byte> target) {
    if (keeps_context_ && !deflater_) {
        deflater_ = deflaters_.make_dedicated(window_bits_);
        must_restart_ = false;
    }
    if (!deflater_) return deflaters_.deflate(message, target, window_bits_);
    if (must_restart_) {
        deflater_->restart();
        must_restart_ = false;
    }
    return deflaters_.count(message.size(), deflater_->deflate(message, target));
}

}  // namespace ringcast::ws

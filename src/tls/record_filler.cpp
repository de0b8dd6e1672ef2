#include "tls/record_filler.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ringcast::tls {

bool RecordFiller::append(std::span<const std::byte> piece) {
    while (!piece.empty()) {
        if (size_ == 0 && piece.size() >= record_bytes_max) {
            const std::size_t whole = piece.size() - piece.size() % record_bytes_max;
            if (!stream_.write(piece.first(whole), output_)) return false;
            piece = piece.subspan(whole);
        } else {
            const std::size_t taken = std::min(piece.size(), record_bytes_max - size_);
            std::memcpy(record_.data() + size_, piece.data(), taken);
            size_ += taken;
            piece = piece.subspan(taken);
            if (size_ == record_bytes_max && !finish()) return false;
        }
    }
    return true;
}

bool RecordFiller::finish() {
    return stream_.write(std::span{record_}.first(std::exchange(size_, 0)), output_);
}

}  // namespace ringcast::tls

#pragma once
// Descriptors that are worth a look, in ascending order: a bit each, so that a ring with a hundred
// thousand idle connections does not look at all of them whenever something happens to one.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringcast::sim {

class DescriptorSet {
public:
    void insert(int fd) {
        if (word_of(fd) >= words_.size()) words_.resize(word_of(fd) + 1);
        words_[word_of(fd)] |= bit_of(fd);
    }
    void erase(int fd) noexcept { words_[word_of(fd)] &= ~bit_of(fd); }
    /// The first one that is no less than `fd`; -1 if there is none.
    [[nodiscard]] int next(int fd) const noexcept {
        std::size_t index = word_of(fd);
        if (index >= words_.size()) return -1;
        std::uint64_t rest = words_[index] & ~(bit_of(fd) - 1);
        while (rest == 0) {
            if (++index == words_.size()) return -1;
            rest = words_[index];
        }
        return static_cast<int>(64 * index) + std::countr_zero(rest);
    }

private:
    static std::size_t word_of(int fd) noexcept { return static_cast<std::size_t>(fd) / 64; }
    static std::uint64_t bit_of(int fd) noexcept {
        return std::uint64_t{1} << (static_cast<std::size_t>(fd) % 64);
    }

    std::vector<std::uint64_t> words_;
};

}  // namespace ringcast::sim

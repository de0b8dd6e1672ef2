#pragma once
// Reads a delta of the Fossil format, one rule after the other, as a client does.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringcast::test {

class FossilReader {
public:
    FossilReader(std::string_view source, std::string_view delta) : source_(source), rest_(delta) {}

    /// The target; nothing if the delta is malformed or not for that source.
    std::optional<std::string> read() {
        const auto size = number();
        if (!size || !take('\n')) return std::nullopt;
        std::string target;
        for (;;) {
            const auto count = number();
            if (!count) return std::nullopt;
            if (take('@')) {
                const auto offset = number();
                if (!offset || !take(',') || *offset + *count > source_.size()) return std::nullopt;
                target += source_.substr(*offset, *count);
                ++copies;
            } else if (take(':')) {
                if (*count > rest_.size()) return std::nullopt;
                target += rest_.substr(0, *count);
                rest_.remove_prefix(*count);
                octets_brought += *count;
            } else {
                const bool is_good = take(';') && rest_.empty() && target.size() == *size &&
                                     *count == checksum(target);
                return is_good ? std::optional{target} : std::nullopt;
            }
        }
    }

    std::size_t copies = 0;
    std::size_t octets_brought = 0;

private:
    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::optional<std::uint64_t> number() {
        constexpr std::string_view digits =
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
        std::uint64_t value = 0;
        std::size_t count = 0;
        while (!rest_.empty() && digits.find(rest_.front()) != std::string_view::npos) {
            value = value * 64 + digits.find(rest_.front());
            rest_.remove_prefix(1);
            ++count;
        }
        if (count == 0 || count > 6) return std::nullopt;
        return value;
    }
    static std::uint64_t checksum(std::string text) {
        while (text.size() % 4 != 0) text += '\0';
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < text.size(); i += 4) {
            std::uint64_t word = 0;
            for (std::size_t k = 0; k < 4; ++k)
                word = word * 256 + static_cast<unsigned char>(text[i + k]);
            sum = (sum + word) % 4294967296;
        }
        return sum;
    }

    std::string_view source_;
    std::string_view rest_;
};

}  // namespace ringcast::test

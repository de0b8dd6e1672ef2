#include "dialect/centrifuge/channel_pattern.hpp"

#include <cstddef>

namespace ringcast::dialect::centrifuge {

namespace {

constexpr std::size_t pattern_bytes_max = 255;

/// Bytes of the character that `text` begins with.
std::size_t character_bytes(std::string_view text) noexcept {
    std::size_t bytes = 1;
    while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) ++bytes;
    return bytes;
}

}  // namespace

bool is_channel_pattern(std::string_view text) noexcept {
    return text.size() <= pattern_bytes_max &&
           text.find_first_of("[]{}\\") == std::string_view::npos;
}

bool matches_pattern(std::string_view name, std::string_view pattern) noexcept {
    if (pattern.empty()) return true;
    // Where to go on when the rest does not match: the last `*` takes one character more. Those
    // before it never have to, since whatever they could leave to it, it can take itself.
    std::string_view pattern_behind_star;
    std::string_view name_behind_star;
    bool has_star = false;
    while (!name.empty()) {
        if (pattern.starts_with('*')) {
            pattern.remove_prefix(1);
            has_star = true;
            pattern_behind_star = pattern;
            name_behind_star = name;
        } else if (pattern.starts_with('?')) {
            pattern.remove_prefix(1);
            name.remove_prefix(character_bytes(name));
        } else if (pattern.starts_with(name.front())) {
            pattern.remove_prefix(1);
            name.remove_prefix(1);
        } else if (has_star) {
            name_behind_star.remove_prefix(character_bytes(name_behind_star));
            name = name_behind_star;
            pattern = pattern_behind_star;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*') == std::string_view::npos;
}

}  // namespace ringcast::dialect::centrifuge

#include "dialect/topic_name.hpp"

#include <span>

#include "base/bytes.hpp"
#include "ringcast/topic.hpp"
#include "simd/utf8.hpp"

namespace ringcast::dialect {

namespace {

/// C0 and DEL; and C1, which are two bytes in UTF-8: C2 80 to C2 9F.
bool has_control_character(std::string_view name) noexcept {
    unsigned char before = 0;
    for (const char c : name) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet < 0x20 || octet == 0x7f) return true;
        if (before == 0xc2 && octet < 0xa0) return true;
        before = octet;
    }
    return false;
}

}  // namespace

TopicNameFault check_topic_name(std::string_view name) noexcept {
    if (name.empty()) return TopicNameFault::empty;
    if (name.size() > topic_bytes_max) return TopicNameFault::too_long;
    if (!simd::is_utf8(as_bytes(name))) return TopicNameFault::not_utf8;
    if (has_control_character(name)) return TopicNameFault::control_character;
    if (name.front() == '$' || name.front() == '#' || name.contains(':'))
        return TopicNameFault::reserved;
    return TopicNameFault::none;
}

std::string_view to_string(TopicNameFault fault) noexcept {
    switch (fault) {
        case TopicNameFault::none: return "";
        case TopicNameFault::empty: return "a topic needs a name\n";
        case TopicNameFault::too_long: return "the name of a topic has at most 255 bytes\n";
        case TopicNameFault::not_utf8: return "the name of a topic must be valid UTF-8\n";
        case TopicNameFault::control_character:
            return "the name of a topic must have no control characters\n";
        case TopicNameFault::reserved:
            return "names of topics with ':' or beginning with '$' or '#' are reserved\n";
        case TopicNameFault::unknown_namespace:
            return "there is no such namespace: names of topics with ':' begin with one\n";
    }
    return "";
}

}  // namespace ringcast::dialect

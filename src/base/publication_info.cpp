#include "base/publication_info.hpp"

#include <algorithm>

namespace ringcast {

namespace {

using TagsBytes = std::uint16_t;
static_assert(sizeof(TagsBytes) == untagged.size());
static_assert(Tags::packed_bytes_max <= UINT16_MAX);

void append_number(std::string& packed, std::uint16_t number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    packed.append(bytes, sizeof bytes);
}

}  // namespace

bool Tags::are_valid(std::span<const Tag> tags) noexcept {
    if (tags.size() > count_max) return false;
    std::size_t bytes = 0;
    for (const auto& [name, value] : tags) {
        if (name.size() > name_bytes_max) return false;
        bytes += name.size() + value.size();
    }
    return bytes <= bytes_max;
}

std::string_view Tags::find(std::string_view name) const noexcept {
    std::string_view found;
    for_each([&](std::string_view each, std::string_view value) {
        if (each == name) found = value;
    });
    return found;
}

std::string pack(std::span<const Tag> tags) {
    RC_ASSERT(Tags::are_valid(tags));
    std::size_t bytes = tags.size() * Tags::head_bytes;
    for (const auto& [name, value] : tags) bytes += name.size() + value.size();
    std::string packed;
    packed.reserve(untagged.size() + bytes);
    append_number(packed, static_cast<TagsBytes>(bytes));
    for (const auto& [name, value] : tags) {
        packed += static_cast<char>(name.size());
        append_number(packed, static_cast<std::uint16_t>(value.size()));
        packed.append(name).append(value);
    }
    return packed;
}

PublicationInfo unpack_publication_info(std::span<const std::byte> packed) noexcept {
    if (packed.empty()) return {};
    TagsBytes tags_bytes;
    RC_ASSERT(packed.size() >= sizeof tags_bytes);
    std::memcpy(&tags_bytes, packed.data(), sizeof tags_bytes);
    const std::span<const std::byte> rest = packed.subspan(sizeof tags_bytes);
    RC_ASSERT(rest.size() >= tags_bytes);
    return {.tags = Tags{as_text(rest.first(tags_bytes))}, .client = rest.subspan(tags_bytes)};
}

}  // namespace ringcast

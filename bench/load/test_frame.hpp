#pragma once
// For tests: frames as servers send them.

#include <cstddef>
#include <doctest/doctest.h>
#include <string_view>
#include <vector>

namespace ringcast::bench {

/// An unmasked frame of less than 64 KiB; `first` is its first octet (RFC 6455 section 5.2).
inline std::vector<std::byte> server_frame(unsigned first, std::string_view text) {
    REQUIRE(text.size() < 65536);
    std::vector<std::byte> frame{std::byte(first)};
    if (text.size() < 126) {
        frame.push_back(std::byte(text.size()));
    } else {
        frame.push_back(std::byte{126});
        frame.push_back(std::byte(text.size() >> 8U));
        frame.push_back(std::byte(text.size() & 0xffU));
    }
    for (const char letter : text) frame.push_back(std::byte(letter));
    return frame;
}

}  // namespace ringcast::bench

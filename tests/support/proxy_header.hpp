#pragma once
// PROXY headers, written for tests.

#include <cstdint>
#include <string>
#include <string_view>

namespace ringcast::test {

/// Version 2, of that command and family octet, in front of `body`.
inline std::string binary_proxy_header(std::uint8_t command, std::uint8_t family,
                                       std::string_view body) {
    std::string header{"\r\n\r\n\0\r\nQUIT\n", 12};
    header += static_cast<char>(command);
    header += static_cast<char>(family);
    header += static_cast<char>(body.size() >> 8);
    header += static_cast<char>(body.size() & 0xff);
    return header.append(body);
}

}  // namespace ringcast::test

#include "dialect/centrifuge/output.hpp"

namespace ringcast::dialect::centrifuge {

char* write_base64(char* target, std::string_view octets) noexcept {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto octet = [&](std::size_t i) {
        return i < octets.size() ? static_cast<unsigned char>(octets[i]) : std::uint32_t{0};
    };
    std::size_t at = 0;
    for (; at < octets.size(); at += 3) {
        const std::uint32_t word = octet(at) << 16 | octet(at + 1) << 8 | octet(at + 2);
        for (int shift = 18; shift >= 0; shift -= 6) *target++ = digits[word >> shift & 0x3f];
    }
    for (; at > octets.size(); --at) *(target - (at - octets.size())) = '=';
    return target;
}

char* write_on_one_line(char* target, std::string_view json) noexcept {
    if (json.empty()) return target;
    std::memcpy(target, json.data(), json.size());
    char* const end = target + json.size();
    for (const char line_end : {'\n', '\r'}) {
        void* found = target;
        while ((found = std::memchr(found, line_end,
                                    static_cast<std::size_t>(end - static_cast<char*>(found)))))
            *static_cast<char*>(found) = ' ';
    }
    return end;
}

}  // namespace ringcast::dialect::centrifuge

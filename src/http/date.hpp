#pragma once
// The Date field (RFC 9110 section 6.6.1).

#include <array>
#include <cstdint>
#include <string_view>

namespace ringcast::http {

/// Seconds since 1970, leap seconds not counted.
using UnixSeconds = std::int64_t;

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7), written once for each second that it
/// is asked for. One thread's.
class DateText {
public:
    static constexpr std::size_t size = 29;

    /// Valid until the next call. Before 1970 and after the year 9999 time stands still.
    [[nodiscard]] std::string_view at(UnixSeconds seconds) noexcept;

private:
    void write(UnixSeconds seconds) noexcept;

    UnixSeconds seconds_ = INT64_MIN;
    std::array<char, size> text_{};
};

}  // namespace ringcast::http

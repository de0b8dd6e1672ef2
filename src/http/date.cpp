#include "http/date.hpp"

#include <algorithm>
#include <chrono>

namespace ringcast::http {

namespace {

/// 9999-12-31 23:59:59.
constexpr UnixSeconds seconds_max = 253'402'300'799;

constexpr std::string_view form = "---, -- --- ---- --:--:-- GMT";
constexpr std::string_view weekdays = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

void put_number(char* to, int digits, unsigned number) noexcept {
    for (char* digit = to + digits; digit != to; number /= 10)
        *--digit = static_cast<char>('0' + number % 10);
}

}  // namespace

std::string_view DateText::at(UnixSeconds seconds) noexcept {
    if (seconds != seconds_) write(std::clamp<UnixSeconds>(seconds, 0, seconds_max));
    seconds_ = seconds;
    return {text_.data(), size};
}

void DateText::write(UnixSeconds seconds) noexcept {
    using namespace std::chrono;
    const sys_seconds time{std::chrono::seconds{seconds}};
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss<std::chrono::seconds> clock{time - day};
    static_assert(form.size() == size);
    form.copy(text_.data(), size);
    weekdays.copy(text_.data(), 3, 3 * weekday{day}.c_encoding());
    put_number(&text_[5], 2, unsigned{date.day()});
    months.copy(&text_[8], 3, 3 * (unsigned{date.month()} - 1));
    put_number(&text_[12], 4, static_cast<unsigned>(int{date.year()}));
    put_number(&text_[17], 2, static_cast<unsigned>(clock.hours().count()));
    put_number(&text_[20], 2, static_cast<unsigned>(clock.minutes().count()));
    put_number(&text_[23], 2, static_cast<unsigned>(clock.seconds().count()));
}

}  // namespace ringcast::http

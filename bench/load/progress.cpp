#include "progress.hpp"

#include <chrono>
#include <cmath>
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

#include "text.hpp"

namespace ringcast::bench {

namespace {

constexpr std::chrono::seconds interval{1};
constexpr const char* erase_line = "\r\x1b[K";

std::size_t columns_of_terminal() {
    winsize size{};
    constexpr std::size_t usual = 80;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

}  // namespace

std::string rates_text(const std::vector<Count>& before, const std::vector<Count>& after,
                       double seconds) {
    std::string text;
    for (std::size_t index = 0; index < after.size(); ++index) {
        const auto done = static_cast<double>(after[index].count - before[index].count);
        if (!text.empty()) text += ", ";
        if (after.size() > 1) text += after[index].name + ' ';
        text += grouped(static_cast<std::uint64_t>(std::llround(done / seconds))) + ' ' +
                after[index].units;
    }
    return text + " per second";
}

Progress::Progress(Style style, std::FILE* stream, std::size_t columns)
    : style_(style), stream_(stream), columns_(columns) {}

Progress::Progress(Progress&& other) noexcept
    : style_(other.style_),
      stream_(other.stream_),
      columns_(other.columns_),
      part_(std::move(other.part_)),
      begun_(other.begun_),
      last_(other.last_),
      next_(other.next_),
      counts_(std::move(other.counts_)),
      is_shown_(std::exchange(other.is_shown_, false)) {}

Progress::~Progress() {
    if (!is_shown_ || style_ != Style::rewritten) return;
    std::fputs(erase_line, stream_);
    std::fflush(stream_);
}

Progress Progress::to_stderr(bool is_wanted) {
    if (isatty(STDERR_FILENO) != 0)
        return Progress(Style::rewritten, stderr, columns_of_terminal());
    return Progress(is_wanted ? Style::lines : Style::off);
}

void Progress::begin(std::string_view part, Clock::time_point now, std::vector<Count> counts) {
    if (style_ == Style::off) return;
    part_ = part;
    counts_ = std::move(counts);
    begun_ = last_ = now;
    next_ = now + interval;
}

void Progress::show(Clock::time_point now, const std::vector<Count>& counts, double seconds) {
    std::string text = fmt::format("{}, {:.0f} ", part_, seconds_between(begun_, now));
    text += seconds > 0 ? fmt::format("of {:.4g} s: ", seconds) : "s: ";
    write(now, text + rates_text(counts_, counts, seconds_between(last_, now)));
    counts_ = counts;
}

void Progress::show(Clock::time_point now, std::uint64_t done, std::uint64_t all) {
    write(now, fmt::format("{}: {} of {}", part_, grouped(done), grouped(all)));
}

void Progress::write(Clock::time_point now, std::string text) {
    last_ = now;
    next_ = now + interval;
    if (style_ == Style::rewritten) {
        text = erase_line + text.substr(0, columns_ - 1);  // In the last column a line may wrap.
    } else {
        text += '\n';
    }
    std::fputs(text.c_str(), stream_);
    std::fflush(stream_);
    is_shown_ = true;
}

}  // namespace ringcast::bench

#pragma once
// One line on standard error that says how far a run is, once per second: on a terminal it is
// written over again and erased at the end, elsewhere each is a line of its own.

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "interval.hpp"

namespace ringcast::bench {

/// What one kind of load has got done so far.
struct Count {
    std::string name;   ///< "echo"
    std::string units;  ///< "messages"
    std::uint64_t count = 0;
};

class Progress {
public:
    enum class Style : std::uint8_t { off, rewritten, lines };

    /// `stream` must outlive this. A line that is written over has less than `columns` characters.
    explicit Progress(Style style, std::FILE* stream = stderr, std::size_t columns = 80);
    Progress(Progress&& other) noexcept;
    Progress& operator=(Progress&&) = delete;
    ~Progress();

    /// To standard error: if that is a terminal, and also elsewhere if `is_wanted`.
    [[nodiscard]] static Progress to_stderr(bool is_wanted);

    /// A part of the run begins.
    void begin(std::string_view part, Clock::time_point now, std::vector<Count> counts = {});
    /// Whether it is time to show() something.
    [[nodiscard]] bool is_due(Clock::time_point now) const noexcept { return now >= next_; }
    /// Shows the rates of `counts`, in the order of begin(), since the last time; of a part that
    /// takes `seconds`, if that is known.
    void show(Clock::time_point now, const std::vector<Count>& counts, double seconds = 0);
    /// Shows that `done` of `all` things are done.
    void show(Clock::time_point now, std::uint64_t done, std::uint64_t all);

private:
    void write(Clock::time_point now, std::string text);

    Style style_;
    std::FILE* stream_;
    std::size_t columns_;
    std::string part_;
    Clock::time_point begun_;
    Clock::time_point last_;  ///< When `counts_` were read.
    Clock::time_point next_ = Clock::time_point::max();
    std::vector<Count> counts_;
    bool is_shown_ = false;
};

/// "echo 31,245 messages, churn 200 lives per second"; without names if there is only one.
[[nodiscard]] std::string rates_text(const std::vector<Count>& before,
                                     const std::vector<Count>& after, double seconds);

}  // namespace ringcast::bench

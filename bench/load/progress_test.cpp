#include "progress.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace {

using namespace ringcast::bench;
using std::chrono::milliseconds;

constexpr Clock::time_point start{std::chrono::seconds(1000)};

std::vector<Count> messages(std::uint64_t count) {
    return {{"echo", "messages", count}};
}

/// Everything that has been written to `stream`.
std::string content_of(std::FILE* stream) {
    std::rewind(stream);
    std::array<char, 1000> text{};
    return {text.data(), std::fread(text.data(), 1, text.size(), stream)};
}

}  // namespace

TEST_CASE("rates have names where there are several") {
    CHECK(rates_text(messages(1000), messages(4000), 2) == "1,500 messages per second");
    CHECK(rates_text({{"echo", "messages", 0}, {"churn", "lives", 1}},
                     {{"echo", "messages", 5000}, {"churn", "lives", 3}},
                     1) == "echo 5,000 messages, churn 2 lives per second");
}

TEST_CASE("progress is due once per second, and never if nobody wants it") {
    Progress off(Progress::Style::off);
    off.begin("measuring", start);
    CHECK_FALSE(off.is_due(start + milliseconds(5000)));

    std::FILE* stream = std::tmpfile();
    Progress progress(Progress::Style::lines, stream);
    CHECK_FALSE(progress.is_due(start));
    progress.begin("measuring", start, messages(10));
    CHECK_FALSE(progress.is_due(start + milliseconds(999)));
    CHECK(progress.is_due(start + milliseconds(1000)));
    progress.show(start + milliseconds(1000), messages(2010), 3);
    CHECK_FALSE(progress.is_due(start + milliseconds(1999)));
    progress.show(start + milliseconds(2000), messages(2011), 3);
    progress.begin("waiting", start + milliseconds(3000), messages(2011));
    progress.show(start + milliseconds(4000), messages(2011));
    CHECK(content_of(stream) ==
          "measuring, 1 of 3 s: 2,000 messages per second\n"
          "measuring, 2 of 3 s: 1 messages per second\n"
          "waiting, 1 s: 0 messages per second\n");
    std::fclose(stream);
}

TEST_CASE("on a terminal one line is written over again, fits, and is erased at the end") {
    std::FILE* stream = std::tmpfile();
    {
        Progress progress(Progress::Style::rewritten, stream, 20);
        progress.begin("opening", start);
        progress.show(start + milliseconds(1000), 1200, 18000);
        Progress moved(std::move(progress));
        moved.show(start + milliseconds(2000), 7, 18);
    }
    CHECK(content_of(stream) == "\r\x1b[Kopening: 1,200 of 1\r\x1b[Kopening: 7 of 18\r\x1b[K");
    std::fclose(stream);
}

#include "dialect/centrifuge/channel_pattern.hpp"

#include <doctest/doctest.h>
#include <string>

#include "base/prng.hpp"

using namespace ringcast;
using namespace ringcast::dialect::centrifuge;

namespace {

/// The same by recursion, for names of ASCII.
bool matches_reference(std::string_view name, std::string_view pattern) {
    if (pattern.empty()) return name.empty();
    if (pattern.front() == '*') {
        return matches_reference(name, pattern.substr(1)) ||
               (!name.empty() && matches_reference(name.substr(1), pattern));
    }
    return !name.empty() && (pattern.front() == '?' || pattern.front() == name.front()) &&
           matches_reference(name.substr(1), pattern.substr(1));
}

}  // namespace

TEST_CASE("a pattern's star stands for any characters, its question mark for one") {
    struct {
        const char* name;
        const char* pattern;
        bool matches;
    } const cases[] = {
        {"chat/1", "", true},         {"chat/1", "*", true},        {"chat/1", "chat/1", true},
        {"chat/1", "chat/", false},   {"chat/1", "hat/1", false},   {"chat/1", "chat/?", true},
        {"chat/12", "chat/?", false}, {"chat/12", "chat/*", true},  {"chat/", "chat/*", true},
        {"chat/", "chat/?", false},   {"a/b/c", "*/c", true},       {"a/b/c", "*/b", false},
        {"aXbXc", "*X?", true},       {"ab", "a**b", true},         {"\u00e4", "?", true},
        {"\u00e4\u20ac", "?", false}, {"\u00e4\u20ac", "??", true}, {"x\u20acy", "x*?y", true},
    };
    for (const auto& [name, pattern, matches] : cases) {
        CAPTURE(name);
        CAPTURE(pattern);
        CHECK(is_channel_pattern(pattern));
        CHECK(matches_pattern(name, pattern) == matches);
    }
}

TEST_CASE("a pattern that others would read in another way is none") {
    for (const char* const text : {"[ab]", "{a,b}", "a\\*", "]", "}"})
        CHECK(!is_channel_pattern(text));
    CHECK(is_channel_pattern(std::string(255, 'a')));
    CHECK(!is_channel_pattern(std::string(256, 'a')));
}

TEST_CASE("patterns match what the naive reading of them matches") {
    Prng prng{11};
    for (int round = 0; round < 20'000; ++round) {
        std::string name, pattern;
        for (std::uint64_t i = prng.below(8); i > 0; --i) name += "ab"[prng.below(2)];
        for (std::uint64_t i = 1 + prng.below(7); i > 0; --i) pattern += "ab*?"[prng.below(4)];
        CAPTURE(name);
        CAPTURE(pattern);
        CHECK(matches_pattern(name, pattern) == matches_reference(name, pattern));
    }
}

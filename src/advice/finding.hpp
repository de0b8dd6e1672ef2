#pragma once
// What the doctor says of one thing, and what there is to be done about it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::advice {

/// From what is well to what is not.
enum class Verdict : std::uint8_t {
    ok,
    note,     ///< Worth knowing.
    unknown,  ///< It cannot be seen from here.
    warning,  ///< It works, and not as well as it could.
    problem,  ///< The server would not start, or not do what its flags ask for.
};
[[nodiscard]] std::string_view name_of(Verdict verdict) noexcept;

/// Where a line is pasted. Several places for the same thing: one of them does.
enum class Place : std::uint8_t { sysctl, shell, systemd, docker, flags };
struct Remedy {
    Place place = Place::sysctl;
    std::string line;
};

struct Finding {
    std::string_view name;  ///< `open files`
    Verdict verdict = Verdict::ok;
    std::string what;  ///< How it is, in one line.
    std::string why;   ///< Why that matters here, in one line.
    std::vector<Remedy> remedies{};
};

}  // namespace ringcast::advice

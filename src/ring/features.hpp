#pragma once
// The io_uring features that ringcast knows how to use, each probed at run time and each
// switchable, so that every path can be tested and measured on one machine.

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace ringcast::ring {

/// A set of io_uring features. `all` is everything ringcast can use; `linux_6_1` what Debian 12's
/// kernel has.
struct Features {
    bool defer_taskrun =
        true;  ///< SINGLE_ISSUER and DEFER_TASKRUN (6.1): completions run inside our own enter.
    bool multishot_accept = true;  ///< One accept submission for many connections (5.19).
    bool multishot_recv = true;    ///< One recv submission for many slices (6.0).
    bool incremental = true;       ///< Ring buffers are filled piece by piece (6.12).
    bool min_wait =
        true;  ///< Waiting for several completions, but at least one after a time (6.12).

    static constexpr Features all() noexcept { return {}; }
    static constexpr Features linux_6_1() noexcept {
        return {.incremental = false, .min_wait = false};
    }
    /// Features that are in both sets.
    [[nodiscard]] Features intersect(const Features& other) const noexcept;
    /// `defer-taskrun multishot-accept ...`, or `none`.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const Features&, const Features&) = default;
};

/// A feature as `--uring-features` names it, and the first Linux that has it.
struct NamedFeature {
    std::string_view name;
    bool Features::* member;
    std::string_view since;
};
[[nodiscard]] std::span<const NamedFeature> named_features() noexcept;

/// Reads the value of `--uring-features`: a comma-separated list, applied from left to right to the
/// set `all`: `all`, `6.1`, `none`, `-name` or `+name` (names as in Features, with `-` for `_`:
/// `-incremental,-min-wait`). The error is one sentence that names the unknown word.
[[nodiscard]] std::expected<Features, std::string> parse_features(std::string_view text);

}  // namespace ringcast::ring

#pragma once
// The limit on open files, and how many connections it leaves room for. With direct descriptors
// connections are not among the files of the process: each shard has a table of its own, for which
// the same limit holds.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace ringcast::server {

/// Raises this process's soft limit on open files to the hard one, and returns what it is then. The
/// error is one sentence.
[[nodiscard]] std::expected<std::uint64_t, std::string> raise_file_limit();

/// What the number of connections depends on.
struct FileNeeds {
    std::uint64_t file_limit = 0;
    std::uint32_t shards = 1;
    std::uint32_t listeners = 1;  ///< Listening addresses; each shard has a socket for each.
    std::uint32_t admin_connections = 0;           ///< Of each shard, beside connections_max.
    std::optional<std::uint64_t> connections_max;  ///< As asked for; without a value: auto.
    bool has_direct_descriptors = false;
};

struct ConnectionPlan {
    std::uint64_t connections_max = 0;     ///< Of the whole process.
    std::string warning;                   ///< One sentence that says what to do, or empty.
    std::uint32_t direct_descriptors = 0;  ///< Of each shard's table; 0: there are none.
};

/// Each shard's part, rounded up, so that everybody has something.
[[nodiscard]] constexpr std::uint32_t share_of(std::uint64_t whole, std::uint32_t shards) noexcept {
    return static_cast<std::uint32_t>((whole + shards - 1) / shards);
}

/// Descriptors that are not connections: standard streams, rings, wakers, listeners, and some to
/// spare; and connections that are not of those that connections_max counts.
[[nodiscard]] std::uint64_t files_reserved(const FileNeeds& needs) noexcept;

/// The lowest limit on open files with which so many connections fit. Of the process, and of each
/// shard's table if there are such.
[[nodiscard]] std::uint64_t file_limit_for(const FileNeeds& needs,
                                           std::uint64_t connections) noexcept;

/// How many connections the process takes. The error, when what was asked for cannot fit, is one
/// sentence that says what to do. Auto takes what the limit allows, at most a million, and warns
/// below 10,000.
[[nodiscard]] std::expected<ConnectionPlan, std::string> plan_connections(const FileNeeds& needs);

}  // namespace ringcast::server

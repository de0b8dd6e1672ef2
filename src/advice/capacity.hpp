#pragma once
// `ringcast capacity`: what a load would take, reckoned from the ledger. Pure: looks at no host.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "advice/ledger.hpp"
#include "server/options.hpp"

namespace ringcast::advice {

/// What clients are going to do.
struct Load {
    std::uint64_t connections = 0;
    std::uint64_t message_bytes = 0;
    double rate = 0;  ///< Messages that clients send in a second, all together.
    /// Of each topic; without a value each message is answered by one as long.
    std::optional<std::uint64_t> subscribers;
    std::uint64_t topics = 1;
    bool tls = false;

    /// Messages that clients receive in a second.
    [[nodiscard]] double rate_out() const noexcept {
        return rate * static_cast<double>(subscribers.value_or(1));
    }
};

enum class Unit : std::uint8_t { bytes, count, cores, bits_per_second };

/// One line of the answer.
struct Line {
    std::string_view section;
    std::string_view key;  ///< For machines.
    std::string_view what;
    double value = 0;
    Unit unit = Unit::bytes;
    std::string how;                 ///< The calculation.
    const Source* source = nullptr;  ///< Null: the sum of others.
};

struct Capacity {
    Load load;
    ring::Backend backend = ring::Backend::uring;
    std::uint32_t shards = 1;
    std::vector<Line> lines;
    std::uint64_t idle_bytes = 0;   ///< Process and kernel, when nothing is on its way.
    std::uint64_t worst_bytes = 0;  ///< When all that may wait does.
    std::uint64_t files = 0;

    /// The line called `key`, which is there.
    [[nodiscard]] const Line& line(std::string_view key) const;
};

/// What a server with these options needs. Without --shards it is given as many as the load needs.
[[nodiscard]] Capacity estimate(const Load& load, const server::Options& options);

/// The answer for people, and for machines in one line of JSON.
[[nodiscard]] std::string capacity_text(const Capacity& capacity);
[[nodiscard]] std::string capacity_json(const Capacity& capacity);

}  // namespace ringcast::advice

#pragma once
// What a server with certain flags needs of a host.

#include <cstdint>
#include <optional>
#include <vector>

#include "advice/host.hpp"
#include "server/limits.hpp"
#include "server/options.hpp"

namespace ringcast::advice {

struct Needs {
    const server::Options& options;
    std::vector<std::uint32_t> cpus;  ///< That it may use; empty: unknown.
    server::ControlGroup group;
    std::uint32_t shards = 1;
    server::FileNeeds files;        ///< With the hard limit, as far as that is known.
    std::uint64_t connections = 0;  ///< Asked for, or what the limit on files allows.
    std::uint64_t open_files = 0;   ///< With all of these, wherever their descriptors are.
    std::uint64_t idle_bytes = 0;   ///< Memory with all of these and nothing on its way ...
    std::uint64_t worst_bytes = 0;  ///< ... and when all queues are full.
    ring::Probe uring;              ///< What io_uring can do here.
    bool tls = false;
};

/// `options` live longer than the result.
[[nodiscard]] Needs needs_of(const server::Options& options, const Host& host);

}  // namespace ringcast::advice

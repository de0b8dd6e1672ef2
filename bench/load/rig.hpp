#pragma once
// What every run needs: where the server is, the way to it, and what measures it.

#include <memory>
#include <string_view>

#include "error.hpp"
#include "io.hpp"
#include "meter.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "sources.hpp"
#include "url.hpp"

namespace ringcast::bench {

struct Rig {
    Url url;
    Meter meter;
    std::unique_ptr<Io> io;
    Progress progress;
    Sources sources;

    /// For so many connections at a time. Fails if the URL is none, the server's process is not
    /// there, the kernel has no io_uring, or there are too few ports.
    [[nodiscard]] static Expected<Rig> create(const CommonOptions& common,
                                              std::uint32_t connections,
                                              const IoOptions& io_options = {});
};

/// A report that begins with what was asked for.
[[nodiscard]] Report begin_report(std::string_view command, const CommonOptions& common);

}  // namespace ringcast::bench

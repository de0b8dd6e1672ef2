#include "rig.hpp"

#include <sys/prctl.h>
#include <utility>

namespace ringcast::bench {

Expected<Rig> Rig::create(const CommonOptions& common, const IoOptions& io_options) {
    auto url = parse_url(common.url);
    if (!url) return std::unexpected(url.error());
    const auto meter = Meter::create(common.pid);
    if (!meter) return std::unexpected(meter.error());
    auto io = Io::create(*url, io_options);
    if (!io) return std::unexpected(io.error());
    // The kernel may delay a time-out by 50 us, which would be latency of what is due then.
    prctl(PR_SET_TIMERSLACK, 1UL);
    return Rig{std::move(*url), *meter, std::move(*io), Progress::to_stderr(common.shows_progress)};
}

Report begin_report(std::string_view command, const CommonOptions& common) {
    Report report;
    report.add("command", "command", command);
    report.add("url", "url", common.url);
    report.add("compression", "compression", name_of(common.compression));
    return report;
}

}  // namespace ringcast::bench

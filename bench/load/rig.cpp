#include "rig.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <utility>

namespace ringcast::bench {

namespace {

/// Raises the soft limit of open files to the hard one: a ring holds as many connections.
void raise_file_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Expected<Rig> Rig::create(const CommonOptions& common, std::uint32_t connections,
                          const IoOptions& io_options) {
    auto url = parse_url(common.url);
    if (!url) return std::unexpected(url.error());
    auto fields = header_lines(common.headers);
    if (!fields) return std::unexpected(fields.error());
    url->fields = *std::move(fields);
    auto sources = Sources::create(common.sources, *url);
    if (!sources) return std::unexpected(sources.error());
    if (auto enough = sources->check_ports(connections, ephemeral_port_count()); !enough)
        return std::unexpected(enough.error());
    raise_file_limit();
    const auto meter = Meter::create(common.pid);
    if (!meter) return std::unexpected(meter.error());
    auto io = Io::create(*url, connections, io_options);
    if (!io) return std::unexpected(io.error());
    // The kernel may delay a time-out by 50 us, which would be latency of what is due then.
    prctl(PR_SET_TIMERSLACK, 1UL);
    return Rig{std::move(*url), *meter, std::move(*io), Progress::to_stderr(common.shows_progress),
               std::move(*sources)};
}

Report begin_report(std::string_view command, const CommonOptions& common) {
    Report report;
    report.add("command", "command", command);
    report.add("url", "url", common.url);
    report.add("compression", "compression", name_of(common.compression));
    return report;
}

}  // namespace ringcast::bench

#include "advice/doctor.hpp"

#include <cerrno>
#include <doctest/doctest.h>
#include <set>

#include "dialect/json.hpp"
#include "unit/advice/host_kit.hpp"

using namespace ringcast;
using namespace ringcast::advice;
using test::changed;
using test::Files;
using test::host_of;

namespace {

const ring::Probe all_of_it{.usable = true, .features = ring::Features::all(), .reason = {}};

/// What the doctor answers to these arguments on that host.
server::Exit answer(std::vector<std::string> arguments, const Host& host) {
    return answer_doctor(
        {.arguments = std::move(arguments),
         .environment = {},
         .read_file = [](const std::string&) -> std::expected<std::string, std::string> {
             return std::unexpected{std::string{"No such file or directory"}};
         }},
        host);
}

server::Options options_with(std::uint64_t connections) {
    server::Options options;
    options.connections_max = connections;
    return options;
}

const Finding& find(const Diagnosis& diagnosis, std::string_view name) {
    for (const Finding& finding : diagnosis.findings)
        if (finding.name == name) return finding;
    FAIL("no finding called " << name);
    std::abort();
}

Finding examined(std::string_view name, const Host& host, const server::Options& options) {
    return find(examine(options, host), name);
}

bool has_line(const Finding& finding, Place place, std::string_view line) {
    for (const Remedy& remedy : finding.remedies)
        if (remedy.place == place && remedy.line == line) return true;
    return false;
}

bool says(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("on a good host all is well") {
    const Host host = host_of(test::good_files());
    const Diagnosis diagnosis = examine(options_with(100'000), host);
    for (const Finding& finding : diagnosis.findings) {
        CAPTURE(finding.name);
        CAPTURE(finding.what);
        // Four CPUs of 60 GB and a hundred thousand ports are no more than a note.
        CHECK(finding.verdict == (finding.name == "local ports" ? Verdict::note : Verdict::ok));
        CHECK(finding.remedies.empty());
        CHECK_FALSE(finding.what.empty());
        CHECK_FALSE(finding.why.empty());
        CHECK(finding.what.find('\n') == std::string::npos);
        CHECK(finding.why.find('\n') == std::string::npos);
    }
    const server::Exit exit = answer({"--connections-max", "1000"}, host);
    CHECK(exit.code == 0);
    CHECK(says(exit.text, "\nall is well\n"));
    CHECK_FALSE(says(exit.text, "\n# "));
}

TEST_CASE("names are given once, so that a machine finds its check") {
    std::set<std::string_view> names;
    const Diagnosis diagnosis = examine({}, host_of(test::good_files()));
    for (const Finding& finding : diagnosis.findings) CHECK(names.insert(finding.name).second);
    CHECK(names.size() >= 15);
}

TEST_CASE("a container with low limits is told what to raise, and where") {
    const Files low =
        changed({{"/proc/self/limits",
                  "Max open files            1024                 4096       files\n"
                  "Max locked memory         65536                65536      bytes\n"},
                 {"/proc/self/cgroup", "0::/\n"},
                 {"/sys/fs/cgroup/pids.max", "4\n"},
                 {"/sys/fs/cgroup/pids.current", "1\n"},
                 {"/sys/fs/cgroup/memory.max", "134217728\n"},
                 {"/proc/sys/net/core/somaxconn", "128\n"},
                 {"/proc/sys/fs/nr_open", "65536\n"},
                 {"/proc/sys/net/netfilter/nf_conntrack_max", "65536\n"}});
    const Diagnosis diagnosis = examine(options_with(100'000), host_of(low));
    const Finding& files = find(diagnosis, "open files");
    CHECK(files.verdict == Verdict::problem);
    CHECK(says(files.what, "4,096 allowed"));
    CHECK(has_line(files, Place::shell, "ulimit -n 100052"));
    CHECK(has_line(files, Place::systemd, "LimitNOFILE=100052"));
    CHECK(has_line(files, Place::docker, "--ulimit nofile=100052:100052"));
    CHECK(has_line(files, Place::sysctl, "fs.nr_open = 100052"));
    const Finding& backlog = find(diagnosis, "listen backlog");
    CHECK(backlog.verdict == Verdict::warning);
    CHECK(has_line(backlog, Place::sysctl, "net.core.somaxconn = 4096"));
    CHECK(has_line(backlog, Place::docker, "--sysctl net.core.somaxconn=4096"));
    CHECK(find(diagnosis, "threads").verdict == Verdict::problem);
    CHECK(find(diagnosis, "memory").verdict == Verdict::problem);
    CHECK(find(diagnosis, "connection tracking").verdict == Verdict::warning);
    CHECK(diagnosis.verdict() == Verdict::problem);

    const server::Exit exit = answer({"--connections-max", "100000"}, host_of(low));
    CHECK(exit.code == 1);
    CHECK(says(exit.text, "\nLimitNOFILE=100052\n"));
    CHECK(says(exit.text, "\nnet.core.somaxconn = 4096\n"));
}

TEST_CASE("a limit that leaves room for few connections is a warning if none were asked for") {
    const Host host = host_of(
        changed({{"/proc/self/limits", "Max open files            1024      4096      files\n"}}));
    const Finding files = examined("open files", host, {});
    CHECK(files.verdict == Verdict::warning);
    CHECK(has_line(files, Place::systemd, "LimitNOFILE=10052"));
    CHECK(answer({}, host).code == 0);
}

TEST_CASE("an old kernel means epoll, or no start where io_uring is demanded") {
    const Files files = changed({{"/proc/sys/kernel/osrelease", "5.10.0-28-amd64\n"}});
    const Host host = host_of(files, {.reason = "Linux is older than 6.1"});
    server::Options options = options_with(1000);
    const Finding automatic = examined("io_uring", host, options);
    CHECK(automatic.verdict == Verdict::warning);
    CHECK(says(automatic.what, "Linux 5.10.0-28-amd64 is older than 6.1"));
    options.io = server::IoChoice::uring;
    CHECK(examined("io_uring", host, options).verdict == Verdict::problem);
    options.io = server::IoChoice::epoll;
    CHECK(examined("io_uring", host, options).verdict == Verdict::ok);
}

TEST_CASE("with direct descriptors the limit on open files is that of a shard's connections") {
    const Host host = host_of(
        changed({{"/proc/self/limits", "Max open files            1024      4096      files\n"}}));
    server::Options options = options_with(16'000);
    CHECK(examined("open files", host, options).verdict == Verdict::problem);
    options.direct_descriptors = true;  // On four CPUs.
    const Finding enough = examined("open files", host, options);
    CHECK(enough.verdict == Verdict::ok);
    CHECK(says(enough.what, "4,064 needed for 16,000 connections"));
    const Finding low = examined("open files", host, [] {
        server::Options more = options_with(100'000);
        more.direct_descriptors = true;
        return more;
    }());
    CHECK(low.verdict == Verdict::problem);
    CHECK(has_line(low, Place::systemd, "LimitNOFILE=25064"));
}

TEST_CASE("direct descriptors that the kernel lacks are a problem, as the server does not start") {
    server::Options options = options_with(1000);
    options.direct_descriptors = true;
    const auto verdict_with = [&](ring::Probe probe) {
        return examined("io_uring", host_of(test::good_files(), std::move(probe)), options);
    };
    ring::Probe probe{.usable = true, .features = ring::Features::all()};
    const Finding without = verdict_with(probe);
    CHECK(without.verdict == Verdict::problem);
    CHECK(says(without.what, "without direct descriptors (Linux 6.13)"));
    probe.direct_descriptors = true;
    CHECK(verdict_with(probe).verdict == Verdict::ok);
    const Finding refused = verdict_with({.reason = "Linux is older than 6.1"});
    CHECK(refused.verdict == Verdict::problem);
    CHECK(refused.why == "--direct-descriptors asks for it: the server does not start");
}

TEST_CASE("features that a kernel lacks are named with the one that has them") {
    const Host host =
        host_of(test::good_files(), {.usable = true, .features = ring::Features::linux_6_1()});
    const Finding finding = examined("io_uring", host, {});
    CHECK(finding.verdict == Verdict::note);
    CHECK(says(finding.what, "without incremental (Linux 6.12), min-wait (Linux 6.12)"));
    server::Options options;
    options.uring_features = ring::Features::linux_6_1();
    CHECK(examined("io_uring", host, options).verdict == Verdict::ok);
}

TEST_CASE("io_uring that is switched off is told from one that is filtered") {
    const ring::Probe refused{.reason = "io_uring_setup: Operation not permitted", .error = EPERM};
    for (const char* level : {"1\n", "2\n"}) {
        CAPTURE(level);
        const Finding disabled = examined(
            "io_uring", host_of(changed({{"/proc/sys/kernel/io_uring_disabled", level}}), refused),
            {});
        CHECK(disabled.verdict == Verdict::warning);
        CHECK(says(disabled.what, "kernel.io_uring_disabled is"));
        CHECK(has_line(disabled, Place::sysctl, "kernel.io_uring_disabled = 0"));
    }
    const Finding filtered = examined(
        "io_uring",
        host_of(changed({{"/proc/self/status", "Seccomp:\t2\nCpus_allowed_list:\t0\n"}}), refused),
        {});
    CHECK(says(filtered.what, "seccomp"));
    CHECK(has_line(filtered, Place::docker, "--security-opt seccomp=ringcast-seccomp.json"));
    const Finding other = examined("io_uring", host_of(test::good_files(), refused), {});
    CHECK(says(other.what, "Operation not permitted"));
    CHECK(other.remedies.empty());
    const Finding none =
        examined("io_uring", host_of(test::good_files(), {.reason = "x", .error = ENOSYS}), {});
    CHECK(says(none.what, "this kernel has none"));
}

TEST_CASE("half a CPU is less than the one shard that it gives") {
    const Files files =
        changed({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "50000 100000\n"}});
    const Diagnosis diagnosis = examine(options_with(1000), host_of(files));
    CHECK(says(diagnosis.server, "1 shard "));
    const Finding& cpus = find(diagnosis, "CPUs");
    CHECK(cpus.verdict == Verdict::warning);
    CHECK(says(cpus.what, "quota 0.5 CPUs"));
    CHECK(has_line(cpus, Place::docker, "--cpus 1"));
    CHECK(has_line(cpus, Place::systemd, "CPUQuota=100%"));
    for (const Remedy& remedy : cpus.remedies) CHECK(remedy.place != Place::flags);
}

TEST_CASE("more shards than CPUs or quota are a warning, with the number that fits") {
    server::Options options = options_with(1000);
    options.shards = 8;
    CHECK(has_line(examined("CPUs", host_of(test::good_files()), options), Place::flags,
                   "--shards 4"));
    const Files files =
        changed({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "250000 100000\n"}});
    CHECK(has_line(examined("CPUs", host_of(files), options), Place::flags, "--shards 2"));
    options.shards = 2;
    CHECK(examined("CPUs", host_of(files), options).verdict == Verdict::ok);
}

TEST_CASE("memory for messages has to fit the control group, or to be limited") {
    const Files files =
        changed({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "536870912\n"}});
    const Finding finding = examined("memory", host_of(files), options_with(10'000));
    CHECK(finding.verdict == Verdict::warning);
    REQUIRE_FALSE(finding.remedies.empty());
    const std::string flag = finding.remedies.back().line;
    CHECK(flag.starts_with("--message-memory-max "));
    // Who follows that advice is not warned again.
    const server::Exit exit =
        answer({"--connections-max", "10000", "--message-memory-max",
                flag.substr(std::string_view{"--message-memory-max "}.size())},
               host_of(files));
    CHECK(exit.code == 0);
    CHECK_FALSE(says(exit.text, "warning"));
}

TEST_CASE("connections that do not fit into memory at all are a problem if they were asked for") {
    const Host host = host_of(changed({{"/proc/meminfo", "MemTotal: 1000000 kB\n"}}));
    CHECK(examined("memory", host, options_with(1'000'000)).verdict == Verdict::problem);
    const Finding automatic = examined("memory", host, {});
    CHECK(automatic.verdict == Verdict::warning);
    CHECK(automatic.remedies.back().line.starts_with("--connections-max "));
}

TEST_CASE("little TCP memory is raised with its proportions kept") {
    const Host host = host_of(changed({{"/proc/sys/net/ipv4/tcp_mem", "1000 2000 3000\n"}}));
    const Finding finding = examined("TCP memory", host, options_with(100'000));
    CHECK(finding.verdict == Verdict::warning);
    REQUIRE(finding.remedies.size() == 1);
    CHECK(finding.remedies.front().line.starts_with("net.ipv4.tcp_mem = "));
}

TEST_CASE("a low port needs the right to bind it") {
    server::Options options = options_with(1000);
    options.listen = {{.text = "ws://0.0.0.0:80",
                       .address = {.family = ring::Address::Family::ipv4, .port = 80}}};
    const Finding refused = examined("low ports", host_of(test::good_files()), options);
    CHECK(refused.verdict == Verdict::problem);
    CHECK(has_line(refused, Place::systemd, "AmbientCapabilities=CAP_NET_BIND_SERVICE"));
    const Files root = changed({{"/proc/self/status", "CapEff:\t000001ffffffffff\n"}});
    CHECK(examined("low ports", host_of(root), options).verdict == Verdict::ok);
    const Files lowered = changed({{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0\n"}});
    CHECK(examined("low ports", host_of(lowered), options).verdict == Verdict::ok);
}

TEST_CASE("swap, huge pages and a slow clock are told, with what to do") {
    const Host host = host_of(changed(
        {{"/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 8000 0 -2\n"},
         {"/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"},
         {"/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n"}}));
    const Finding swap = examined("swap", host, {});
    CHECK(swap.verdict == Verdict::note);
    CHECK(has_line(swap, Place::sysctl, "vm.swappiness = 10"));
    CHECK(examined("huge pages", host, {}).verdict == Verdict::note);
    server::Options options;
    options.compression = Compression::dedicated;
    CHECK(examined("huge pages", host, options).verdict == Verdict::warning);
    const Finding clock = examined("clock", host, {});
    CHECK(clock.verdict == Verdict::warning);
    REQUIRE(clock.remedies.size() == 1);
    CHECK(clock.remedies.front().line.starts_with("echo tsc > "));
}

TEST_CASE("where nothing can be read nothing is known, and nothing crashes") {
    const Host host = host_of({}, all_of_it);
    const Diagnosis diagnosis = examine({}, host);
    for (const Finding& finding : diagnosis.findings) {
        CAPTURE(finding.name);
        const bool is_known = finding.name == "io_uring" || finding.name == "connection tracking";
        CHECK(finding.verdict == (is_known ? Verdict::ok : Verdict::unknown));
    }
    CHECK(answer({}, host).code == 0);
    CHECK(answer({"--connections-max", "100000", "--shards", "64"}, host).code == 0);
}

TEST_CASE("whatever stands in a file, there is an answer to every check") {
    const char* const texts[] = {"",
                                 "\n",
                                 "0",
                                 "0 0 0",
                                 "1 1",
                                 "18446744073709551615",
                                 "18446744073709551615 18446744073709551615 18446744073709551615",
                                 "99999999999999999999999",
                                 "-1",
                                 "[",
                                 "[]",
                                 "max",
                                 "::::\n0::\n",
                                 "MemTotal: 0 kB\nMax open files 0 0\nCpus_allowed_list: 0-8191\n",
                                 "\xff\xfe\x00garbage"};
    const std::size_t checks = examine({}, host_of(test::good_files())).findings.size();
    for (const auto& [path, good] : test::good_files()) {
        for (const char* text : texts) {
            CAPTURE(path);
            CAPTURE(text);
            const Host host = host_of(changed({{path, text}}), all_of_it);
            CHECK(examine(options_with(16'777'216), host).findings.size() == checks);
            CHECK(examine({}, host).findings.size() == checks);
        }
    }
}

TEST_CASE("for machines there is one line of JSON") {
    const Host host = host_of(changed({{"/proc/sys/net/core/somaxconn", "128\n"}}));
    const server::Exit exit = answer({"--json", "--connections-max", "1000"}, host);
    CHECK(exit.code == 0);
    CHECK(exit.text.find('\n') == exit.text.size() - 1);
    CHECK(dialect::is_json(exit.text));
    CHECK(says(exit.text, R"("verdict":"warning","checks":[{"name":"open files",)"));
    CHECK(says(exit.text, R"("sysctl":["net.core.somaxconn = 4096"])"));
}

TEST_CASE("wrong flags are one line, and the help tells the right ones") {
    const Host host = host_of(test::good_files());
    CHECK(answer({"--jsno"}, host).text == "ringcast: unknown flag --jsno; did you mean --json?\n");
    CHECK(answer({"--json=yes"}, host).text == "ringcast: --json takes no value\n");
    CHECK(answer({"--json", "--json"}, host).text == "ringcast: --json is given twice\n");
    CHECK(answer({"--shards", "0"}, host).code == server::Exit::usage);
    // With which the server would not start.
    for (const std::vector<std::string>& useless :
         {std::vector<std::string>{"--io", "epoll", "--direct-descriptors"},
          std::vector<std::string>{"--dev", "--io", "epoll", "--uring-features", "none"},
          std::vector<std::string>{"--delivery-window", "5ms"}}) {
        const server::Exit exit = answer(useless, host);
        CHECK(exit.code == server::Exit::usage);
        CHECK(says(exit.text, "has no effect without"));
    }
    CHECK(answer({"--shards"}, host).text == "ringcast: --shards needs a value: --shards N|auto\n");
    CHECK(answer({"now"}, host).code == server::Exit::usage);
    for (const char* help : {"-h", "--help"}) {
        const server::Exit exit = answer({help}, host);
        CHECK(exit.code == 0);
        CHECK(says(exit.text, "Usage: ringcast doctor"));
    }
}

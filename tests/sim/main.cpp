// The simulator's driver. Runs seeds, says what they exercised, and on failure which seed it was
// and how to see it again.
//
//   sim                              the regression seeds, then 200 more
//   sim --seeds 2000 [--first N] [--jobs 2]
//   sim --seed N [--trace]           one seed, with every submission and completion
//   sim --walk [--seed N]            the fault walk: a scenario, calm but for one decision, for
//                                    every decision; without --seed for each of --seeds scenarios
//   sim --walk-all FILE              the same for the scenarios in a file, which together have to
//                                    meet every fault and every kind of client
//   sim --break NAME|all             a made-up fault of the server, which has to be noticed
//
// With --topics in front: seeds of the world with topics; without: of the one with echoes.

#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "sim/rules.hpp"
#include "sim/topic_world.hpp"
#include "sim/world.hpp"

namespace ringcast::sim {
namespace {

constexpr std::uint64_t break_seeds = 1000;

struct Arguments {
    std::uint64_t first = 0, seeds = 200, jobs = 1;
    std::optional<std::uint64_t> seed;
    std::string break_name, seeds_file, walks_file;
    bool trace = false, walk = false;
};

bool has_topics = false;  // Which world the seeds are of.
// What runs right now, for the handler below.
WorldOptions running;

void say_how_to_replay() {
    std::fprintf(stderr, "seed %" PRIu64 " failed; replay with: sim%s --seed %" PRIu64 " --trace",
                 running.seed, has_topics ? " --topics" : "", running.seed);
    if (running.walk) std::fprintf(stderr, " --decision %" PRIu64, *running.walk);
    std::fprintf(stderr, "\n");
}

/// An assert of the shard, or a sanitizer: not safe by the letter, but the process is lost anyway.
void on_abort(int) {
    say_how_to_replay();
    std::_Exit(1);
}

Tally run_world_of(const WorldOptions& options) {
    if (!has_topics) return run_world(options);
    return run_topic_world(
        {.seed = options.seed, .walk = options.walk, .prints_trace = options.prints_trace});
}

/// False after a violation, which is printed.
bool run_one(const WorldOptions& options, Tally& tally) {
    running = options;
    try {
        tally.add(run_world_of(options));
        return true;
    } catch (const Violation& violation) {
        std::fprintf(stderr, "%s\n", violation.what());
        say_how_to_replay();
        return false;
    }
}

void print(const Tally& tally) {
    const auto line = [](const char* name, std::uint64_t count) {
        std::printf(" %s=%" PRIu64, name, count);
    };
    std::printf("seen:");
    for (const auto& each : tally_counts) line(each.name, tally.*each.count);
    if (has_topics) {
        std::printf("\ntopics:");
        for (const auto& each : topic_tally_counts) line(each.name, tally.topics.*each.count);
    }
    std::printf("\nfaults:");
    for (std::size_t i = 0; i < faults_count; ++i)
        line(to_string(static_cast<Fault>(i)).data(), tally.faults[i]);
    if (!has_topics) std::printf("\nclients:");
    for (std::size_t i = 0; i < behaviours_count && !has_topics; ++i) {
        line(to_string(static_cast<Behaviour>(i)).data(), tally.behaviours[i]);
    }
    std::printf("\nhostile:");
    for (std::size_t i = 0; i < hostilities_count; ++i)
        line(to_string(static_cast<Hostility>(i)).data(), tally.hostiles[i]);
    line("turns_waited_max", tally.turns_waited);
    std::printf("\ntrace hash: %016" PRIx64 "\n", tally.trace_hash);
}

/// Every `jobs`-th seed in a process of its own, which sends its tally through a pipe. False if any
/// failed.
bool run_seeds(const Arguments& arguments, Tally& total) {
    std::vector<int> pipes;
    std::fflush(stdout);
    for (std::uint64_t job = 0; job < arguments.jobs; ++job) {
        int ends[2];
        if (pipe(ends) != 0) return false;
        if (fork() == 0) {
            Tally tally;
            for (std::uint64_t i = job; i < arguments.seeds; i += arguments.jobs) {
                if (!run_one({.seed = arguments.first + i}, tally)) std::_Exit(1);
            }
            const bool written =
                write(ends[1], &tally, sizeof tally) == static_cast<ssize_t>(sizeof tally);
            std::_Exit(written ? 0 : 1);
        }
        close(ends[1]);
        pipes.push_back(ends[0]);
    }
    bool passed = true;
    for (const int end : pipes) {
        Tally tally;
        const bool complete = read(end, &tally, sizeof tally) == static_cast<ssize_t>(sizeof tally);
        close(end);
        if (complete) total.add(tally);
        passed = passed && complete;
    }
    while (wait(nullptr) > 0) {
    }
    return passed;
}

/// Every decision of one scenario strikes once.
bool walk(std::uint64_t seed, Tally& tally) {
    for (std::uint64_t index = 0;; ++index) {
        const std::uint64_t struck = tally.walk_struck;
        if (!run_one({.seed = seed, .walk = index}, tally)) return false;
        if (tally.walk_struck == struck) return true;
    }
}

/// One number a line; lines that begin with # say why.
std::vector<std::uint64_t> seeds_in(const std::string& path) {
    std::vector<std::uint64_t> seeds;
    std::ifstream file{path};
    for (std::string line; std::getline(file, line);) {
        if (!line.empty() && line.front() != '#') seeds.push_back(std::stoull(line));
    }
    return seeds;
}

/// False if the walks together left out a fault or a kind of client, which is printed.
bool has_met_all(const Tally& tally) {
    bool all = true;
    const auto require = [&all](std::string_view name, std::uint64_t count) {
        if (count > 0) return;
        std::fprintf(stderr, "no walk has met %s\n", name.data());
        all = false;
    };
    for (std::size_t i = 0; i < faults_count; ++i)
        require(to_string(static_cast<Fault>(i)), tally.faults[i]);
    for (std::size_t i = 0; i < behaviours_count; ++i)
        require(to_string(static_cast<Behaviour>(i)), tally.behaviours[i]);
    return all;
}

bool walk_seeds(const Arguments& arguments) {
    std::vector<std::uint64_t> seeds;
    if (!arguments.walks_file.empty()) {
        seeds = seeds_in(arguments.walks_file);
    } else if (arguments.seed) {
        seeds = {*arguments.seed};
    } else {
        for (std::uint64_t i = 0; i < arguments.seeds; ++i) seeds.push_back(arguments.first + i);
    }
    Tally tally;
    for (const std::uint64_t seed : seeds) {
        if (!walk(seed, tally)) return false;
    }
    print(tally);
    std::printf("%" PRIu64 " faults walked in %zu seeds\n", tally.walk_struck, seeds.size());
    return arguments.walks_file.empty() || has_met_all(tally);
}

bool run_regressions(const std::string& path, Tally& tally) {
    for (const std::uint64_t seed : seeds_in(path)) {
        if (!run_one({.seed = seed}, tally)) return false;
    }
    return true;
}

/// True if some seed notices the break `name`, by the rule that is there for it: what is broken may
/// break more than one. `run(seed)` runs a broken world.
template <class Run>
bool is_noticed(std::string_view name, Rule rule, Run&& run) {
    for (std::uint64_t seed = 0; seed < break_seeds; ++seed) {
        running = {.seed = seed};
        try {
            run(seed);
        } catch (const Violation& violation) {
            if (violation.rule() != rule) continue;
            std::printf("%-18s noticed by seed %" PRIu64 ": %s\n", name.data(), seed,
                        violation.what());
            return true;
        }
    }
    std::printf("%-18s NOT NOTICED\n", name.data());
    return false;
}

int run_breaks(const std::string& name) {
    bool all = true;
    bool any = false;
    const auto try_one = [&](const auto& named, auto&& run) {
        if (name != "all" && name != named.name) return;
        any = true;
        all = is_noticed(named.name, named.rule, run) && all;
    };
    for (const NamedBreak& named : breaks) {
        if (has_topics) break;
        try_one(named, [&](std::uint64_t seed) {
            (void)run_world({.seed = seed, .broken = named.broken});
        });
    }
    for (const NamedTopicBreak& named : topic_breaks) {
        if (!has_topics) break;
        try_one(named, [&](std::uint64_t seed) {
            (void)run_topic_world({.seed = seed, .broken = named.broken});
        });
    }
    if (!any) std::fprintf(stderr, "no such break: %s\n", name.c_str());
    return any && all ? 0 : 1;
}

int usage(const char* program) {
    std::fprintf(stderr,
                 "usage: %s [--topics] [--seeds N] [--first N] [--jobs N] [--regressions FILE]\n"
                 "       %s [--topics] --seed N [--trace] [--decision N]\n"
                 "       %s [--topics] --walk [--seed N | --seeds N] [--first N]\n"
                 "       %s --walk-all FILE\n"
                 "       %s [--topics] --break NAME|all\n",
                 program, program, program, program, program);
    return 2;
}

int run(int argc, char** argv) {
    Arguments arguments;
    std::optional<std::uint64_t> decision;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument{argv[i]};
        const auto is_number = [&] {
            return i + 1 < argc && std::strspn(argv[i + 1], "0123456789") > 0;
        };
        const auto number = [&] { return std::strtoull(argv[++i], nullptr, 10); };
        if (argument == "--seeds" && is_number())
            arguments.seeds = number();
        else if (argument == "--first" && is_number())
            arguments.first = number();
        else if (argument == "--jobs" && is_number())
            arguments.jobs = std::max<std::uint64_t>(1, number());
        else if (argument == "--seed" && is_number())
            arguments.seed = number();
        else if (argument == "--decision" && is_number())
            decision = number();
        else if (argument == "--break" && i + 1 < argc)
            arguments.break_name = argv[++i];
        else if (argument == "--regressions" && i + 1 < argc)
            arguments.seeds_file = argv[++i];
        else if (argument == "--topics")
            has_topics = true;
        else if (argument == "--walk-all" && i + 1 < argc)
            arguments.walks_file = argv[++i];
        else if (argument == "--trace")
            arguments.trace = true;
        else if (argument == "--walk")
            arguments.walk = true;
        else
            return usage(argv[0]);
    }
    if (!arguments.break_name.empty()) return run_breaks(arguments.break_name);
    if (arguments.walk || !arguments.walks_file.empty()) return walk_seeds(arguments) ? 0 : 1;
    Tally tally;
    bool passed = false;
    if (arguments.seed) {
        passed = run_one(
            {.seed = *arguments.seed, .walk = decision, .prints_trace = arguments.trace}, tally);
    } else {
        passed = run_regressions(arguments.seeds_file, tally) && run_seeds(arguments, tally);
    }
    if (!passed) return 1;
    print(tally);
    std::printf("%" PRIu64 " seeds passed\n", tally.runs);
    return 0;
}

}  // namespace
}  // namespace ringcast::sim

int main(int argc, char** argv) {
    std::signal(SIGABRT, ringcast::sim::on_abort);
    std::signal(SIGSEGV, ringcast::sim::on_abort);
    return ringcast::sim::run(argc, argv);
}

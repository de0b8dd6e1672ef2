// ringcast-bench: puts load on a WebSocket server and says what that costs the server. One thread;
// pin it to a core that the server does not use.

#include <csignal>
#include <cstdio>
#include <fmt/format.h>

#include "command_line.hpp"

int main(int argument_count, char** arguments) {
    std::signal(SIGPIPE,
                SIG_IGN);  // A reader of our output that went away is no reason to die halfway.
    const auto invocation = ringcast::bench::parse_command_line(argument_count, arguments);
    if (!invocation) return invocation.error();
    const auto report = invocation->run();
    if (!report) {
        fmt::print(stderr, "ringcast-bench: {}\n", report.error().message);
        return 1;
    }
    if (invocation->prints_json) {
        report->print_json(stdout);
    } else {
        report->print_table(stdout);
    }
    return 0;
}

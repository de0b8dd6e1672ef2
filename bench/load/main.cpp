// ringcast-bench: puts load on a WebSocket server and says what that costs the server. One thread;
// pin it to a core that the server does not use.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fmt/core.h>
#include <new>

#include "command_line.hpp"
#include "page.hpp"
#include "results.hpp"
#include "text.hpp"

namespace {

using namespace ringcast::bench;

Expected<void> run(const Invocation& invocation) {
    if (!invocation.page_path.empty()) {
        // Better now than after a run of hours.
        if (auto writable = check_page_path(invocation.page_path); !writable) return writable;
    }
    const auto report = invocation.run();
    if (!report) return std::unexpected(report.error());
    if (!*report) return {};
    if (invocation.prints_json) {
        (*report)->print_json(stdout);
    } else {
        (*report)->print_table(stdout);
    }
    if (std::fflush(stdout) != 0) return fail("cannot write the report: {}", errno_text(errno));
    if (invocation.page_path.empty()) return {};
    return write_page(invocation.page_path,
                      Results{.runs = {result_of(**report)}, .base = {}, .facts = {}});
}

[[noreturn]] void end_without_memory() {
    std::fputs("ringcast-bench: there is not enough memory for this\n", stderr);
    std::_Exit(1);
}

}  // namespace

int main(int argument_count, char** arguments) {
    std::set_new_handler(end_without_memory);
    std::signal(SIGPIPE,
                SIG_IGN);  // A reader of our output that went away is no reason to die halfway.
    const auto invocation = parse_command_line(argument_count, arguments);
    if (!invocation) return invocation.error();
    const auto done = run(*invocation);
    if (done) return 0;
    fmt::print(stderr, "ringcast-bench: {}\n", printable(done.error().message));
    return 1;
}

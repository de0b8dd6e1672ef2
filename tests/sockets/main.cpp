// Runs the socket tests, or those of conformance, on one way to talk to the kernel, named by the
// first argument: uring (all features of this kernel), uring-6.1 (those of Linux 6.1) or epoll.
// Exits with 77 where the kernel lacks it.

#define DOCTEST_CONFIG_IMPLEMENT
#include <csignal>
#include <cstdio>
#include <doctest/doctest.h>
#include <string_view>

#include "sockets/sockets_kit.hpp"

int main(int count, char** arguments) {
    using namespace ringcast;
    const std::string_view name = count > 1 ? arguments[1] : "";
    if (name == "uring") {
        sockets::way() = {.io = Io::uring, .features = "all"};
    } else if (name == "uring-6.1") {
        sockets::way() = {.io = Io::uring, .features = "6.1"};
    } else if (name == "epoll") {
        sockets::way() = {.io = Io::epoll, .features = "all"};
    } else {
        std::fprintf(stderr, "usage: uring|uring-6.1|epoll [options of doctest]\n");
        return 1;
    }
    Server probe{sockets::settings()};
    if (const auto started = probe.start(); !started) {
        std::printf("skipped: %s\n", started.error().c_str());
        return 77;
    }
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's sockets know no MSG_NOSIGNAL.
    doctest::Context context{count - 1, arguments + 1};
    return context.run();
}

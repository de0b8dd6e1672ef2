// Runs the conformance tests against servers of their own in this process, on one way to talk to
// the kernel, named by the first argument: uring or epoll. Exits with 77 where the kernel lacks it.

#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>
#include <doctest/doctest.h>
#include <string_view>

#include "conformance/conformance_kit.hpp"

int main(int count, char** arguments) {
    using namespace ringcast;
    const std::string_view name = count > 1 ? arguments[1] : "";
    if (name == "uring") {
        sockets::way() = {.io = Io::uring, .features = "all"};
    } else if (name == "epoll") {
        sockets::way() = {.io = Io::epoll, .features = "all"};
    } else {
        std::fprintf(stderr, "usage: conformance uring|epoll [options of doctest]\n");
        return 1;
    }
    Server probe{sockets::settings()};
    if (const auto started = probe.start(); !started) {
        std::printf("skipped: %s\n", started.error().c_str());
        return 77;
    }
    doctest::Context context{count - 1, arguments + 1};
    return context.run();
}

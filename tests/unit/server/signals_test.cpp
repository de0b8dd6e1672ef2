#include "server/signals.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace ringcast::server;

namespace {

/// Runs `body` in a child, because what it does ends a process; returns how the child ended.
template <class Body>
int status_of_child(Body body) {
    const pid_t child = fork();
    if (child == 0) {
        body();
        _exit(1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace

TEST_CASE("a signal that came before the wait is returned by it") {
    for (const auto signal : {Signal::interrupt, Signal::terminate}) {
        SignalWaiter waiter;
        raise(static_cast<int>(signal));
        CHECK(waiter.wait() == signal);
    }
}

TEST_CASE("another thread ends the wait with nothing") {
    SignalWaiter waiter;
    std::thread other{[&] { waiter.wake(); }};
    CHECK(waiter.wait() == std::nullopt);
    other.join();
}

TEST_CASE("a wake-up before the wait is not lost, and a signal goes first") {
    SignalWaiter waiter;
    waiter.wake();
    raise(SIGTERM);
    CHECK(waiter.wait() == Signal::terminate);
    CHECK(waiter.wait() == std::nullopt);
}

TEST_CASE("SIGHUP is returned where it is taken, several as one, and does not stop anything") {
    SignalWaiter waiter{SignalWaiter::Hangup::taken};
    raise(SIGHUP);
    raise(SIGHUP);
    CHECK(waiter.wait() == Signal::hangup);
    raise(SIGHUP);
    raise(SIGTERM);
    CHECK(waiter.wait() == Signal::hangup);
    CHECK(waiter.wait() == Signal::terminate);
}

TEST_CASE("SIGHUP that is ignored stays so, unless it is taken anyway, and afterwards") {
    const int status = status_of_child([] {
        std::signal(SIGHUP, SIG_IGN);
        {
            SignalWaiter waiter;
            raise(SIGHUP);
            waiter.wake();
            if (waiter.wait() != std::nullopt) _exit(2);
        }
        {
            SignalWaiter waiter{SignalWaiter::Hangup::taken};
            raise(SIGHUP);
            if (waiter.wait() != Signal::hangup) _exit(3);
        }
        raise(SIGHUP);
        _exit(0);
    });
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(WIFEXITED(status));
}

TEST_CASE("SIGHUP ends the process again afterwards") {
    const int status = status_of_child([] {
        std::signal(SIGHUP, SIG_DFL);  // Whoever runs the tests may ignore it.
        {
            const SignalWaiter waiter;
            raise(SIGHUP);
        }
        raise(SIGHUP);
    });
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGHUP);
}

TEST_CASE("SIGPIPE is ignored") {
    SignalWaiter waiter;
    raise(SIGPIPE);
}

TEST_CASE("the second signal ends the process at once") {
    for (const int first : {SIGINT, SIGTERM}) {
        for (const int second : {SIGINT, SIGTERM}) {
            const int status = status_of_child([&] {
                SignalWaiter waiter;
                raise(first);
                static_cast<void>(waiter.wait());
                raise(second);
            });
            REQUIRE(WIFEXITED(status));
            CHECK(WEXITSTATUS(status) == 128 + second);
        }
    }
}

TEST_CASE("what was before is restored") {
    const int status = status_of_child([] {
        std::signal(SIGTERM, SIG_DFL);  // The test runner has its own handler.
        {
            SignalWaiter waiter;
            raise(SIGINT);
            static_cast<void>(waiter.wait());
        }
        raise(SIGTERM);
    });
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGTERM);
}

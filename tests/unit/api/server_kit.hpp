#pragma once
// What the API tests share: a server on each way to talk to the kernel, and a log of what handlers
// saw that tests can wait on.

#include <algorithm>
#include <condition_variable>
#include <doctest/doctest.h>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ringcast/ringcast.hpp"
#include "support/socket_client.hpp"

namespace ringcast {

using test::SocketClient;

/// A quiet server on a port of the kernel's choice.
inline Settings quiet(Io io = Io::automatic, std::uint32_t shards = 1) {
    Settings settings;
    settings.port = 0;
    settings.shards = shards;
    settings.pinning = Pinning::off;
    settings.io = io;
    settings.log_level = LogLevel::error;
    return settings;
}

/// Where `server`, which this starts, listens first.
inline std::string started(Server& server) {
    const auto result = server.start();
    REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error()));
    return server.addresses().at(0);
}

/// Runs `test(io)` on io_uring, where it can be used, and on epoll.
template <class Test>
void on_each_io(Test&& test) {
    static const bool has_uring = [] {
        Server server{quiet(Io::uring)};
        const auto started = server.start();
        if (!started) MESSAGE("io_uring is not tested here: " << started.error());
        return started.has_value();
    }();
    for (const Io io : {Io::uring, Io::epoll}) {
        if (io == Io::uring && !has_uring) continue;
        const std::string name = io == Io::uring ? "io_uring" : "epoll";
        CAPTURE(name);
        test(io);
    }
}

/// What handlers note, in order, from any shard.
class Journal {
public:
    void note(std::string entry) {
        const std::lock_guard lock{mutex_};
        entries_.push_back(std::move(entry));
        changed_.notify_all();
    }
    /// Waits until `entry` has been noted.
    void await(const std::string& entry) {
        std::unique_lock lock{mutex_};
        const bool came = changed_.wait_for(lock, test::patience, [&] {
            return std::ranges::find(entries_, entry) != entries_.end();
        });
        REQUIRE_MESSAGE(came, "never noted: " << entry);
    }
    [[nodiscard]] std::vector<std::string> entries() const {
        const std::lock_guard lock{mutex_};
        return entries_;
    }
    /// All entries, separated by blanks.
    [[nodiscard]] std::string text() const {
        std::string text;
        for (const std::string& entry : entries()) text += (text.empty() ? "" : " ") + entry;
        return text;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> entries_;
};

}  // namespace ringcast

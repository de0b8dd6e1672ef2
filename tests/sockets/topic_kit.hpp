#pragma once
// In which servers the tests of topics take place, and how much they do.

#include <cstdint>
#include <cstdlib>
#include <ostream>
#include <string_view>
#include <vector>

#include "sockets/sockets_kit.hpp"
#include "sockets/topic_crowd.hpp"

namespace ringcast::sockets {

struct Scene {
    std::uint32_t shards;
    /// Everything that queues or holds bytes is as small as it may be.
    bool is_minimal;

    friend std::ostream& operator<<(std::ostream& out, const Scene& scene) {
        return out << scene.shards << " shards" << (scene.is_minimal ? ", minimal queues" : "");
    }
};

inline std::vector<Scene> scenes() {
    return {{2, false}, {4, false}, {2, true}, {4, true}};
}

inline Settings settings_of(const Scene& scene) {
    Settings with = settings();
    with.shards = scene.shards;
    with.close_timeout = test::patience;
    // On a busy machine this process may read nothing for a while; being slow is no test here, but
    // where one sets its own limit.
    with.send_queue_bytes_max = 32_MiB;
    if (scene.is_minimal) {
        with.mesh_bytes = 64_KiB;
        with.buffers_count = 4;
        with.buffer_bytes = 2048;
        with.ring_submissions = 64;
        with.ring_completions = 128;
    }
    return with;
}

/// `usual`, or `full` if TOPICS_SIZE says so (scripts/crowd), for who has the time.
inline std::size_t sized(std::size_t usual, std::size_t full) {
    static const bool is_full = [] {
        const char* const size = std::getenv("TOPICS_SIZE");
        return size != nullptr && std::string_view{size} == "full";
    }();
    return is_full ? full : usual;
}

/// The same of what is done again and again (a test may need its number of clients, so not of
/// those), or as much of it as TOPICS_PERCENT says: sanitizers want less.
inline std::size_t scaled(std::size_t usual, std::size_t full) {
    static const std::size_t percent = [] {
        const char* const text = std::getenv("TOPICS_PERCENT");
        return text == nullptr ? std::size_t{100} : std::strtoul(text, nullptr, 10);
    }();
    return std::max<std::size_t>(sized(usual, full) * percent / 100, 1);
}

}  // namespace ringcast::sockets

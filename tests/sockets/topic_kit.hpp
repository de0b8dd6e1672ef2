#pragma once
// In which servers the tests of topics take place, and how much they do.

#include <cstdint>
#include <cstdlib>
#include <ostream>
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

/// `count`, as much of it as TOPICS_PERCENT says: 100 unless it is set. Sanitizers want
/// less, and who has time may want more.
inline std::size_t scaled(std::size_t count) {
    static const std::size_t percent = [] {
        const char* const text = std::getenv("TOPICS_PERCENT");
        return text == nullptr ? std::size_t{100} : std::strtoul(text, nullptr, 10);
    }();
    return std::max<std::size_t>(count * percent / 100, 1);
}

}  // namespace ringcast::sockets

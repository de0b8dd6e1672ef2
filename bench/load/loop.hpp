#pragma once
// The loop of the generator's one thread. A turn: let each crowd queue what is due, hand all of it
// to the kernel and wait, then give every crowd its events.

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "crowd.hpp"
#include "error.hpp"
#include "io.hpp"
#include "progress.hpp"

namespace ringcast::bench {

class Loop {
public:
    /// Both must outlive the loop.
    Loop(Io& io, Progress& progress) : io_(io), progress_(progress) {}

    /// `crowd`, which must outlive the loop, has the connections from `first_index` on, up to the
    /// next crowd's: add them in this order.
    void add(Crowd& crowd, std::uint32_t first_index);

    /// Runs for so long; whatever is under way then stays so. `part` ("measuring") says what for.
    /// Fails as crowds do.
    [[nodiscard]] Expected<void> run(std::string_view part, double seconds);
    /// Runs until `is_done`, which is asked after each turn.
    [[nodiscard]] Expected<void> run_until(std::string_view part,
                                           const std::function<bool()>& is_done);
    /// Lets all crowds come to their end and verify what they got.
    [[nodiscard]] Expected<void> finish();

    /// Latencies are recorded of what is due from now on, for so long.
    void measure(double seconds);
    /// In the order in which they were added.
    [[nodiscard]] const Crowd& crowd(std::size_t index) const { return *members_[index].crowd; }
    /// What each crowd has counted so far.
    [[nodiscard]] std::vector<std::uint64_t> counts() const;

private:
    struct Member {
        Crowd* crowd;
        std::uint32_t first_index;
    };

    void begin(std::string_view part);
    void start_all();
    [[nodiscard]] Expected<void> turn(Clock::time_point end);
    [[nodiscard]] std::vector<Count> named_counts() const;
    [[nodiscard]] const Member& member_of(std::uint32_t index) const noexcept;
    [[nodiscard]] std::unexpected<Error> failed(const Member& member, const Error& error) const;

    Io& io_;
    Progress& progress_;
    std::vector<Member> members_;
    bool started_ = false;
    Clock::time_point now_;  ///< When the events of this turn were there.
};

}  // namespace ringcast::bench

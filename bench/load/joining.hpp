#pragma once
// How connections subscribe where the path of the upgrade does not do it: after their 101 each says
// hello, if the protocol has that, waits for the server's greeting, names its topic, and is done
// with the server's welcome (subprotocol.hpp). All of that comes before the load.

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "error.hpp"
#include "fanout_load.hpp"
#include "io.hpp"
#include "options.hpp"
#include "packet_reader.hpp"
#include "progress.hpp"
#include "rig.hpp"
#include "subprotocol.hpp"

namespace ringcast::bench {

class Joining {
public:
    /// For connections in the order of FanoutOptions::connections(), `count` of them. `io`, `load`
    /// and `subprotocol` must outlive this.
    Joining(Io& io, const FanoutLoad& load, const Subprotocol& subprotocol, std::uint32_t count);

    /// Takes what the server has said to connection `index`, perhaps right behind its 101.
    [[nodiscard]] Expected<void> take_received(std::uint32_t index,
                                               std::span<const std::byte> bytes);
    /// Lets all open connections join. Afterwards the server owes them nothing and no operation is
    /// under way. Fails when none makes progress for `stall_timeout`.
    [[nodiscard]] Expected<void> run(std::chrono::nanoseconds stall_timeout, Progress& progress);

private:
    struct Connection {
        PacketState state;
        std::vector<std::byte> outbox;     ///< To be sent.
        std::vector<std::byte> in_flight;  ///< Being sent.
        bool is_joined = false;

        [[nodiscard]] bool has_heard_all() const noexcept {
            return state.is_welcome && state.is_between_deliveries();
        }
    };

    [[nodiscard]] Expected<void> take(const Event& event);
    void proceed(std::uint32_t index);

    Io& io_;
    const FanoutLoad& load_;
    PacketReader reader_;
    const std::string hello_;
    const ws::Opcode opcode_;
    std::vector<Connection> connections_;
    std::uint32_t joined_count_ = 0;
};

/// Opens all connections of a run, the probe's last, and lets each join its topic by what
/// `subprotocol` has for that.
[[nodiscard]] Expected<void> open_and_join(Rig& rig, const CommonOptions& common,
                                           const FanoutOptions& options, const FanoutLoad& load,
                                           const Subprotocol& subprotocol);

}  // namespace ringcast::bench

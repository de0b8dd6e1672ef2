#include "sim/faults.hpp"

namespace ringcast::sim {

std::string_view to_string(Fault fault) noexcept {
    switch (fault) {
        case Fault::accept_finished: return "accept_finished";
        case Fault::accept_emfile: return "accept_emfile";
        case Fault::accept_aborted: return "accept_aborted";
        case Fault::recv_partial: return "recv_partial";
        case Fault::recv_finished: return "recv_finished";
        case Fault::recv_exhausted: return "recv_exhausted";
        case Fault::recv_reset: return "recv_reset";
        case Fault::recv_deaf: return "recv_deaf";
        case Fault::send_partial: return "send_partial";
        case Fault::send_reset: return "send_reset";
        case Fault::quiet_partial: return "quiet_partial";
        case Fault::quiet_nothing: return "quiet_nothing";
        case Fault::completion_delayed: return "completion_delayed";
        case Fault::cancel_outrun: return "cancel_outrun";
        case Fault::turn_empty: return "turn_empty";
        case Fault::turn_late: return "turn_late";
        case Fault::clock_jump: return "clock_jump";
        case Fault::wake_spurious: return "wake_spurious";
        case Fault::wake_delayed: return "wake_delayed";
        case Fault::gather_short: return "gather_short";
        case Fault::segment_split: return "segment_split";
        case Fault::segment_late: return "segment_late";
    }
    return "unknown";
}

namespace {

/// The highest rate of a fault, of 1000. Low for those that end a connection or a lot of time, else
/// nothing would be left to see.
std::uint32_t per_mille_max(Fault fault) {
    switch (fault) {
        case Fault::recv_reset:
        case Fault::send_reset:
        case Fault::clock_jump: return 4;
        case Fault::accept_aborted:
        case Fault::wake_spurious: return 50;
        case Fault::turn_late:
        case Fault::segment_late: return 100;
        case Fault::accept_finished:
        case Fault::accept_emfile:
        case Fault::recv_finished:
        case Fault::recv_deaf:
        case Fault::recv_exhausted:
        case Fault::quiet_nothing:
        case Fault::completion_delayed:
        case Fault::turn_empty:
        case Fault::wake_delayed:
        case Fault::gather_short: return 400;
        case Fault::recv_partial:
        case Fault::send_partial:
        case Fault::quiet_partial:
        case Fault::cancel_outrun:
        case Fault::segment_split: return 900;
    }
    return 0;
}

}  // namespace

Faults Faults::swarm(std::uint64_t seed) {
    Faults faults{seed};
    if (faults.prng_.chance(1, 10)) return faults;  // A calm day.
    for (std::size_t i = 0; i < faults_count; ++i) {
        if (faults.prng_.chance(1, 2)) continue;
        const std::uint64_t highest = per_mille_max(static_cast<Fault>(i));
        faults.per_mille_[i] = static_cast<std::uint32_t>(1 + faults.prng_.below(highest));
    }
    return faults;
}

Faults Faults::calm() {
    return Faults{0};
}

Faults Faults::walk(std::uint64_t index) {
    Faults faults{0};
    faults.walk_ = index;
    return faults;
}

bool Faults::strikes(Fault fault) {
    const auto index = static_cast<std::size_t>(fault);
    const std::uint64_t decision = decisions_++;
    bool strikes = false;
    if (walk_) {
        strikes = decision == *walk_;
        if (strikes) struck_ = fault;
    } else {
        strikes = per_mille_[index] != 0 && prng_.chance(per_mille_[index], 1000);
    }
    if (strikes) ++counts_[index];
    return strikes;
}

void Faults::set(Fault fault, std::uint32_t per_mille) {
    per_mille_[static_cast<std::size_t>(fault)] = per_mille;
}

}  // namespace ringcast::sim

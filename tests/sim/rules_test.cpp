// The simulator tested on itself: the byte echo passes, and each rule is seen catching the mistake
// made for it.

#include "sim/rules.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <memory>
#include <vector>

#include "sim/echo_stub.hpp"
#include "sim/sim_ring.hpp"

namespace ringcast::sim {
namespace {

constexpr int turns_max = 20'000;

/// Sends octets and wants them back.
class ByteClient final : public Peer {
public:
    ByteClient(std::uint64_t seed, std::size_t bytes) : prng_{seed} {
        for (std::size_t i = 0; i < bytes; ++i)
            sent_.push_back(static_cast<std::byte>(prng_.next()));
    }

    void run(Wire wire, Instant) override {
        severed_ = wire.was_severed();
        const std::size_t chunk =
            std::min<std::size_t>(sent_.size() - written_, 1 + prng_.below(500));
        const std::size_t taken = wire.write(std::span{sent_}.subspan(written_, chunk));
        written_ += taken;
        // Without room the network says when there is some again.
        if (taken == chunk && written_ != sent_.size())
            wire.call_at(instant_after(prng_.below(100)));
        for (const std::byte value : wire.arrived()) {
            if (received_ == sent_.size() || value != sent_[received_]) {
                throw Violation{Rule::echoes_exact, "octet " + std::to_string(received_)};
            }
            ++received_;
        }
        wire.consume(wire.arrived().size());
        if (written_ == sent_.size()) wire.shutdown();
        if (wire.at_end() || wire.was_reset()) {
            done_ = true;
            wire.close();
        }
    }
    [[nodiscard]] bool is_done() const { return done_; }
    void check() const {
        if (!severed_ && received_ != sent_.size()) {
            throw Violation{Rule::echoes_complete,
                            std::to_string(received_) + " of " + std::to_string(sent_.size())};
        }
    }
    Network* network = nullptr;

private:
    [[nodiscard]] Instant instant_after(std::uint64_t us) const {
        return network->now() + std::chrono::microseconds{us};
    }

    Prng prng_;
    std::vector<std::byte> sent_;
    std::size_t written_ = 0, received_ = 0;
    bool severed_ = false, done_ = false;
};

/// One run of the stub; returns the hash of its trace.
std::uint64_t run_stub(Faults faults, std::uint64_t seed, Mistake mistake,
                       std::uint64_t* decisions = nullptr) {
    Prng prng{seed};
    Network network{prng.next(), faults};
    const int listener = network.listen();
    SimRing ring{network, faults, SimRingSettings::draw(prng), prng.next()};
    EchoStub stub{ring, listener, mistake};
    std::vector<std::unique_ptr<ByteClient>> clients;
    for (std::size_t i = 0; i < 4; ++i) {
        const std::uint64_t client_seed = prng.next();
        clients.push_back(std::make_unique<ByteClient>(client_seed, 1 + prng.below(10'000)));
        clients.back()->network = &network;
        const Link link{.latency = std::chrono::microseconds{prng.below(2000)},
                        .jitter = std::chrono::microseconds{prng.below(2000)},
                        .buffer_bytes = 200 + prng.below(8000)};
        const Instant start = network.now() + std::chrono::milliseconds{prng.below(50)};
        network.connect(*clients.back(), listener, start, link);
    }
    const auto run_until = [&](auto&& done) {
        for (int turn = 0; !done(); ++turn) {
            stub.turn();
            if (turn == turns_max || (ring.is_stuck() && !done())) {
                throw Violation{Rule::liveness, "the stub at turn " + std::to_string(turn)};
            }
        }
    };
    run_until([&] {
        return std::ranges::all_of(clients, [](const auto& client) { return client->is_done(); });
    });
    for (const auto& client : clients) client->check();
    stub.begin_shutdown();
    run_until([&] { return stub.finished(); });
    for (int i = 0; i < 2; ++i) (void)ring.turn({.until = ring.now()});
    if (!ring.idle()) throw Violation{Rule::end_state_empty, ring.what_is_left()};
    if (network.descriptors_open() != 1) throw Violation{Rule::end_state_empty, "descriptors"};
    if (decisions != nullptr) *decisions = faults.decisions();
    return ring.trace_hash();
}

/// The rule that the first of some seeds to fail breaks.
Rule rule_broken_by(Mistake mistake) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        try {
            run_stub(Faults::swarm(seed), seed, mistake);
        } catch (const Violation& violation) {
            return violation.rule();
        }
    }
    FAIL("no seed noticed mistake " << static_cast<int>(mistake));
    return Rule::liveness;
}

TEST_CASE("a byte echo that keeps the contract passes any weather") {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        CHECK_NOTHROW(run_stub(Faults::swarm(seed), seed, Mistake::none));
    }
}

TEST_CASE("the same seed gives the same trace, another seed another one") {
    const std::uint64_t first = run_stub(Faults::swarm(7), 7, Mistake::none);
    CHECK(run_stub(Faults::swarm(7), 7, Mistake::none) == first);
    CHECK(run_stub(Faults::swarm(8), 8, Mistake::none) != first);
}

TEST_CASE("a byte echo survives every single fault of a calm run") {
    std::uint64_t decisions = 1;
    std::uint64_t calm = 0;
    run_stub(Faults::calm(), 1, Mistake::none, &calm);
    std::uint64_t step = std::max<std::uint64_t>(1, calm / 400);
    for (std::uint64_t index = 0; index < decisions; index += step) {
        CAPTURE(index);
        CHECK_NOTHROW(run_stub(Faults::walk(index), 1, Mistake::none, &decisions));
    }
}

TEST_CASE("each rule catches the mistake made for it") {
    CHECK(rule_broken_by(Mistake::arms_twice) == Rule::one_receive_armed);
    CHECK(rule_broken_by(Mistake::sends_twice) == Rule::one_send_in_flight);
    CHECK(rule_broken_by(Mistake::reuses_memory) == Rule::memory_unchanged);
    CHECK(rule_broken_by(Mistake::keeps_slices) == Rule::slice_lifetime);
    CHECK(rule_broken_by(Mistake::sends_slices) == Rule::slice_lifetime);
    CHECK(rule_broken_by(Mistake::writes_behind_slice) == Rule::slice_bounds);
    CHECK(rule_broken_by(Mistake::closes_early) == Rule::close_is_a_join);
    CHECK(rule_broken_by(Mistake::cancels_another) == Rule::well_formed);
    CHECK(rule_broken_by(Mistake::flips_octet) == Rule::echoes_exact);
    CHECK(rule_broken_by(Mistake::repeats_shortfall) == Rule::echoes_exact);
    CHECK(rule_broken_by(Mistake::never_rearms) == Rule::liveness);
    CHECK(rule_broken_by(Mistake::leaks) == Rule::liveness);
    CHECK(rule_broken_by(Mistake::spins) == Rule::liveness);
}

TEST_CASE("no submission names a descriptor that is not open") {
    Faults faults = Faults::calm();
    Network network{1, faults};
    SimRing ring{network, faults, {}, 1};
    ring.recv({}, network.listen() + 1);
    try {
        (void)ring.turn({.until = ring.now()});
        FAIL("not noticed");
    } catch (const Violation& violation) {
        CHECK(violation.rule() == Rule::open_descriptor);
    }
}

TEST_CASE("lost bytes are noticed, as a hole or as an end that comes too early") {
    const Rule rule = rule_broken_by(Mistake::loses_shortfall);
    CHECK((rule == Rule::echoes_exact || rule == Rule::echoes_complete));
}

}  // namespace
}  // namespace ringcast::sim

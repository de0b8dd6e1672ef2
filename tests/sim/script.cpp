#include "sim/script.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sim/message_frames.hpp"
#include "sim/pick.hpp"
#include "sim/violations.hpp"
#include "support/deflate_client.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {

std::string_view to_string(Behaviour behaviour) noexcept {
    switch (behaviour) {
        case Behaviour::lockstep: return "lockstep";
        case Behaviour::pipelined: return "pipelined";
        case Behaviour::fragmented: return "fragmented";
        case Behaviour::slow_reader: return "slow_reader";
        case Behaviour::pauser: return "pauser";
        case Behaviour::half_closer: return "half_closer";
        case Behaviour::lingerer: return "lingerer";
        case Behaviour::violator: return "violator";
        case Behaviour::refused: return "refused";
        case Behaviour::sleeper: return "sleeper";
        case Behaviour::stopper: return "stopper";
        case Behaviour::resetter: return "resetter";
        case Behaviour::vanisher: return "vanisher";
        case Behaviour::flooder: return "flooder";
    }
    return "unknown";
}

namespace {

using Kind = Step::Kind;

/// Builds one script, step by step.
class Writer {
public:
    Writer(Prng& prng, Behaviour behaviour, const ServerLimits& limits, std::string offer)
        : prng_{prng}, limits_{limits} {
        script.behaviour = behaviour;
        script.offer = std::move(offer);
    }

    void handshake() {
        test::UpgradeRequest request{.target = "/echo"};
        if (prng_.chance(1, 4))
            request.fields = "X-Filler: " + std::string(prng_.below(300), 'x') + "\r\n";
        if (!script.offer.empty()) request.fields += test::offer_line(script.offer);
        write(test::encode(request));
        // An impatient client speaks before it has heard the answer; a FIN that early would be the
        // end of it.
        const bool must_wait = script.behaviour == Behaviour::half_closer;
        if (must_wait || prng_.chance(3, 4)) script.steps.push_back({.kind = Kind::await_response});
    }

    /// One message in one frame or several, perhaps with pings around and between.
    void message(bool fragmented) {
        Owed owed = draw_message();
        if (!script.offer.empty()) return message_to_encode(std::move(owed), fragmented);
        const auto between = [&] {
            return prng_.chance(1, fragmented ? 3 : 10) ? ping() : std::string{};
        };
        std::string bytes = encode_message(prng_, owed, fragmented, between);
        script.owed.push_back(std::move(owed));
        write(std::move(bytes));
    }

    void messages(std::uint64_t count_max, bool fragmented, bool in_lockstep) {
        for (std::uint64_t left = prng_.below(count_max + 1); left > 0; --left) {
            message(fragmented);
            if (in_lockstep) await_echoes();
        }
    }

    /// Small and all apart.
    void witnessed_messages(std::size_t count, Duration pause_max) {
        while (script.owed.size() < count) {
            const std::string payload = text(prng_.below(100));
            if (script.offer.empty()) {
                write(test::encode(test::ClientFrame{.payload = payload, .key = key()}));
            } else {
                script.steps.push_back({.kind = Kind::write_message,
                                        .message = script.owed.size(),
                                        .frames_seed = prng_.next()});
            }
            script.owed.push_back({.opcode = test::opcode_text, .payload = payload});
            await_echoes();
            pause(Duration{static_cast<Duration::rep>(
                prng_.below(static_cast<std::uint64_t>(pause_max.count())))});
        }
    }

    void await_echoes() {
        script.steps.push_back({.kind = Kind::await_echoes, .echoes = script.owed.size()});
    }
    void pause(Duration duration) {
        script.steps.push_back({.kind = Kind::pause, .duration = duration});
    }
    void step(Kind kind) { script.steps.push_back({.kind = kind}); }

    void write(std::string bytes) {
        if (!script.steps.empty() && script.steps.back().kind == Kind::write &&
            prng_.chance(3, 4)) {
            script.steps.back().bytes += bytes;
        } else {
            script.steps.push_back({.kind = Kind::write, .bytes = std::move(bytes)});
        }
    }

    /// The closing handshake, begun by the client; the server answers with the same code.
    void close() {
        constexpr std::uint16_t codes[] = {0, 1000, 1001, 1003, 1011, 3000, 4999};
        const std::uint16_t code = codes[prng_.below(std::size(codes))];
        write(test::encode(test::ClientFrame{
            .opcode = test::opcode_close,
            .payload = code == 0 ? std::string{}
                                 : test::close_payload(code, prng_.chance(1, 2) ? "bye" : ""),
            .key = key()}));
        script.close_codes = {code};
        script.closes = true;
    }

    /// Ends all writing after a random octet; what was to be awaited is not awaited any more.
    void cut() {
        std::size_t bytes = 0;
        for (const Step& each : script.steps) bytes += bytes_of(each);
        std::size_t left = prng_.below(bytes + 1);
        auto end = script.steps.begin();
        for (; end != script.steps.end() && left >= bytes_of(*end); ++end) left -= bytes_of(*end);
        if (end != script.steps.end()) {
            end->bytes_max = left;
            ++end;
        }
        script.steps.erase(end, script.steps.end());
        script.may_break = true;
        script.is_complete = false;
        script.status = 0;
    }

    [[nodiscard]] test::ClientKey key() { return draw_key(prng_); }

    Script script;

private:
    /// One that may be compressed: its octets are known only when the server has answered.
    void message_to_encode(Owed owed, bool fragmented) {
        Step step{.kind = Kind::write_message,
                  .message = script.owed.size(),
                  .is_fragmented = fragmented,
                  .frames_seed = prng_.next()};
        for (std::uint64_t left = prng_.below(fragmented ? 3 : 2); left > 0; --left)
            step.pings.push_back(draw_ping());
        script.owed.push_back(std::move(owed));
        script.steps.push_back(std::move(step));
    }

    /// As far as is known.
    [[nodiscard]] std::size_t bytes_of(const Step& step) const {
        return step.kind == Kind::write_message ? script.owed[step.message].payload.size()
                                                : step.bytes.size();
    }

    std::string ping() {
        const std::string payload = draw_ping();
        return test::encode(
            test::ClientFrame{.opcode = test::opcode_ping, .payload = payload, .key = key()});
    }

    std::string draw_ping() {
        script.pings.push_back(
            text(prng_.chance(1, 4) ? prng_.below(126) : prng_.below(8)).substr(0, 125));
        return script.pings.back();
    }

    /// Mostly small; sometimes at a boundary of the length encodings or at the limit.
    std::size_t draw_size() {
        constexpr std::size_t boundaries[] = {0,   1,    125,  126,  127,   128,   255,  256,
                                              300, 4091, 4092, 4096, 16384, 65535, 65536};
        std::size_t size = prng_.below(301);
        if (prng_.chance(1, 4)) size = prng_.below(20);
        if (prng_.chance(1, 6)) size = boundaries[prng_.below(std::size(boundaries))];
        if (prng_.chance(1, 20)) size = limits_.message_bytes_max - prng_.below(3);
        return std::min(size, limits_.message_bytes_max);
    }

    Owed draw_message() {
        if (prng_.chance(1, 2)) return {.opcode = test::opcode_text, .payload = text(draw_size())};
        std::string bytes(draw_size(), '\0');
        for (char& c : bytes) c = static_cast<char>(prng_.next());
        return {.opcode = test::opcode_binary, .payload = std::move(bytes)};
    }

    /// Well-formed UTF-8 of at most `size` octets, of one to four octets per character.
    std::string text(std::size_t size) {
        constexpr std::string_view characters[] = {
            "a", "Z", "7", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\x8d"};
        std::string result;
        while (result.size() < size) {
            const std::string_view next = characters[prng_.below(std::size(characters))];
            result += result.size() + next.size() <= size ? next : std::string_view{"."};
        }
        return result;
    }

    Prng& prng_;
    const ServerLimits& limits_;
};

void write_violation(Writer& writer, Prng& prng, const ServerLimits& limits) {
    const Violating violating = draw_frame_violation(prng, limits, !writer.script.offer.empty());
    writer.write(violating.bytes);
    writer.script.close_codes = {violating.close_code};
    if (!prng.chance(1, 4)) return;
    // More frames, on their way before the server's Close has come. They are not processed.
    writer.write(test::encode(
        test::ClientFrame{.payload = std::string(prng.below(200), 'x'), .key = writer.key()}));
}

void write_refused(Writer& writer, Prng& prng, const ServerLimits& limits) {
    const Refused refused = draw_request_violation(prng, limits);
    writer.write(refused.bytes);
    writer.script.status = refused.status;
}

}  // namespace

Script draw_witness_script(Prng& prng, const ServerLimits& limits, std::string offer) {
    Writer writer{prng, Behaviour::lockstep, limits, std::move(offer)};
    writer.handshake();
    writer.step(Kind::await_response);
    writer.witnessed_messages(40, std::chrono::milliseconds{pick<int>(prng, {1, 1, 50, 2000})});
    writer.close();
    return std::move(writer.script);
}

Script draw_script(Prng& prng, Behaviour behaviour, const ServerLimits& limits, std::string offer) {
    Writer writer{prng, behaviour, limits, std::move(offer)};
    Script& script = writer.script;
    if (behaviour == Behaviour::refused) {
        write_refused(writer, prng, limits);
        return std::move(script);
    }
    writer.handshake();
    bool fragmented = false;
    switch (behaviour) {
        case Behaviour::lockstep:
            writer.messages(12, false, true);
            writer.close();
            break;
        case Behaviour::pipelined:
            writer.messages(25, false, false);
            writer.close();
            break;
        case Behaviour::fragmented:
            writer.messages(10, true, false);
            writer.close();
            break;
        case Behaviour::slow_reader:
            script.read_bytes_max = 200 + prng.below(2000);
            script.read_interval = std::chrono::milliseconds{1 + prng.below(40)};
            writer.messages(25, prng.chance(1, 2), false);
            writer.await_echoes();
            writer.close();
            break;
        case Behaviour::pauser:
            writer.messages(3, true, false);
            writer.pause(std::chrono::seconds{30 + prng.below(300)});
            writer.messages(3, true, true);
            writer.close();
            break;
        case Behaviour::half_closer:
            writer.messages(15, prng.chance(1, 2), false);
            writer.step(Kind::shut_down);
            break;
        case Behaviour::lingerer:
            writer.messages(5, false, true);
            script.close_codes = {limits.shutdown_code};
            break;
        case Behaviour::violator:
            // One draw a statement: the order of arguments is the compiler's choice.
            fragmented = prng.chance(1, 2);
            writer.messages(10, fragmented, prng.chance(1, 2));
            write_violation(writer, prng, limits);
            script.answers = prng.chance(1, 2);
            break;
        case Behaviour::refused: break;
        case Behaviour::sleeper:
            writer.messages(5, false, false);
            script.answers = false;
            script.close_codes = {1001};
            break;
        case Behaviour::stopper:
            writer.messages(5, true, false);
            writer.cut();
            script.answers = false;
            break;
        case Behaviour::resetter:
            writer.messages(10, true, prng.chance(1, 2));
            writer.cut();
            if (prng.chance(1, 2)) writer.pause(std::chrono::milliseconds{prng.below(100)});
            writer.step(Kind::reset);
            script.answers = false;
            break;
        case Behaviour::vanisher:
            writer.messages(10, true, prng.chance(1, 2));
            writer.cut();
            writer.step(Kind::close);
            script.answers = false;
            break;
        case Behaviour::flooder:
            writer.step(Kind::stop_reading);
            for (int i = 0; i < 8; ++i) writer.messages(25, false, false);
            script.answers = false;
            script.is_complete = false;
            script.may_break = true;
            script.status = 0;
            break;
    }
    return std::move(script);
}

}  // namespace ringcast::sim

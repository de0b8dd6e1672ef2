#pragma once
// The publishers of `publish`: each keeps one request to the server API outstanding, over one
// connection, and has channels of its own, so that it knows each answer: a result for each channel,
// and with a history the offset behind the one before.
//
//   POST /api/publish    {"channel":"bench-0-0","data":"xx"}                   one channel
//   POST /api/broadcast  {"channels":["bench-0-0","bench-0-1"],"data":"xx"}    more

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crowd.hpp"
#include "error.hpp"
#include "handshake.hpp"
#include "histogram.hpp"
#include "io.hpp"
#include "options.hpp"

namespace ringcast::bench {

class PublishClients final : public Crowd {
public:
    /// Opens the connections of `io` from 0 on with `opener`, which is for nobody else; both must
    /// outlive the crowd. `url` is that of the API.
    PublishClients(Io& io, Opener& opener, const Url& url, const PublishOptions& options,
                   std::chrono::nanoseconds stall_timeout);

    [[nodiscard]] std::string_view name() const noexcept override { return "publish"; }
    [[nodiscard]] std::string_view unit() const noexcept override { return "publication"; }
    /// Those that were answered.
    [[nodiscard]] std::uint64_t count() const noexcept override {
        return answers_ * options_.channels;
    }
    /// Of requests, from handing one to the kernel to having all of its answer.
    [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }

    void start(Clock::time_point now) override { stall_.reset(now); }
    void measure(const Interval& interval) noexcept override { measured_ = interval; }
    [[nodiscard]] Expected<void> act(Clock::time_point now) override;
    [[nodiscard]] Clock::time_point next_due(Clock::time_point otherwise) const noexcept override {
        return otherwise;
    }
    [[nodiscard]] Expected<void> handle(const Event& event, Clock::time_point now) override;
    [[nodiscard]] Expected<void> check(Clock::time_point now) override;
    void stop(Clock::time_point) override { is_stopping_ = true; }
    [[nodiscard]] bool is_finished() const noexcept override {
        return is_stopping_ && outstanding_ == 0;
    }

private:
    struct Connection {
        Clock::time_point sent_at;
        std::span<const std::byte> unsent;      ///< Of its request.
        std::string text;                       ///< What has come of its answer.
        std::optional<std::uint64_t> offset{};  ///< That its channels have come to.
        bool is_over = false;  ///< The server said so: it closes, and there is another one.
    };

    [[nodiscard]] Expected<void> open(std::uint32_t index, Clock::time_point now);
    [[nodiscard]] Expected<void> take(const Event& event, Clock::time_point now);
    [[nodiscard]] Expected<void> take_received(const Event& event, Clock::time_point now);
    [[nodiscard]] Expected<void> take_sent(const Event& event);
    void send(std::uint32_t index, Clock::time_point now);

    Io& io_;
    Opener& opener_;
    PublishOptions options_;
    std::vector<std::string> requests_;  ///< Of each connection: always the same.
    std::vector<Connection> connections_;
    StallWatch stall_;
    Interval measured_;
    bool is_stopping_ = false;
    std::uint32_t opened_ = 0;
    std::uint32_t outstanding_ = 0;  ///< Answers, and ends of connections that are over.
    std::uint64_t answers_ = 0;
    Histogram latency_;
};

/// The request that connection `index` sends.
[[nodiscard]] std::string publish_request(const Url& url, const PublishOptions& options,
                                          std::uint32_t index);

/// Checks the text of an answer for so many channels, the last one of which had the offset
/// `offset`; then that is the new one. Without one before, or a history, it is not known.
[[nodiscard]] Expected<void> check_publish_answer(std::string_view body, std::uint32_t channels,
                                                  std::optional<std::uint64_t>& offset);

}  // namespace ringcast::bench

#include "server/demo_prices.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/core.h>

#include "base/assert.hpp"
#include "server/start_thread.hpp"

namespace ringcast::server {
namespace {

// Parts of the price, for each step. With these a price moves by about a hundredth of itself in a
// minute of five steps a second: enough to see, and of no resemblance to anything.
constexpr double noise = 0.0006;
constexpr double trend_share = 0.04;  ///< Of the noise, that lasts.
constexpr double trend_kept = 0.97;
constexpr double return_share = 0.002;  ///< Of the way back to the first price.
constexpr std::array<std::int64_t, DemoPrices::topics.size()> first_prices{12'000, 4'850, 31'200};

std::int64_t milliseconds_now() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

PriceWalk::PriceWalk(std::uint64_t seed, std::int64_t first) noexcept
    : prng_{seed}, first_{static_cast<double>(first)}, price_{first_} {
    RC_ASSERT(first >= 100);
}

std::int64_t PriceWalk::next() noexcept {
    // Three throws together are nearly a normal distribution, from -3 to 3, of variance 1.
    double thrown = 0;
    for (int i = 0; i < 3; ++i)
        thrown += static_cast<double>(prng_.below(2'000'001)) / 1'000'000 - 1;
    trend_ = trend_kept * trend_ + trend_share * noise * thrown;
    price_ += price_ * (noise * thrown + trend_) + return_share * (first_ - price_);
    price_ = std::clamp(price_, first_ / 2, first_ * 2);
    return std::llround(price_);
}

std::string quote_text(std::int64_t milliseconds, std::int64_t price) {
    return fmt::format(R"({{"t":{},"price":{}.{:02}}})", milliseconds, price / 100, price % 100);
}

std::array<TopicNamespace, 2> demo_namespaces() {
    return {TopicNamespace{.name = "chat",
                           .history_size = 200,
                           .history_ttl = std::chrono::hours{24},
                           .presence = true,
                           .join_leave = true,
                           .subscribe = TopicAudience::anyone,
                           .publish = TopicAudience::anyone},
            TopicNamespace{.name = "prices",
                           .history_size = 60 * DemoPrices::quotes_per_second,
                           .history_ttl = std::chrono::minutes{1},
                           .subscribe = TopicAudience::anyone,
                           .slow_consumer = SlowConsumer::latest}};
}

std::expected<std::unique_ptr<DemoPrices>, std::string> DemoPrices::start(Publisher publisher) {
    std::unique_ptr<DemoPrices> prices{new DemoPrices{std::move(publisher)}};
    auto thread = start_thread([self = prices.get()] { self->run(); });
    if (!thread) return std::unexpected{std::move(thread.error())};
    prices->thread_ = *std::move(thread);
    return prices;
}

DemoPrices::~DemoPrices() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{mutex_};
        is_stopped_ = true;
    }
    stopped_.notify_one();
    thread_.join();
}

void DemoPrices::run() {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds pause{1000 / quotes_per_second};
    const auto seed = static_cast<std::uint64_t>(milliseconds_now());
    std::array walks{PriceWalk{seed, first_prices[0]}, PriceWalk{seed + 1, first_prices[1]},
                     PriceWalk{seed + 2, first_prices[2]}};
    std::unique_lock lock{mutex_};
    while (!stopped_.wait_until(lock, Clock::now() + pause, [this] { return is_stopped_; })) {
        if (!publish_all(walks)) return;
    }
}

bool DemoPrices::publish_all(std::array<PriceWalk, topics.size()>& walks) {
    for (std::size_t i = 0; i < topics.size(); ++i) {
        // A price that finds no room is as good as never made up.
        const std::string quote = quote_text(milliseconds_now(), walks[i].next());
        if (publisher_.publish(topics[i], quote) == PublishStatus::closed) return false;
    }
    return true;
}

}  // namespace ringcast::server

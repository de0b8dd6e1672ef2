#pragma once
// The prices that --demo publishes: made up, `quotes_per_second` of each, by a thread of its own
// through the public API as any program would. They are topics of the namespace `prices`, which
// only the server publishes to, and texts such as {"t":1764200000000,"price":101.25}, `t` in
// milliseconds since 1970.

#include <array>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/prng.hpp"
#include "ringcast/topic_namespace.hpp"
#include "ringcast/topics.hpp"

namespace ringcast::server {

/// A made-up price: it wanders, and is drawn back to where it began, so that it never leaves the
/// range from a half to twice that.
class PriceWalk {
public:
    /// `first` is in hundredths, and at least 100.
    PriceWalk(std::uint64_t seed, std::int64_t first) noexcept;
    /// The next price, in hundredths.
    std::int64_t next() noexcept;

private:
    Prng prng_;
    double first_;
    double price_;
    double trend_ = 0;
};

/// Hundredths as {"t":...,"price":...}.
[[nodiscard]] std::string quote_text(std::int64_t milliseconds, std::int64_t price);

/// Publishes from start() until it is destroyed, or until the server stops.
class DemoPrices {
public:
    static constexpr int quotes_per_second = 5;
    static constexpr std::array<std::string_view, 3> topics{"prices:amber", "prices:basalt",
                                                            "prices:cedar"};

    /// The error is one sentence.
    [[nodiscard]] static std::expected<std::unique_ptr<DemoPrices>, std::string> start(
        Publisher publisher);
    ~DemoPrices();
    DemoPrices(const DemoPrices&) = delete;
    DemoPrices& operator=(const DemoPrices&) = delete;

private:
    explicit DemoPrices(Publisher publisher) noexcept : publisher_{std::move(publisher)} {}
    void run();
    /// False once the server takes no more.
    bool publish_all(std::array<PriceWalk, topics.size()>& walks);

    Publisher publisher_;  ///< The thread's, while there is one.
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable stopped_;
    bool is_stopped_ = false;  ///< Under the mutex.
};

/// Where the demo's page chats, and where it gets its prices from: of those a minute is kept, as
/// much as its chart shows, and who is behind wants the newest.
[[nodiscard]] std::array<TopicNamespace, 2> demo_namespaces();

}  // namespace ringcast::server

#include "advice/capacity.hpp"

#include <doctest/doctest.h>

#include "advice/capacity_answer.hpp"
#include "dialect/json.hpp"
#include "shard/connection.hpp"

using namespace ringcast;
using namespace ringcast::advice;

namespace {

Load load_of(std::uint64_t connections, std::uint64_t message_bytes = 64, double rate = 1000) {
    return {.connections = connections, .message_bytes = message_bytes, .rate = rate};
}

bool has_line(const Capacity& capacity, std::string_view key) {
    for (const Line& line : capacity.lines)
        if (line.key == key) return true;
    return false;
}

server::Exit answer(std::vector<std::string> arguments) {
    return answer_capacity(
        {.arguments = std::move(arguments),
         .environment = {},
         .read_file = [](const std::string&) -> std::expected<std::string, std::string> {
             return std::unexpected{std::string{"No such file"}};
         }});
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("a connection costs what the code says, and an entry of a table on epoll") {
    server::Options options;
    const double slot = Slab<shard::Connection>::bytes_per_slot;
    CHECK(estimate(load_of(1000), options).line("connections").value == 1000 * slot);
    options.io = server::IoChoice::epoll;
    const double entry = static_cast<double>(ring::bytes_per_connection(ring::Backend::epoll));
    CHECK(entry > 0);
    const double on_epoll = estimate(load_of(1000), options).line("connections").value / 1000;
    CHECK(on_epoll >= slot + entry);
    CHECK(on_epoll <= slot + 2 * entry);
}

TEST_CASE("every figure has a source, and every measurement the command that repeats it") {
    server::Options options;
    options.compression = Compression::dedicated;
    Load load = load_of(10'000, 1024);
    load.subscribers = 100;
    load.topics = 50;
    load.tls = true;
    const Capacity capacity = estimate(load, options);
    for (const Line& line : capacity.lines) {
        CAPTURE(line.key);
        CHECK_FALSE(line.how.empty());
        if (line.source == nullptr) continue;
        if (line.source->text.starts_with("measured: ")) {
            const bool names_command = contains(line.source->text, "ringcast-bench") ||
                                       contains(line.source->text, "/proc/");
            CHECK(names_command);
        } else {
            CHECK(line.source->mark == "code");
        }
    }
    const std::string text = to_text(capacity);
    CHECK(contains(text, "[idle-tls]"));
    CHECK(contains(text, "ringcast-bench fanout"));
}

TEST_CASE("TLS, compression and topics cost only those who use them") {
    server::Options options;
    const Capacity plain = estimate(load_of(10'000, 1024), options);
    for (const char* key : {"tls", "compression", "contexts", "subscriptions", "topics"})
        CHECK_FALSE(has_line(plain, key));
    Load load = load_of(10'000, 1024);
    load.tls = true;
    const Capacity secure = estimate(load, options);
    CHECK(secure.idle_bytes > plain.idle_bytes + 10'000 * 5'000);
    CHECK(secure.line("cores").value > plain.line("cores").value);
    options.compression = Compression::shared;
    const Capacity compressed = estimate(load_of(10'000, 1024), options);
    CHECK(compressed.line("cores").value > plain.line("cores").value);
    CHECK(compressed.line("to_clients").value < plain.line("to_clients").value);
    // Shorter than --compression-threshold.
    CHECK(estimate(load_of(10'000, 100), options).line("cores").value ==
          estimate(load_of(10'000, 100), server::Options{}).line("cores").value);
}

TEST_CASE("contexts are kept as long as their memory lasts") {
    server::Options options;
    options.compression = Compression::dedicated;
    options.shards = 2;
    const double few = estimate(load_of(10), options).line("contexts").value;
    CHECK(estimate(load_of(20), options).line("contexts").value == 2 * few);
    const double many = estimate(load_of(1'000'000), options).line("contexts").value;
    CHECK(many <= 2.0 * static_cast<double>(options.compression_memory_max));
    CHECK(many > 1.9 * static_cast<double>(options.compression_memory_max));
}

TEST_CASE("time per message grows with its length, on every path") {
    server::Options options;
    options.compression = Compression::shared;
    for (const auto io : {ring::Backend::uring, ring::Backend::epoll}) {
        for (const bool tls : {false, true}) {
            const Setup setup{.backend = io, .tls = tls, .options = options};
            for (const Work work : {Work::echo, Work::publication, Work::delivery}) {
                double last = 0;
                for (std::uint64_t bytes = 1; bytes <= (1 << 20); bytes *= 2) {
                    const double time = time_of(work, setup, bytes).microseconds;
                    CHECK(time >= last);
                    last = time;
                }
            }
        }
    }
}

TEST_CASE("each message is published once, and delivered to each of its subscribers") {
    server::Options options;
    options.ping_interval = Duration{};
    Load load = load_of(1000, 64, 100);
    load.subscribers = 500;
    const Setup setup{.options = options};
    const double publication = time_of(Work::publication, setup, 64).microseconds;
    const double delivery = time_of(Work::delivery, setup, 64).microseconds;
    CHECK(estimate(load, options).line("cores").value ==
          doctest::Approx(100 * (publication + 499 * delivery) / 1e6));
    CHECK(load.rate_out() == 50'000);
}

TEST_CASE("messages that come alone take more, and never more than there is") {
    server::Options options;
    options.shards = 2;
    const Capacity quiet = estimate(load_of(1000, 64, 1000), options);
    CHECK(quiet.line("cores_alone").value > quiet.line("cores").value);
    CHECK(quiet.line("cores_alone").value < 2);
    CHECK(estimate(load_of(1000, 64, 1e9), options).line("cores_alone").value == 2);
}

TEST_CASE("there are as many shards as the load needs, or as were asked for") {
    server::Options options;
    CHECK(estimate(load_of(1000, 64, 1), options).shards == 1);
    const Capacity busy = estimate(load_of(1000, 64, 1e6), options);
    CHECK(busy.shards >= 2);
    CHECK(busy.line("cores").value / busy.shards <= load_max);
    CHECK(busy.line("cores").value / (busy.shards - 1) > load_max);
    CHECK(estimate(load_of(1000, 64, 1e12), options).shards == 64);
    options.shards = 3;
    CHECK(estimate(load_of(1000, 64, 1e6), options).shards == 3);
}

TEST_CASE("so many open files are just enough") {
    server::Options options;
    options.shards = 4;
    for (const bool direct_descriptors : {false, true}) {
        options.direct_descriptors = direct_descriptors;
        const Capacity capacity = estimate(load_of(100'000), options);
        CHECK((capacity.files < 100'000) == direct_descriptors);
        server::FileNeeds needs = file_needs(options, 4);
        needs.connections_max = 100'000;
        needs.file_limit = capacity.files;
        CHECK(server::plan_connections(needs).has_value());
        needs.file_limit -= 1;
        CHECK_FALSE(server::plan_connections(needs).has_value());
    }
}

TEST_CASE("what may wait is limited by client, then by shard") {
    server::Options options;
    options.shards = 1;
    const double few = estimate(load_of(10), options).line("queues").value;
    CHECK(few ==
          10.0 * static_cast<double>(options.send_queue_bytes_max + options.message_bytes_max));
    CHECK(estimate(load_of(1'000'000), options).line("queues").value ==
          static_cast<double>(options.message_memory_max));
}

TEST_CASE("on the wire a message has its frame, its record and the packets' headers") {
    CHECK(wire_of(20, false, false).bytes == 20 + 2 + 66);
    CHECK(wire_of(20, true, false).bytes == 20 + 6 + 66);
    CHECK(wire_of(20, false, true).bytes == 20 + 2 + 22 + 66);
    CHECK(wire_of(200, false, false).bytes == 200 + 4 + 66);
    CHECK(wire_of(0, false, false).packets == 1);
    CHECK(wire_of(1446, false, false).packets == 2);
    CHECK(wire_of(100'000, false, true).bytes > 100'000 + 70 * 66 + 7 * 22);
}

TEST_CASE("for machines there is one line of JSON, with every figure") {
    const server::Exit exit =
        answer({"--connections", "5000", "--message-bytes", "1KiB", "--rate", "0.5", "--json"});
    CHECK(exit.code == 0);
    CHECK(exit.text.find('\n') == exit.text.size() - 1);
    CHECK(dialect::is_json(exit.text));
    CHECK(contains(exit.text, R"("rate":0.5,"subscribers":null,)"));
    CHECK(contains(exit.text, R"({"key":"connections","value":1440000,"unit":"bytes",)"));
}

TEST_CASE("a load that is too much for the shards is no answer like another") {
    const auto text = [](const char* rate, const char* form) {
        return answer({"--connections", "5000", "--message-bytes", "1KiB", "--shards", "2",
                       "--rate", rate, form})
            .text;
    };
    CHECK(contains(text("1e7", "--tls"), "'1e7'"));
    CHECK(contains(text("10000000", "--tls"), "\nThat is too much for 2 shards: it takes "));
    CHECK(contains(text("10000000", "--json"), R"("too_much":true,"measured_on":"a virtual)"));
    CHECK_FALSE(contains(text("1000", "--tls"), "too much"));
    CHECK(contains(text("1000", "--json"), R"("too_much":false,)"));
}

TEST_CASE("mistakes are one line that says what would have been right") {
    const auto mistake = [](std::vector<std::string> more) {
        std::vector<std::string> arguments{"--connections", "100", "--rate=1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const server::Exit exit = answer(std::move(arguments));
        CHECK(exit.code == server::Exit::usage);
        return exit.text;
    };
    CHECK(mistake({}) == "ringcast: capacity needs --message-bytes SIZE, see --help\n");
    CHECK(mistake({"--message-bytes"}) ==
          "ringcast: --message-bytes needs a value: --message-bytes SIZE\n");
    CHECK(contains(mistake({"--message-bytes", "20x"}), "--message-bytes: '20x'"));
    CHECK(contains(mistake({"--message-bytes", "1MiB"}), "more than --message-bytes-max 64KiB"));
    CHECK(contains(mistake({"--message-bytes", "1", "--rate", "2"}), "--rate is given twice"));
    CHECK(contains(mistake({"--message-bytes", "1", "--topics", "5"}), "--subscribers"));
    CHECK(contains(mistake({"--message-bytes", "1", "--subscribers", "101"}), "--connections 100"));
    CHECK(contains(mistake({"--message-bytes", "1", "--subscribers", "0"}), "'0'"));
    CHECK(contains(mistake({"--message-bytes", "1", "--subscribers", "100", "--topics", "129"}),
                   "--subscriptions-max"));
    CHECK(contains(mistake({"--message-bytes", "1", "--subscribers", "1", "--topics", "1000001"}),
                   "--topics-max 1000000"));
    CHECK(contains(mistake({"--message-bytes", "1", "--shards", "65"}), "--shards"));
    CHECK(mistake({"--message-byte", "1"}) ==
          "ringcast: unknown flag --message-byte; did you mean --message-bytes?\n");
    for (const char* rate : {"-1", "inf", "nan", "1e3x", "", "fast", "1e300"}) {
        CAPTURE(rate);
        const server::Exit exit =
            answer({"--connections=1", "--message-bytes=1", std::string{"--rate="} + rate});
        CHECK(exit.code == server::Exit::usage);
    }
}

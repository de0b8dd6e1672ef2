#include "ws/deflate.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "support/deflate_data.hpp"
#include "support/deflate_reference.hpp"
#include "ws/inflate.hpp"

namespace ringcast::ws {

namespace {

using test::Inflated;
using test::json_like;
using test::noise;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}

/// What `compressor` (Deflater, Deflation) makes of `message`, with room for any payload; empty if
/// it is to be sent as it is.
template <class Compressor>
std::string payload_of(Compressor& compressor, const std::string& message) {
    // In memory of its own, so that a sanitizer sees a write past its end.
    std::vector<char> target(message.size() + 4);
    const std::size_t size =
        compressor.deflate(bytes_of(message), std::as_writable_bytes(std::span{target}));
    CHECK((size == 0 || size < message.size()));
    return {target.data(), size};
}
std::string shared_payload(Deflaters& deflaters, const std::string& message, int window_bits) {
    std::vector<char> target(message.size() + 4);
    const std::size_t size =
        deflaters.deflate(bytes_of(message), std::as_writable_bytes(std::span{target}),
                          static_cast<std::uint8_t>(window_bits));
    return {target.data(), size};
}

/// A client: it reads payloads one after the other, with a window of its own.
class Client {
public:
    explicit Client(int window_bits, bool takes_over = true)
        : distance_max_{std::size_t{1} << window_bits}, takes_over_{takes_over} {}
    void check(const std::string& payload, const std::string& message) {
        const Inflated inflated =
            test::reference_inflate_message(payload, takes_over_ ? context_ : "");
        CHECK(inflated.end == Inflated::End::between_blocks);
        if (inflated.output != message) FAIL_CHECK("a message of " << message.size() << " octets");
        CHECK(inflated.distance_max <= distance_max_);
        context_ += message;
        if (context_.size() > 1u << 15) context_.erase(0, context_.size() - (1u << 15));
    }

private:
    std::size_t distance_max_;
    bool takes_over_;
    std::string context_;
};

/// Repeats itself at every distance to 32 KiB: what a window forbids would be used.
std::string echoing(std::size_t size) {
    std::string text = json_like(300) + noise(200);
    for (unsigned seed = 0; text.size() < size; ++seed) {
        text += text.substr(text.size() % 97, 150) + noise(20 + seed % 50, seed) +
                text.substr(text.size() / 2, 150);
    }
    text.resize(size);
    return text;
}

Deflater::Settings settings_of(int window_bits, int memory_level, int level) {
    return {.window_bits = static_cast<std::uint8_t>(window_bits),
            .memory_level = static_cast<std::uint8_t>(memory_level),
            .level = static_cast<std::uint8_t>(level)};
}

}  // namespace

TEST_CASE("no window is exceeded, at any level, with and without takeover: not one of 256 octets") {
    for (int bits = 8; bits <= 15; ++bits) {
        for (int level = 1; level <= 9; ++level) {
            CAPTURE(bits);
            CAPTURE(level);
            std::size_t memory = 0;
            Deflater deflater{settings_of(bits, 1 + (bits + level) % 9, level), memory};
            Client client{bits};
            for (const std::size_t size : {100u, 300u, 1000u, 5000u, 40000u}) {
                for (const std::string& message : {echoing(size), json_like(size, 3)}) {
                    const std::string payload = payload_of(deflater, message);
                    if (!payload.empty()) client.check(payload, message);
                    if (payload.empty()) client = Client{bits};
                }
            }
            Deflaters deflaters{{.level = static_cast<std::uint8_t>(level)}};
            Client alone{bits, false};
            for (const std::size_t size : {300u, 4096u, 4097u, 40000u})
                alone.check(shared_payload(deflaters, echoing(size), bits), echoing(size));
        }
    }
}

TEST_CASE("a repetition beyond the window is not referred to") {
    for (const int level : {1, 6}) {
        Deflaters deflaters{{.level = static_cast<std::uint8_t>(level)}};
        for (int bits = 8; bits <= 15; ++bits) {
            for (const int beyond : {-20, 0, 1, 20}) {
                const std::string repeated = json_like(100);
                const auto distance = static_cast<std::size_t>((1 << bits) + beyond);
                // Between them few characters in any order, so that a block has codes of its own.
                std::string between = noise(distance - repeated.size());
                for (char& c : between) c = "wxyz"[c & 3];
                const std::string message = repeated + between + repeated;
                Client{bits, false}.check(shared_payload(deflaters, message, bits), message);
            }
        }
    }
}

TEST_CASE("zlib reads what is written with a window of 256 octets, with one of 256 octets") {
    std::size_t memory = 0;
    Deflater deflater{settings_of(8, 8, 6), memory};
    z_stream zlib{};
    REQUIRE(inflateInit2(&zlib, -8) == Z_OK);
    for (int i = 0; i < 20; ++i) {
        const std::string message = echoing(5000);
        std::string payload = payload_of(deflater, message) + std::string("\0\0\xff\xff", 4);
        REQUIRE(payload.size() > 4);
        std::string out;
        zlib.next_in = reinterpret_cast<Bytef*>(payload.data());
        zlib.avail_in = static_cast<uInt>(payload.size());
        // Little by little, so that it cannot look back into what it has put out.
        while (zlib.avail_in > 0) {
            std::array<char, 13> room;
            zlib.next_out = reinterpret_cast<Bytef*>(room.data());
            zlib.avail_out = room.size();
            REQUIRE(inflate(&zlib, Z_SYNC_FLUSH) == Z_OK);
            out.append(room.data(), room.size() - zlib.avail_out);
        }
        CHECK(out == message);
    }
    inflateEnd(&zlib);
}

TEST_CASE("messages of all sizes come back from an inflater of ours") {
    for (const bool takes_over : {false, true}) {
        Deflaters deflaters{{}};
        Inflaters inflaters;
        Deflation deflation{deflaters, {.server_no_context_takeover = !takes_over}};
        Inflation inflation{inflaters, {.client_no_context_takeover = !takes_over}};
        int compressed = 0;
        const auto check = [&](const std::string& message) {
            const std::string payload = payload_of(deflation, message);
            if (payload.empty()) return;
            ++compressed;
            std::vector<std::byte> room(message.size() + 1);
            const auto step = inflation.inflate(bytes_of(payload), room);
            const std::string_view out{reinterpret_cast<const char*>(room.data()), step.produced};
            if (!step.is_valid || !inflation.end_message() || out != message)
                FAIL_CHECK(message.size() << " octets");
        };
        for (std::size_t size = 0; size <= 300; ++size) {
            check(json_like(size, 7));
            check(noise(size, 7));
        }
        for (std::size_t size = 512; size <= 1u << 20; size *= 2) {
            for (const std::size_t around : {size - 1, size, size + 1}) check(json_like(around));
            check(noise(size));
        }
        CHECK(compressed > 200);
    }
}

TEST_CASE("a payload is what plain zlib makes of the message, without its last four octets") {
    for (const int bits : {9, 12, 15}) {
        std::size_t memory = 0;
        Deflater deflater{settings_of(bits, 8, 6), memory};
        test::ZlibSender zlib{bits};
        for (unsigned i = 0; i < 20; ++i) {
            const std::string message = json_like(200 + i * 100, i % 3);
            CHECK(payload_of(deflater, message) == zlib.payload(message));
        }
    }
}

TEST_CASE("what does not become smaller is not compressed, and leaves no context behind") {
    std::size_t memory = 0;
    Deflater deflater{settings_of(15, 8, 1), memory};
    CHECK(payload_of(deflater, "").empty());
    CHECK(payload_of(deflater, "a").empty());
    CHECK(payload_of(deflater, noise(100)).empty());
    CHECK(payload_of(deflater, noise(100000)).empty());
    Client client{15};
    const std::string message = json_like(500);
    client.check(payload_of(deflater, message), message);
    CHECK(payload_of(deflater, noise(1000)).empty());
    Client{15}.check(payload_of(deflater, message), message);
}

TEST_CASE("the target is never left, and too small a one is no compression") {
    std::size_t memory = 0;
    Deflater deflater{settings_of(15, 8, 1), memory};
    const std::string message = json_like(500);
    const std::string whole = payload_of(deflater, message);
    for (std::size_t room = 0; room <= whole.size() + 10; ++room) {
        deflater.restart();
        std::vector<std::byte> target(room);
        const std::size_t size = deflater.deflate(bytes_of(message), target);
        CHECK(size == (room > whole.size() + 4 ? whole.size() : 0));
    }
}

TEST_CASE("streams without context may come between those of a context (compress once)") {
    Deflaters deflaters{{}};
    Deflation deflation{deflaters, {}};
    Client client{15};
    for (unsigned i = 0; i < 30; ++i) {
        const std::string own = json_like(400 + i, i % 4);
        client.check(payload_of(deflation, own), own);
        if (i % 3 == 0) {
            const std::string publication = json_like(600, i % 5);
            client.check(shared_payload(deflaters, publication, deflation.window_bits()),
                         publication);
            deflation.sent_without_context();
        }
    }
}

TEST_CASE("one payload serves all windows of a class, and each is of the next smaller one") {
    Deflaters deflaters{{}};
    for (const std::size_t size : {100u, 4096u, 4097u, 50000u}) {
        const std::string message = echoing(size);
        for (int bits = 8; bits <= 15; ++bits) {
            const auto window_bits = static_cast<std::uint8_t>(bits);
            const std::uint8_t window = Deflaters::window_class(window_bits, size);
            CHECK((window <= bits || (bits == 8 && window == 9)));
            CHECK(Deflaters::window_class(window, size) == window);
            CHECK(shared_payload(deflaters, message, bits) ==
                  shared_payload(deflaters, message, window));
        }
    }
    CHECK(Deflaters::window_class(15, 1000) == Deflaters::window_class(12, 1000));
    CHECK(Deflaters::window_class(15, 10000) != Deflaters::window_class(12, 10000));
}

TEST_CASE("shared compressors are made once and stay within their bound") {
    Deflaters deflaters{{.level = 6}};  // All of zlib's.
    CHECK(deflaters.shared_bytes() == 0);
    const auto use_all = [&deflaters] {
        for (const std::size_t size : {1000u, 10000u}) {
            for (int bits = 8; bits <= 15; ++bits)
                CHECK_FALSE(shared_payload(deflaters, json_like(size), bits).empty());
        }
    };
    use_all();
    const std::size_t bytes = deflaters.shared_bytes();
    CHECK(bytes > 1u << 20);
    CHECK(bytes <= 3u << 19);
    use_all();
    CHECK(deflaters.shared_bytes() == bytes);
    CHECK(deflaters.dedicated_bytes() == 0);
}

TEST_CASE("a connection's compressor is made for its first message, and its memory comes back") {
    Deflaters deflaters{{}};
    {
        Deflation none{deflaters, {.server_no_context_takeover = true}};
        CHECK_FALSE(payload_of(none, json_like(1000)).empty());
        CHECK(none.memory_bytes() == 0);
        Deflation large{deflaters, {}};
        CHECK(large.memory_bytes() == 0);
        CHECK_FALSE(payload_of(large, json_like(1000)).empty());
        CHECK(large.memory_bytes() > 256u << 10);
        CHECK(large.memory_bytes() < 280u << 10);
        CHECK(deflaters.dedicated_bytes() == large.memory_bytes());
    }
    CHECK(deflaters.dedicated_bytes() == 0);
    Deflaters frugal{{.dedicated_memory_level = 5}};
    Deflation small{frugal, {.server_max_window_bits = 12}};
    CHECK_FALSE(payload_of(small, json_like(1000)).empty());
    CHECK(small.memory_bytes() < 42u << 10);
}

TEST_CASE("beyond the budget the shared compressor does a connection's work") {
    constexpr std::size_t budget = 1u << 20;
    Deflaters deflaters{{.dedicated_bytes_max = budget}};
    std::vector<std::unique_ptr<Deflation>> connections;
    std::vector<Client> clients(10, Client{15});
    for (int i = 0; i < 10; ++i)
        connections.push_back(std::make_unique<Deflation>(deflaters, DeflateParameters{}));
    for (int round = 0; round < 5; ++round) {
        // From the third round on there is room for more.
        if (round == 2) connections[0].reset();
        for (std::size_t i = round < 2 ? 0 : 1; i < connections.size(); ++i) {
            const std::string message = json_like(500);
            clients[i].check(payload_of(*connections[i], message), message);
        }
        CHECK(deflaters.dedicated_bytes() <= budget);
        CHECK(deflaters.dedicated_bytes() > budget / 2);
    }
    CHECK(connections[9]->memory_bytes() == 0);
    connections.clear();
    CHECK(deflaters.dedicated_bytes() == 0);
}

}  // namespace ringcast::ws

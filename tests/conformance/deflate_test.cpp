// Compressed messages come back (RFC 7692 section 7.2): the suite's groups 12 and 13, windows of
// every size, contexts taken over and not.

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/deflate_kit.hpp"
#include "support/deflate_reference.hpp"

using namespace ringcast;
using namespace ringcast::conformance;

namespace {

/// A file of the suite's kind and size; messages are slices of it.
struct Corpus {
    const char* name;
    std::uint8_t opcode;
    std::string octets;
    bool shrinks = true;
};

std::string prose_like(std::size_t size) {
    constexpr std::string_view words[] = {"der ",
                                          "Himmel ",
                                          "war ",
                                          "\xfc"
                                          "ber ",
                                          "und ",
                                          "nicht ",
                                          "Stra\xdf"
                                          "e, ",
                                          "wie ",
                                          "ein ",
                                          "Regen. "};
    const std::string choices = binary_payload(size, 11);
    std::string out;
    for (std::size_t i = 0; out.size() < size; ++i)
        out += words[static_cast<unsigned char>(choices[i]) % std::size(words)];
    out.resize(size);
    return out;
}

std::string page_like(std::size_t size) {
    std::string out = "<!DOCTYPE html><html><body>";
    for (std::size_t i = 0; out.size() < size; ++i)
        out += "<tr class=\"row-" + std::to_string(i % 7) + "\"><td>" +
               std::to_string(i * 2654435761u) + "</td></tr>\n";
    out.resize(size);
    return out;
}

std::string bitmap_like(std::size_t size) {
    std::string out = binary_payload(size, 12);
    // Runs, as of pixels, with some noise between.
    for (std::size_t i = 0; i < size; ++i) out[i] = i % 64 < 50 ? out[i / 64 * 64] : out[i];
    return out;
}

std::vector<Corpus> corpora() {
    std::vector<Corpus> made{
        {"12.1 JSON", test::opcode_text, test::json_like(194'056)},
        {"12.2 bitmap", test::opcode_binary, bitmap_like(263'222)},
        {"12.3 prose", test::opcode_binary, prose_like(222'218)},
        {"12.4 page", test::opcode_text, page_like(263'647)},
        {"12.5 streams of a PDF", test::opcode_binary, binary_payload(1'042'328, 13), false},
    };
    return made;
}

struct Size {
    std::size_t bytes, fragment_bytes;
};
constexpr Size sizes[] = {
    {16, 0},         {64, 0},         {256, 0},          {1024, 0},     {4096, 0},
    {8192, 0},       {16'384, 0},     {32'768, 0},       {65'536, 0},   {131'072, 0},
    {8192, 256},     {16'384, 256},   {32'768, 256},     {65'536, 256}, {131'072, 256},
    {131'072, 1024}, {131'072, 4096}, {131'072, 32'768},
};

/// Of a thousand: in a short run no more than 64 KiB of them, but two, so that contexts matter.
std::size_t echoes_of(std::size_t bytes) {
    return echoes(std::clamp<std::size_t>(65'536 / bytes, 2, 40));
}

/// The eighteen rows of one corpus with one offer.
void echo_slices(const EchoServer& server, const Corpus& corpus, const std::string& offers) {
    CAPTURE(corpus.name);
    CAPTURE(offers);
    for (const auto& [bytes, fragment_bytes] : sizes) {
        CAPTURE(bytes);
        CAPTURE(fragment_bytes);
        DeflateClient peer{server, offers};
        std::size_t at = 0;
        for (std::size_t i = 0; i < echoes_of(bytes); ++i, at += bytes) {
            if (at + bytes > corpus.octets.size()) at = i % 97;
            peer.expect_echo(corpus.opcode, corpus.octets.substr(at, bytes), fragment_bytes);
            if (corpus.shrinks && bytes >= 1024) CHECK(peer.was_compressed);
        }
        peer.client.close();
    }
}

/// How far back the last message refers, if `before` are the messages before it.
std::size_t distance_of(const DeflateClient& peer, const std::string& before) {
    const auto read = test::reference_inflate_message(peer.payload, before);
    CHECK((read.end == test::Inflated::End::between_blocks));
    return read.distance_max;
}

const std::string autobahn = plain_offer + "; client_no_context_takeover; client_max_window_bits";

}  // namespace

TEST_CASE("12: five kinds of data in eighteen sizes and fragmentations") {
    for (const Compression mode : modes) {
        const EchoServer server{compressing(mode)};
        for (const Corpus& corpus : corpora()) echo_slices(server, corpus, autobahn);
    }
}

TEST_CASE("13: JSON, with each of the suite's seven offers") {
    const Corpus json = corpora().front();
    for (const Compression mode : modes) {
        const EchoServer server{compressing(mode)};
        for (const char* more : {"", "; server_no_context_takeover", "; server_max_window_bits=9",
                                 "; server_max_window_bits=15",
                                 "; server_no_context_takeover; server_max_window_bits=9",
                                 "; server_no_context_takeover; server_max_window_bits=15"}) {
            echo_slices(server, json, autobahn + more);
        }
        echo_slices(server, json,
                    autobahn + "; server_no_context_takeover; server_max_window_bits=9, " +
                        autobahn + "; server_no_context_takeover, " + autobahn);
    }
}

TEST_CASE("contexts of both sides, taken over and not, in all combinations") {
    for (const Compression mode : modes) {
        const EchoServer server{compressing(mode)};
        for (const char* ours : {"", "; server_no_context_takeover"}) {
            for (const char* theirs : {"", "; client_no_context_takeover"}) {
                const std::string offer = plain_offer + ours + theirs;
                CAPTURE(offer);
                DeflateClient peer{server, offer};
                const std::string message = hexadecimal(1000, 14);
                for (int i = 0; i < 5; ++i) {
                    peer.expect_echo(test::opcode_binary, message);
                    // What has been said before takes a few octets, if one may refer to it.
                    const bool refers_back = i > 0 && !peer.has("server_no_context_takeover");
                    CHECK((peer.payload.size() < 100) == refers_back);
                }
                peer.client.close();
            }
        }
    }
}

TEST_CASE("a window of 8 to 15 bits is what the server's messages keep to") {
    for (const Compression mode : modes) {
        const EchoServer server{compressing(mode)};
        for (int bits = 8; bits <= 15; ++bits) {
            CAPTURE(bits);
            DeflateClient peer{server,
                               plain_offer + "; server_max_window_bits=" + std::to_string(bits)};
            const std::size_t window_bytes = std::size_t{1} << bits;
            std::string before;
            std::size_t distance = 0;
            // Each repeats what was said well within the window, and just beyond it.
            for (const std::size_t period : {window_bytes / 4, window_bytes + 300}) {
                const std::string part = hexadecimal(period, 15);
                for (int i = 0; i < 2; ++i) {
                    const std::string message = part + part.substr(0, part.size() / 2);
                    peer.expect_echo(test::opcode_text, message);
                    if (!peer.was_compressed) continue;
                    distance = std::max(distance, distance_of(peer, before));
                    if (!peer.has("server_no_context_takeover")) before += message;
                }
            }
            CHECK(distance <= window_bytes);
            CHECK(distance >= window_bytes / 4);
            peer.client.close();
        }
    }
}

TEST_CASE("a window of 8 to 15 bits is what a client may keep to") {
    for (const Compression mode : modes) {
        const EchoServer server{compressing(mode)};
        for (int bits = 8; bits <= 15; ++bits) {
            CAPTURE(bits);
            DeflateClient peer{server,
                               plain_offer + "; client_max_window_bits=" + std::to_string(bits)};
            for (int i = 0; i < 4; ++i) {
                // zlib writes 9 bits where 8 were agreed on: then nothing may lie that far back.
                peer.expect_echo(test::opcode_text, test::json_like(bits == 8 ? 200 : 40'000, 16));
                if (bits == 8) peer.forget();
            }
            peer.client.close();
        }
    }
}

TEST_CASE("a compressed message may be cut anywhere, with control frames between") {
    for (const Compression mode : modes) {
        const EchoServer server{compressing(mode)};
        DeflateClient peer{server, plain_offer};
        const std::string message = test::json_like(500, 17);
        std::size_t cut = 0;
        for (std::size_t size = 1; cut < size; ++cut) {
            peer.forget();
            const std::string payload = peer.compressed(message);
            size = payload.size();
            peer.client.write(
                encode(ClientFrame{
                    .payload = payload.substr(0, cut), .fin = false, .reserved_bits = 4}) +
                test::ping_frame("between") + test::continuation_frame(payload.substr(cut), true));
            CHECK(peer.client.message(test::opcode_pong) == "between");
            check_same(peer.message(test::opcode_text), message);
        }
        CHECK(cut > 10);
        const std::string payload = peer.compressed(message);
        for (std::size_t i = 0; i < payload.size(); ++i) {
            peer.client.write(
                encode(ClientFrame{.opcode = i == 0 ? test::opcode_text : test::opcode_continuation,
                                   .payload = payload.substr(i, 1),
                                   .fin = i + 1 == payload.size(),
                                   .reserved_bits = static_cast<std::uint8_t>(i == 0 ? 4 : 0)}));
        }
        check_same(peer.message(test::opcode_text), message);
        peer.client.close();
    }
}

TEST_CASE("lengths 0 to 300, each compressed and not, in one piece") {
    for (const Compression mode : modes) {
        const EchoServer server{compressing(mode)};
        DeflateClient peer{server, plain_offer};
        std::string wire;
        for (std::size_t size = 0; size <= 300; ++size) {
            const std::string message = text_payload(size, 18);
            wire += DeflateClient::frames_of(test::opcode_text, peer.compressed(message));
            wire += test::text_frame(message);  // Section 6: that is allowed at any time.
        }
        peer.client.write(wire);
        for (std::size_t size = 0; size <= 300; ++size) {
            CAPTURE(size);
            const std::string message = text_payload(size, 18);
            check_same(peer.message(test::opcode_text), message);
            check_same(peer.message(test::opcode_text), message);
        }
        peer.client.close();
    }
}

TEST_CASE("16 MiB, compressed, come back") {
    const EchoServer server{compressing(Compression::shared, 16_MiB)};
    DeflateClient peer{server, plain_offer};
    const std::string message = test::json_like(16_MiB, 19);
    peer.expect_echo(test::opcode_text, message);
    peer.client.close();
}

TEST_CASE("messages below the threshold are not compressed, nor any without an agreement") {
    Settings with = compressing(Compression::dedicated);
    with.compression_threshold = 100;
    const EchoServer server{with};
    DeflateClient peer{server, plain_offer};
    for (const std::size_t size : {99u, 100u}) {
        peer.send(test::opcode_text, std::string(size, 'a'));
        CHECK(peer.client.frame().is_compressed == (size == 100));
    }
    peer.client.close();
    Client plain = opened(server);
    plain.write(test::text_frame(std::string(1000, 'a')));
    CHECK(!plain.frame().is_compressed);
    plain.close();
}

// Any octets as what a TLS client sends, cut anywhere. The first octet chooses:
//   0: raw octets to a fresh stream: the outcome must not depend on the cuts;
//   1: octets in the place of, or behind, a true client's last flight;
//   2: a script for a true client: data, key updates, octets changed or left out on the way. The
//      stream finds a prefix of what was sent, all of it if nothing was touched.
// The second is a seed for the cuts and the version.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "support/tls_client.hpp"

namespace {

using namespace ringcast;

const tls::Context& context() {
    static const tls::Context context = test::context_of(test::issue({}));
    return context;
}

const tls::TicketKeys& keys() {
    static const tls::TicketKeys keys{Instant{}, test::fill_from_test_generator};
    return keys;
}

test::TlsClientOptions options_of(std::uint8_t seed) {
    const int version = (seed & 1) != 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    return {.version_min = version, .version_max = version};
}

std::size_t cut_of(std::uint8_t seed) {
    constexpr std::array<std::size_t, 4> cuts{1, 7, 300, SIZE_MAX};
    return cuts[seed >> 1 & 3];
}

/// More of them in a row are an attack.
constexpr std::size_t key_updates_taken = 32;

/// Beyond, texts are small: fed octet by octet, more takes seconds and shows nothing new.
constexpr std::size_t large_texts_bytes_max = 100'000;

/// A client never gets through with octets that it does not encrypt.
void feed_raw(std::uint8_t seed, std::string_view octets) {
    test::TlsServer whole{context(), keys()}, cut{context(), keys()};
    whole.feed(octets);
    cut.feed(octets, cut_of(seed));
    RC_ASSERT(whole.event.found == cut.event.found);
    RC_ASSERT(whole.event.reason == cut.event.reason);
    RC_ASSERT(whole.plaintext.empty() && cut.plaintext.empty());
    RC_ASSERT(whole.output.bytes.empty() == cut.output.bytes.empty());
}

void feed_after_flights(std::uint8_t seed, std::string_view octets) {
    test::TlsClient client{options_of(seed)};
    test::TlsServer server{context(), keys()};
    server.feed(client.take_output());
    if ((seed & 8) != 0) {
        client.feed(server.take_output());
        server.feed(client.take_output());
        RC_ASSERT(server.stream.is_open());
    }
    server.feed(octets, cut_of(seed));
    RC_ASSERT(server.plaintext.empty());
    if (server.stream.is_open()) RC_ASSERT(server.write("answer"));
}

void run_script(std::uint8_t seed, std::string_view script) {
    test::TlsClient client{options_of(seed)};
    test::TlsServer server{context(), keys()};
    exchange(client, server, cut_of(seed));
    RC_ASSERT(client.is_open() && server.stream.is_open());
    std::string sent;
    bool is_touched = false;
    std::size_t key_updates = 0;
    for (; script.size() >= 2 && !server.is_over(); script.remove_prefix(2)) {
        const auto size = static_cast<std::uint8_t>(script[1]);
        std::string ciphertext;
        switch (script[0] & 7) {
            case 0:
            case 1: {
                const bool is_large = (script[0] & 8) != 0 && sent.size() < large_texts_bytes_max;
                const std::string text(size * (is_large ? 200u : 1u), script[1]);
                client.send(text);
                sent += text;
                ciphertext = client.take_output();
                if (!text.empty()) key_updates = 0;
                break;
            }
            case 2:
                if ((seed & 1) != 0) break;
                client.send_key_update();
                ciphertext = client.take_output();
                is_touched |= ++key_updates > key_updates_taken;
                break;
            case 3:  // An octet changed.
                client.send("x");
                sent += 'x';
                ciphertext = client.take_output();
                ciphertext[size % ciphertext.size()] ^=
                    static_cast<char>(1 << (script[0] >> 5 & 7));
                is_touched = true;
                break;
            case 4:  // Octets left out.
                client.send("yyy");
                sent += "yyy";
                ciphertext = client.take_output();
                ciphertext.resize(size % ciphertext.size());
                is_touched = true;
                break;
            case 5:
                ciphertext = script.substr(0, size);
                is_touched = true;
                break;
            case 6:
                if (server.stream.is_open()) RC_ASSERT(server.write(std::string(size, 'z')));
                break;
            case 7:
                if (size < 8) server.stream.close(server.output);
                is_touched |= size < 8;
                break;
        }
        server.feed(ciphertext, cut_of(seed));
    }
    RC_ASSERT(std::string_view{sent}.starts_with(server.plaintext));
    if (!is_touched) RC_ASSERT(server.plaintext == sent && !server.is_over());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view octets{reinterpret_cast<const char*>(data) + 2, size - 2};
    switch (data[0] % 3) {
        case 0: feed_raw(data[1], octets); break;
        case 1: feed_after_flights(data[1], octets); break;
        default: run_script(data[1], octets); break;
    }
    return 0;
}

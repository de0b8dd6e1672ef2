#include "sim/tls_end.hpp"

#include <algorithm>
#include <utility>

#include "sim/pick.hpp"

namespace ringcast::sim {

namespace {

constexpr std::size_t encrypted_at_once_max = 64 << 10;

test::TlsClientOptions draw_options(Prng& prng) {
    test::TlsClientOptions options;
    if (prng.chance(1, 3)) options.version_max = TLS1_2_VERSION;
    return options;
}

}  // namespace

TlsEnd::TlsEnd(Prng prng, std::size_t record_bytes)
    : prng_{prng},
      record_bytes_max_{record_bytes > 0 ? record_bytes
                                         : pick<std::size_t>(prng_, {8, 200, 2000, 16 << 10})},
      client_{draw_options(prng_)} {
    take_output();
}

std::size_t TlsEnd::encrypt(std::span<const std::byte> plaintext) {
    if (!ciphertext_.empty() || !is_open() || has_finished_ || !error().empty()) return 0;
    const std::size_t size = std::min(plaintext.size(), encrypted_at_once_max);
    std::string_view rest{reinterpret_cast<const char*>(plaintext.data()), size};
    while (!rest.empty()) {
        const std::string_view record = rest.substr(0, 1 + prng_.below(record_bytes_max_));
        client_.send(record);
        rest.remove_prefix(record.size());
    }
    take_output();
    return size;
}

void TlsEnd::decrypt(std::span<const std::byte> ciphertext) {
    client_.feed({reinterpret_cast<const char*>(ciphertext.data()), ciphertext.size()});
    take_output();
}

std::span<const std::byte> TlsEnd::plaintext() const noexcept {
    return std::as_bytes(std::span{client_.received()}).subspan(consumed_);
}

bool TlsEnd::finish() {
    const std::uint64_t manner = prng_.below(3);
    if (!std::exchange(has_finished_, true) && manner > 0 && is_open()) {
        client_.close();
        take_output();
    }
    return manner < 2;
}

const shard::TlsMaterial& tls_material() {
    static const test::Certified certificate =
        test::issue({.names = "DNS:a.example", .key_kind = test::KeyKind::ed25519});
    static const shard::TlsMaterial material{
        .context = test::context_of(certificate),
        .ticket_keys = {Instant{}, test::fill_from_test_generator}};
    return material;
}

}  // namespace ringcast::sim

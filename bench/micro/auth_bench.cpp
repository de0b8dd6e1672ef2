// What a token costs before it is accepted: the signature of each algorithm, and the claims.

#include <benchmark/benchmark.h>
#include <chrono>
#include <string>
#include <string_view>

#include "auth/key_set.hpp"
#include "auth/verify.hpp"
#include "base/assert.hpp"
#include "support/token_signer.hpp"

namespace {

using namespace ringcast;

constexpr std::chrono::sys_seconds now{std::chrono::seconds{1'700'000'000}};
constexpr std::string_view claims =
    R"({"sub":"42","exp":1893456000,"iat":1700000000,"info":{"name":"Ann"},"channels":["news"]})";

auth::KeySet keys_of(const test::TokenSigner& signer) {
    auth::KeySources sources;
    if (!signer.secret().empty()) {
        sources.current.secrets.push_back({"", Secret{std::string_view{signer.secret()}}});
    } else {
        sources.current.public_keys.push_back({"", Secret{std::string_view{signer.public_pem()}}});
    }
    auto loaded = auth::KeySet::load(sources);
    RC_ASSERT(loaded.has_value());
    return std::move(loaded->keys);
}

void verify(benchmark::State& state, auth::Algorithm algorithm) {
    const test::TokenSigner signer{algorithm};
    const auth::KeySet keys = keys_of(signer);
    const std::string token = signer.sign(claims);
    for (auto _ : state) {
        const auto verified = auth::verify_connection(token, keys, {}, now);
        RC_ASSERT(verified.has_value());
    }
}

/// What somebody without a key can make the server do: as much, but for the claims.
void refuse(benchmark::State& state, auth::Algorithm algorithm) {
    const auth::KeySet keys = keys_of(test::TokenSigner{algorithm});
    const std::string token = test::TokenSigner{algorithm, std::string(64, 'x')}.sign(claims);
    for (auto _ : state) {
        const auto verified = auth::verify_connection(token, keys, {}, now);
        RC_ASSERT(!verified.has_value());
    }
}

void register_all() {
    using enum auth::Algorithm;
    for (const auth::Algorithm algorithm : {hs256, hs512, rs256, ps256, es256, es384, es512, eddsa})
        benchmark::RegisterBenchmark(("verify/" + std::string{to_string(algorithm)}).c_str(),
                                     verify, algorithm);
    benchmark::RegisterBenchmark("refuse/HS256", refuse, hs256);
}

}  // namespace

int main(int argument_count, char** arguments) {
    register_all();
    benchmark::Initialize(&argument_count, arguments);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

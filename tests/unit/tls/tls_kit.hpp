#pragma once
// What most tests of the layer begin with.

#include "support/tls_certificates.hpp"
#include "support/tls_client.hpp"

namespace ringcast::tls {

/// One server for all tests of a file: making keys takes time.
inline const test::Certified& test_server() {
    static const test::Certified server = test::issue({.names = "DNS:a.example"});
    return server;
}

inline const Context& test_context() {
    static const Context context = test::context_of(test_server());
    return context;
}

inline const TicketKeys& test_keys() {
    static const TicketKeys keys{Instant{}, test::fill_from_test_generator};
    return keys;
}

/// A connection that is through its handshake.
struct Connected {
    explicit Connected(const test::TlsClientOptions& options = {},
                       const Context& context = test_context(),
                       const TicketKeys& keys = test_keys())
        : client{options}, server{context, keys} {
        exchange(client, server);
        RC_ASSERT(client.is_open() && server.stream.is_open());
    }

    test::TlsClient client;
    test::TlsServer server;
};

/// A handshake that is to fail.
struct Refused {
    explicit Refused(const test::TlsClientOptions& options, const Context& context = test_context())
        : client{options}, server{context, test_keys()} {
        exchange(client, server);
    }
    [[nodiscard]] Reason reason() const noexcept { return server.event.reason; }

    test::TlsClient client;
    test::TlsServer server;
};

/// Text in which no two places look alike.
inline std::string varied_text(std::size_t size) {
    std::string text;
    while (text.size() < size) text += std::to_string(text.size()) + ',';
    text.resize(size);
    return text;
}

constexpr int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

inline test::TlsClientOptions only(int version) {
    return {.version_min = version, .version_max = version};
}

}  // namespace ringcast::tls

#include "tls/context.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "tls/callbacks.hpp"
#include "tls/credentials.hpp"
#include "tls/openssl.hpp"

namespace ringcast::tls {

namespace {

/// A client's certificates in one handshake, in bytes; ours are not counted.
constexpr long client_chain_bytes_max = 32 << 10;

constexpr unsigned fingerprint_bytes = 32;  // SHA-256

std::unexpected<LoadError> refused(LoadReason reason, std::string text) {
    ERR_clear_error();
    return std::unexpected{LoadError{reason, std::move(text)}};
}

/// Whom it takes as clients; `issuers` is null if nobody is asked.
struct ClientPolicy {
    StorePointer store;
    std::vector<X509Pointer> issuers;
    int verify_mode = SSL_VERIFY_NONE;
    /// Sessions are resumed only by contexts with the same policy: a ticket stands for a
    /// certificate that was checked then.
    std::array<unsigned char, fingerprint_bytes> fingerprint{};
};

std::expected<ClientPolicy, LoadError> load_client_policy(const ContextSettings& settings) {
    ClientPolicy policy;
    std::string_view mode = "none";
    if (settings.client_certificates != ClientCertificates::none) {
        auto issuers = load_certificates(settings.client_ca_pem.text(), settings.client_ca_name,
                                         LoadReason::bad_client_ca, LoadReason::bad_client_ca);
        if (!issuers) return std::unexpected{std::move(issuers.error())};
        policy.issuers = std::move(*issuers);
        policy.store.reset(X509_STORE_new());
        for (const X509Pointer& issuer : policy.issuers)
            X509_STORE_add_cert(policy.store.get(), issuer.get());
        policy.verify_mode = SSL_VERIFY_PEER;
        mode = "optional";
        if (settings.client_certificates == ClientCertificates::required) {
            policy.verify_mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
            mode = "required";
        }
    }
    const std::string_view issuers = settings.client_ca_pem.text();
    const DigestPointer digest{EVP_MD_CTX_new()};
    EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
    EVP_DigestUpdate(digest.get(), mode.data(), mode.size());
    EVP_DigestUpdate(digest.get(), issuers.data(), issuers.size());
    EVP_DigestFinal_ex(digest.get(), policy.fingerprint.data(), nullptr);
    return policy;
}

void apply(const ClientPolicy& policy, SSL_CTX* context) {
    SSL_CTX_set_session_id_context(context, policy.fingerprint.data(), fingerprint_bytes);
    SSL_CTX_set_verify(context, policy.verify_mode, nullptr);
    if (!policy.store) return;
    SSL_CTX_set1_cert_store(context, policy.store.get());
    for (const X509Pointer& issuer : policy.issuers) SSL_CTX_add_client_CA(context, issuer.get());
    SSL_CTX_set_max_cert_list(context, client_chain_bytes_max);
}

/// False if there is one that OpenSSL does not know: it would drop that and take the others, and
/// nobody would be told of a misspelt name. So each is tried by itself first.
bool set_cipher_suites(SSL_CTX* context, const std::string& list) {
    for (const auto name : std::views::split(list, ':')) {
        if (SSL_CTX_set_ciphersuites(context, std::string{name.begin(), name.end()}.c_str()) != 1)
            return false;
    }
    return SSL_CTX_set_ciphersuites(context, list.c_str()) == 1;
}

std::expected<SslContextPointer, LoadError> make_context(const ContextSettings& settings,
                                                         const ClientPolicy& policy) {
    SslContextPointer owner{SSL_CTX_new(TLS_server_method())};
    SSL_CTX* const context = owner.get();
    RC_ASSERT(context != nullptr);
    SSL_CTX_set_min_proto_version(
        context, settings.version_min == Version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_clear_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) != 1)
        return refused(LoadReason::bad_ciphers, "no known cipher in: " + settings.ciphers);
    if (!set_cipher_suites(context, settings.cipher_suites)) {
        return refused(LoadReason::bad_cipher_suites,
                       "no list of TLS 1.3 cipher suites: " + settings.cipher_suites);
    }
    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");

    // Tickets hold all of a session, so that no shard keeps any. Early data stays off, as it is by
    // default: it can be replayed.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(context, static_cast<long>(settings.ticket_lifetime.count()));
    SSL_CTX_set_num_tickets(context, 1);  // A client comes back once, and then gets the next.
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, choose_ticket_key);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    SSL_CTX_set_msg_callback(context, watch_message);
    apply(policy, context);
    return owner;
}

bool use(SSL_CTX* context, const Credentials& credentials) {
    if (SSL_CTX_use_certificate(context, credentials.certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, credentials.key.get()) != 1)
        return false;
    return std::ranges::all_of(credentials.chain, [context](const X509Pointer& issuer) {
        return SSL_CTX_add1_chain_cert(context, issuer.get()) == 1;
    });
}

/// What a context knows beside OpenSSL; the SSL_CTX of its first identity owns it.
struct Data {
    /// The SSL_CTX of each further identity, or of several with the same names.
    std::vector<SslContextPointer> others;
    /// By DNS name in lower case; those of the first, too.
    std::map<std::string, SSL_CTX*, std::less<>> by_name;
    std::chrono::sys_seconds expires_at = std::chrono::sys_seconds::max();
    std::uint32_t records_per_key = 0;

    [[nodiscard]] SSL_CTX* find(std::string_view server_name) const {
        const std::string name = lower_case(server_name);
        auto found = by_name.find(name);
        // A wildcard stands for exactly one label, the first (RFC 9525 section 6.3).
        if (const auto dot = name.find('.'); found == by_name.end() && dot != std::string::npos)
            found = by_name.find("*" + name.substr(dot));
        return found == by_name.end() ? nullptr : found->second;
    }
};

void free_data(void*, void* data, CRYPTO_EX_DATA*, int, long, void*) noexcept {
    delete static_cast<Data*>(data);
}

int data_index() noexcept {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_data);
    return index;
}

const Data& data_of(const SSL_CTX* context) noexcept {
    return *static_cast<const Data*>(SSL_CTX_get_ex_data(context, data_index()));
}

/// SNI (RFC 6066 section 3). Who asks for a server that is not here gets the first: many clients
/// check no more than the key, and those who check the name will see.
int choose_identity(SSL* ssl, int*, void* data) noexcept {
    const char* const server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (server_name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX* const context = static_cast<const Data*>(data)->find(server_name);
    if (context == nullptr) return SSL_TLSEXT_ERR_NOACK;
    if (context != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, context);
    return SSL_TLSEXT_ERR_OK;
}

/// One SSL_CTX and whose it is: of one identity, or of several with the same names, each with
/// another kind of key.
struct Group {
    SslContextPointer context;
    std::vector<std::string> names;
    std::vector<int> key_types;

    [[nodiscard]] bool takes(const Credentials& credentials) const {
        return !names.empty() && names == credentials.names &&
               std::ranges::find(key_types, EVP_PKEY_get_base_id(credentials.key.get())) ==
                   key_types.end();
    }
};

}  // namespace

std::expected<LoadedContext, LoadError> Context::load(const ContextSettings& settings,
                                                      std::chrono::sys_seconds now) {
    if (settings.identities.empty())
        return refused(LoadReason::no_identity, "TLS needs a certificate");
    auto policy = load_client_policy(settings);
    if (!policy) return std::unexpected{std::move(policy.error())};

    auto data = std::make_unique<Data>();
    data->records_per_key = settings.records_per_key;
    std::vector<Group> groups;
    std::vector<std::string> warnings;
    for (const Identity& identity : settings.identities) {
        auto credentials = tls::load(identity);
        if (!credentials) return std::unexpected{std::move(credentials.error())};
        auto group = std::ranges::find_if(
            groups, [&](const Group& known) { return known.takes(*credentials); });
        if (group == groups.end()) {
            auto context = make_context(settings, *policy);
            if (!context) return std::unexpected{std::move(context.error())};
            groups.push_back({std::move(*context), credentials->names, {}});
            group = groups.end() - 1;
        }
        if (!use(group->context.get(), *credentials)) {
            return refused(LoadReason::refused_identity, identity.certificate_name + ": refused: " +
                                                             std::string{take_error().text});
        }
        group->key_types.push_back(EVP_PKEY_get_base_id(credentials->key.get()));
        // The first that has a name keeps it.
        for (const std::string& name : credentials->names)
            data->by_name.emplace(name, group->context.get());
        data->expires_at = std::min(data->expires_at, credentials->expires_at);
        if (credentials->expires_at <= now)
            warnings.push_back(identity.certificate_name + ": a certificate in it has expired");
    }

    SSL_CTX* const first = groups.front().context.release();
    for (Group& group : groups) {
        if (group.context) data->others.push_back(std::move(group.context));
    }
    // What the macro does, which has a C cast.
    SSL_CTX_callback_ctrl(first, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(choose_identity));
    SSL_CTX_set_tlsext_servername_arg(first, data.get());
    SSL_CTX_set_ex_data(first, data_index(), data.release());
    return LoadedContext{Context{first}, std::move(warnings)};
}

Context::Context(const Context& other) noexcept : context_{other.context_} {
    if (context_ != nullptr) SSL_CTX_up_ref(context_);
}

Context::~Context() {
    SSL_CTX_free(context_);
}

std::chrono::sys_seconds Context::expires_at() const noexcept {
    return data_of(context_).expires_at;
}

std::uint32_t Context::records_per_key() const noexcept {
    return data_of(context_).records_per_key;
}

}  // namespace ringcast::tls

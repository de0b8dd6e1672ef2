// The edge binary: the command line, and the public API behind it.

#include <ringcast/ringcast.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <fmt/core.h>
#include <memory>
#include <string>
#include <unistd.h>

#include "advice/commands.hpp"
#include "server/demo_prices.hpp"
#include "server/dev_page.hpp"
#include "server/options.hpp"

namespace {

using ringcast::server::Exit;
using ringcast::server::Options;

struct Echo {
    void on_message(ringcast::Session<>& session, ringcast::Message message) {
        session.send(message);
    }
};

/// The set as a list that starts from nothing: `none,+defer_taskrun,+min_wait`.
std::string features_text(const ringcast::ring::Features& features) {
    std::string text = "none";
    std::string names = features.to_string();
    if (names == text) return text;
    for (std::size_t begin = 0; begin < names.size();) {
        const std::size_t end = std::min(names.find(' ', begin), names.size());
        text.append(",+").append(names, begin, end - begin);
        begin = end + 1;
    }
    return text;
}

ringcast::Settings settings_of(const Options& options) {
    ringcast::Settings settings{
        .api_key_file = options.api_key_file,
        .listen_backlog = options.listen_backlog,
        .tls = {.directory = options.tls_directory,
                .client_ca_file = options.tls_client_ca,
                .client_certificates = options.tls_client_certificates,
                .version_min = options.tls_version_min,
                .ciphers = options.tls_ciphers,
                .cipher_suites = options.tls_cipher_suites,
                .ticket_lifetime = options.tls_ticket_lifetime,
                .handshakes_per_turn = options.tls_handshakes_per_turn},
        .tokens = {.keys = {.secret_files = options.token_hmac_secret_files,
                            .public_key_files = options.token_public_key_files},
                   .jwks_file = options.token_jwks_file,
                   .previous_keys = {.secret_files = options.token_previous_hmac_secret_files,
                                     .public_key_files = options.token_previous_public_key_files},
                   .previous_until = options.token_previous_until,
                   .issuer = options.token_issuer,
                   .audience = options.token_audience,
                   .leeway = std::chrono::duration_cast<std::chrono::seconds>(options.token_leeway),
                   .subprotocol_prefix = options.token_subprotocol,
                   .cookie = options.token_cookie,
                   .query_parameter = options.token_query},
        .shards = options.shards.value_or(0),
        .pinning = static_cast<ringcast::Pinning>(options.pin),
        .io = static_cast<ringcast::Io>(options.io),
        .uring_features = features_text(options.uring_features),
        .direct_descriptors = options.direct_descriptors ? ringcast::DirectDescriptors::on
                                                         : ringcast::DirectDescriptors::off,
        .buffers_count = options.buffers_count,
        .buffer_bytes = options.buffer_bytes,
        .ring_submissions = options.ring_submissions,
        .ring_completions = options.ring_completions,
        .connections_max = static_cast<std::uint32_t>(options.connections_max.value_or(0)),
        .admin_connections_max = options.admin_connections_max,
        .header_bytes_max = static_cast<std::uint32_t>(options.header_bytes_max),
        .target_bytes_max = static_cast<std::uint32_t>(options.target_bytes_max),
        .header_fields_max = options.header_fields_max,
        .message_bytes_max = options.message_bytes_max,
        .message_memory_max = options.message_memory_max,
        .http_requests_max = options.http_requests_max,
        .http_requests_per_turn = options.http_requests_per_turn,
        .http_pipelined_bytes_max = static_cast<std::uint32_t>(options.http_pipelined_bytes_max),
        .send_queue_bytes_max = options.send_queue_bytes_max,
        .compression = options.compression,
        .compression_threshold = options.compression_threshold,
        .compression_memory_max = options.compression_memory_max,
        .message_rate = options.message_rate,
        .message_burst = options.message_burst,
        .byte_rate = options.byte_rate,
        .byte_burst = options.byte_burst,
        .slow_consumer = options.slow_consumer,
        .topics_max = options.topics_max,
        .subscriptions_max = options.subscriptions_max,
        .history_size = options.history_size,
        .presence = options.presence,
        .join_leave = options.join_leave,
        .force_push_join_leave = options.force_push_join_leave,
        .delta = options.delta,
        .presence_clients_max = options.presence_clients_max,
        .presence_bytes_max = options.presence_bytes_max,
        .namespaces = options.namespaces,
        .history_bytes_max = options.history_bytes_max,
        .mesh_bytes = options.mesh_bytes,
        .delivery_window = options.delivery_window,
        .mesh_stall_timeout = options.mesh_stall_timeout,
        .history_ttl = options.history_ttl,
        .topic_idle_timeout = options.topic_idle_timeout,
        .handshake_timeout = options.handshake_timeout,
        .http_request_timeout = options.http_request_timeout,
        .http_answer_timeout = options.http_answer_timeout,
        .http_stream_timeout = options.http_stream_timeout,
        .http_idle_timeout = options.http_idle_timeout,
        .idle_timeout = options.idle_timeout,
        .ping_interval = options.ping_interval,
        .message_timeout = options.message_timeout,
        .tcp_user_timeout = options.tcp_user_timeout,
        .close_timeout = options.close_timeout,
        .shutdown_timeout = options.shutdown_timeout,
        .connections_per_ip_max = options.connections_per_ip_max,
        .handshakes_per_ip = options.handshakes_per_ip,
        .trusted_proxies = options.trusted_proxies,
        .proxy_protocol = options.proxy_protocol ? ringcast::ProxyProtocol::required
                                                 : ringcast::ProxyProtocol::off,
        .forwarded_field = static_cast<ringcast::ForwardedField>(options.forwarded_field),
        .allowed_origins = options.allow_origin,
        .log_level = static_cast<ringcast::LogLevel>(options.log_level),
        .log_format = static_cast<ringcast::LogFormat>(options.log_format),
        .access_log = options.access_log ? ringcast::AccessLog::on : ringcast::AccessLog::off,
    };
    for (std::size_t i = 0; i < options.tls_certs.size(); ++i) {
        settings.tls.certificates.push_back(
            {.certificate_file = options.tls_certs[i],
             .key_file = options.tls_keys.empty() ? std::string{} : options.tls_keys[i]});
    }
    for (const auto& listen : options.listen) settings.listen.push_back(listen.text);
    for (const auto& listen : options.admin_listen) settings.admin_listen.push_back(listen.text);
    return settings;
}

/// Puts /dev/null where a standard descriptor is closed: a client's socket that got its number
/// would be sent what is printed and logged. Read-only, so that who prints there is told that
/// nobody sees it. False where there is no /dev/null.
bool fill_standard_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        // open() takes the lowest number that is free.
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd) return false;
    }
    return true;
}

/// What people and scripts wait for: one line for each listener, then how it serves.
void print_banner(const ringcast::Server& server, const Options& options) {
    std::string text;
    for (const std::string& address : server.addresses())
        text += fmt::format("listening on {}\n", address);
    for (const std::string& address : server.admin_addresses())
        text += fmt::format("admin on {}\n", address);
    text += fmt::format("{}\n", server.description());
    for (const std::string& warning : options.warnings)
        text += fmt::format("warning: {}\n", warning);
    std::fputs(text.c_str(), stdout);  // Unlike fmt::print(), no exception where nobody reads.
    std::fflush(stdout);
}

/// Null, with a warning, if there can be none.
std::unique_ptr<ringcast::server::DemoPrices> start_prices(ringcast::Server& server) {
    auto prices = ringcast::server::DemoPrices::start(server.make_publisher());
    if (prices) return *std::move(prices);
    std::fputs(fmt::format("warning: no prices: {}\n", prices.error()).c_str(), stdout);
    return nullptr;
}

/// Prints the program's last word, and returns its status.
int end_with(const Exit& exit) {
    std::FILE* const stream = exit.code == 0 || exit.is_report ? stdout : stderr;
    const bool is_told = std::fputs(exit.text.c_str(), stream) >= 0 && std::fflush(stream) == 0;
    return exit.code == 0 && !is_told ? 1 : exit.code;
}

/// What --check-config says.
Exit exit_of(const std::expected<void, std::string>& checked) {
    if (checked) return {.code = 0, .text = "the settings are in order\n"};
    return {.code = 1, .text = fmt::format("ringcast: {}\n", checked.error())};
}

}  // namespace

int main(int argument_count, char** arguments) {
    using namespace ringcast;
    if (!fill_standard_descriptors()) return 1;
    const auto sources = server::process_sources(argument_count, arguments);
    if (const auto answer = advice::answer_command(sources)) return end_with(*answer);
    const auto options = server::load_options(sources);
    if (!options) return end_with(options.error());
    Server server{settings_of(*options)};
    if (options->echo) server.mount<Echo>("/echo");
    if (server::has_topic_clients(*options)) {
        const auto plain_http = options->plain_http ? PlainHttp::on : PlainHttp::off;
        server.mount_topics(
            "/topics",
            {.anonymous = options->anonymous, .users = options->users, .plain_http = plain_http});
        server.mount_centrifuge("/connection",
                                {.anonymous = options->anonymous,
                                 .users = options->users,
                                 .ping_interval = server::centrifuge_ping_interval(*options),
                                 .subscriptions_max = options->subscriptions_max,
                                 .plain_http = plain_http});
    }
    if (options->dev) {
        const auto inspector = server::dev_page(server::inspector_html);
        server.mount_page("/", options->demo ? server::dev_page(server::demo_html) : inspector);
        server.mount_page("/inspector", inspector);
    }
    if (options->check_config) return end_with(exit_of(server.check()));
    std::unique_ptr<server::DemoPrices> prices;  // Gone before the server is.
    return server.run([&] {
        print_banner(server, *options);
        if (options->demo) prices = start_prices(server);
    });
}

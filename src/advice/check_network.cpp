// Checks of the kernel's side of the server's sockets.

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/core.h>
#include <unistd.h>

#include "advice/checks.hpp"
#include "advice/text.hpp"
#include "base/units.hpp"

namespace ringcast::advice {
namespace {

double page_bytes() noexcept {
    return static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// A sysctl line, and the same for a container with a network of its own.
std::vector<Remedy> setting(std::string_view name, std::string_view value) {
    const bool is_list = value.find(' ') != std::string_view::npos;
    return {{Place::sysctl, fmt::format("{} = {}", name, value)},
            {Place::docker, is_list ? fmt::format("--sysctl '{}={}'", name, value)
                                    : fmt::format("--sysctl {}={}", name, value)}};
}

Finding check_backlog(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "listen backlog";
    std::string why =
        "who connects at the same moment waits there; beyond, clients try again after a second";
    const auto most = read_number(host, path_of_setting("net.core.somaxconn"));
    if (!most) return unknown(name, "net.core.somaxconn", std::move(why));
    const std::uint64_t wanted = needs.options.listen_backlog;
    if (*most >= wanted) {
        return {.name = name,
                .what = fmt::format("net.core.somaxconn {}, --listen-backlog {}", *most, wanted),
                .why = std::move(why)};
    }
    return {.name = name,
            .verdict = Verdict::warning,
            .what = fmt::format("net.core.somaxconn {} cuts --listen-backlog {}", *most, wanted),
            .why = std::move(why),
            .remedies = setting("net.core.somaxconn", std::to_string(wanted))};
}

Finding check_half_open(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "half-open connections";
    std::string why = "without SYN cookies a flood of half-open connections keeps everybody out";
    const auto cookies = read_number(host, path_of_setting("net.ipv4.tcp_syncookies"));
    if (!cookies) return unknown(name, "net.ipv4.tcp_syncookies", std::move(why));
    Finding finding{.name = name,
                    .what = fmt::format("net.ipv4.tcp_syncookies {}", *cookies),
                    .why = std::move(why)};
    if (*cookies != 0) return finding;
    const auto most = read_number(host, path_of_setting("net.ipv4.tcp_max_syn_backlog"));
    finding.verdict =
        most && *most >= needs.options.listen_backlog ? Verdict::note : Verdict::warning;
    finding.remedies = setting("net.ipv4.tcp_syncookies", "1");
    return finding;
}

Finding check_tcp_memory(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "TCP memory";
    std::string why =
        "of all sockets; under pressure the kernel narrows windows, then drops what comes";
    const auto pages = read_numbers(host, path_of_setting("net.ipv4.tcp_mem"));
    if (!pages || pages->size() != 3)
        return unknown(name, "net.ipv4.tcp_mem (in a container only its host knows)",
                       std::move(why));
    const double pressure = static_cast<double>((*pages)[1]) * page_bytes();
    const double each =
        pressure / static_cast<double>(std::max<std::uint64_t>(needs.connections, 1));
    Finding finding{.name = name,
                    .what = fmt::format("net.ipv4.tcp_mem: pressure from {} on, {} for each of {}",
                                        rounded_bytes(pressure), rounded_bytes(each),
                                        counted(needs.connections, "connection")),
                    .why = std::move(why)};
    constexpr double least = 8 << 10;  // What the kernel grants each socket in any case.
    if (each >= least) return finding;
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(needs.connections) * 2 *
                                                   least / page_bytes());
    finding.verdict = Verdict::warning;
    finding.remedies = {{Place::sysctl, fmt::format("net.ipv4.tcp_mem = {} {} {}", wanted * 3 / 4,
                                                    wanted, wanted * 3 / 2)}};
    return finding;
}

Finding check_socket_buffers(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "socket buffers";
    std::string why = fmt::format(
        "what a slow client holds in the kernel before --send-queue-bytes-max {} begins to count",
        print_bytes(needs.options.send_queue_bytes_max));
    const auto buffers = read_numbers(host, path_of_setting("net.ipv4.tcp_wmem"));
    if (!buffers || buffers->size() != 3) return unknown(name, "net.ipv4.tcp_wmem", std::move(why));
    const auto most = static_cast<double>(buffers->back());
    Finding finding{
        .name = name,
        .what = fmt::format("net.ipv4.tcp_wmem: up to {} for each client", rounded_bytes(most)),
        .why = std::move(why)};
    const auto pages = read_numbers(host, path_of_setting("net.ipv4.tcp_mem"));
    if (!pages || pages->size() != 3 || most <= 0) return finding;
    const double slow = static_cast<double>(pages->back()) * page_bytes() / most;
    constexpr double slow_share = 0.1;
    if (slow >= static_cast<double>(needs.connections) * slow_share) return finding;
    constexpr std::uint64_t enough = 1 << 20;
    finding.verdict = Verdict::note;
    finding.what += fmt::format("; {} that do not read fill net.ipv4.tcp_mem",
                                counted(static_cast<std::uint64_t>(slow), "client"));
    if (buffers->back() > enough)
        finding.remedies = setting("net.ipv4.tcp_wmem",
                                   fmt::format("{} {} {}", (*buffers)[0], (*buffers)[1], enough));
    return finding;
}

Finding check_connection_tracking(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "connection tracking";
    constexpr std::string_view most_name = "net.netfilter.nf_conntrack_max";
    std::string why = "a full table drops new connections without a word to anybody";
    const auto most = read_number(host, path_of_setting(most_name));
    if (!most) return {.name = name, .what = "none is seen from here", .why = std::move(why)};
    Finding finding{.name = name,
                    .what = fmt::format("{} {} for {}", most_name, grouped(*most),
                                        counted(needs.connections, "connection")),
                    .why = std::move(why)};
    if (*most >= needs.connections + needs.connections / 4) return finding;
    finding.verdict = Verdict::warning;
    finding.remedies = {{Place::sysctl, fmt::format("{} = {}", most_name, 2 * needs.connections)}};
    return finding;
}

Finding check_local_ports(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "local ports";
    std::string why =
        "not for the server: a proxy or load generator on one address here has no more to connect "
        "from";
    const auto range = read_numbers(host, path_of_setting("net.ipv4.ip_local_port_range"));
    if (!range || range->size() != 2 || range->front() > range->back())
        return unknown(name, "net.ipv4.ip_local_port_range", std::move(why));
    const std::uint64_t ports = range->back() - range->front() + 1;
    return {.name = name,
            .verdict = ports < needs.connections ? Verdict::note : Verdict::ok,
            .what = fmt::format("net.ipv4.ip_local_port_range: {}", counted(ports, "port")),
            .why = std::move(why)};
}

/// Whether this process may bind any port. CapEff is in hexadecimal.
std::optional<bool> may_bind_all(const Host& host) {
    constexpr std::uint64_t net_bind_service = 1 << 10;
    const auto text = read_field(host, "/proc/self/status", "CapEff");
    if (!text) return std::nullopt;
    std::uint64_t capabilities = 0;
    const auto [rest, status] =
        std::from_chars(text->data(), text->data() + text->size(), capabilities, 16);
    if (status != std::errc{} || rest != text->data() + text->size()) return std::nullopt;
    return (capabilities & net_bind_service) != 0;
}

/// The lowest port that is listened on; 0: none has a number.
std::uint16_t lowest_port(const Needs& needs) {
    std::uint16_t lowest = 0;
    for (const auto* urls : {&needs.options.listen, &needs.options.admin_listen}) {
        for (const server::ListenUrl& url : *urls) {
            const bool has_port =
                url.address.family != ring::Address::Family::unix_path && url.address.port != 0;
            if (has_port && (lowest == 0 || url.address.port < lowest)) lowest = url.address.port;
        }
    }
    return lowest;
}

Finding check_low_ports(const Host& host, const Needs& needs) {
    constexpr std::string_view name = "low ports";
    std::string why = "without the right to it the server does not start";
    constexpr std::string_view start_name = "net.ipv4.ip_unprivileged_port_start";
    const std::uint16_t port = lowest_port(needs);
    const auto start = read_number(host, path_of_setting(start_name));
    const auto may_bind = may_bind_all(host);
    if (!start) return unknown(name, start_name, std::move(why));
    Finding finding{.name = name, .why = std::move(why)};
    if (port == 0 || port >= *start) {
        finding.what = fmt::format("no --listen below port {}", *start);
        return finding;
    }
    if (!may_bind) return unknown(name, "/proc/self/status", std::move(finding.why));
    finding.what = fmt::format("port {} is for who may bind those below {}", port, *start);
    if (*may_bind) {
        finding.what += ", as this process may";
        return finding;
    }
    finding.verdict = Verdict::problem;
    finding.remedies = setting(start_name, std::to_string(port));
    finding.remedies.push_back({Place::systemd, "AmbientCapabilities=CAP_NET_BIND_SERVICE"});
    return finding;
}

constexpr std::array of_the_network{
    check_backlog,        check_half_open,           check_tcp_memory,
    check_socket_buffers, check_connection_tracking, check_local_ports,
    check_low_ports};

}  // namespace

std::span<const Check> network_checks() noexcept {
    static constexpr std::array<Check, of_the_network.size()> all{of_the_network};
    return all;
}

}  // namespace ringcast::advice

#include "ring/listen.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <climits>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include "ring/error.hpp"
#include "ring/sockaddr.hpp"

namespace ringcast::ring {
namespace {

[[nodiscard]] std::unexpected<std::string> refuse(std::string_view url, std::string_view why) {
    return std::unexpected{"'" + std::string{url} + "': " + std::string{why}};
}

/// What stands behind the one of `schemes` that `url` has; nothing if it has none of them.
[[nodiscard]] std::optional<std::string_view> without_scheme(
    std::string_view url, std::span<const std::string_view> schemes) {
    for (const std::string_view scheme : schemes) {
        std::string_view rest = url;
        if (!rest.starts_with(scheme)) continue;
        rest.remove_prefix(scheme.size());
        if (rest.starts_with("://")) return rest.substr(3);
    }
    return std::nullopt;
}

/// `ws://address:port, wss://address:port or unix:/path`
[[nodiscard]] std::string forms_of(std::span<const std::string_view> schemes) {
    std::string text;
    for (const std::string_view scheme : schemes) {
        if (!text.empty()) text += ", ";
        text.append(scheme).append("://address:port");
    }
    return text + " or unix:/path";
}

[[nodiscard]] std::unexpected<std::string> fail(const Address& address, std::string_view call,
                                                int error) {
    return std::unexpected{
        describe("cannot listen on " + address.to_string() + ": " + std::string{call}, error)};
}

/// All of `text` as a number up to `max`; no sign, no space.
template <typename Number>
[[nodiscard]] bool parse_number(std::string_view text, Number max, Number& number) noexcept {
    const char* const begin = std::to_address(text.begin());
    const char* const end = std::to_address(text.end());
    const auto [stop, error] = std::from_chars(begin, end, number);
    return error == std::errc{} && stop == end && number <= max && !text.empty();
}

/// `::1` or `fe80::1%eth0`.
[[nodiscard]] bool parse_ipv6(std::string_view host, Address& address) {
    const std::size_t percent = host.find('%');
    if (percent != std::string_view::npos) {
        const std::string zone{host.substr(percent + 1)};
        if (!parse_number(zone, std::uint32_t{0xffff'ffff}, address.scope))
            address.scope = if_nametoindex(zone.c_str());
        if (address.scope == 0) return false;
    }
    address.family = Address::Family::ipv6;
    return inet_pton(AF_INET6, std::string{host.substr(0, percent)}.c_str(), address.ip.data()) ==
           1;
}

[[nodiscard]] bool parse_ipv4(std::string_view host, Address& address) {
    address.family = Address::Family::ipv4;
    if (host == "localhost") host = "127.0.0.1";
    return inet_pton(AF_INET, std::string{host}.c_str(), address.ip.data()) == 1;
}

[[nodiscard]] std::expected<Descriptor, std::string> open_socket(const Address& address) {
    int family = AF_UNIX;
    if (address.family == Address::Family::ipv4) family = AF_INET;
    if (address.family == Address::Family::ipv6) family = AF_INET6;
    Descriptor socket{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket) return fail(address, "socket", errno);
    // `[::]` is IPv6 alone, whatever the system's default, so that 0.0.0.0 can have the same port.
    const int only = 1;
    if (family == AF_INET6 &&
        setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) != 0)
        return fail(address, "IPV6_V6ONLY", errno);
    return socket;
}

[[nodiscard]] int set_option(const Descriptor& socket, int level, int option, int value) noexcept {
    return setsockopt(socket.get(), level, option, &value, sizeof value) == 0 ? 0 : errno;
}

[[nodiscard]] int set_flag(const Descriptor& socket, int level, int option) noexcept {
    return set_option(socket, level, option, 1);
}

/// Returns 0 or a positive errno.
[[nodiscard]] int bind_to(const Descriptor& socket, const Address& address) noexcept {
    const SocketAddress to = to_socket_address(address);
    return bind(socket.get(), to.data(), to.size) == 0 ? 0 : errno;
}

enum class PathState : std::uint8_t { absent, other_file, stale_socket, in_use };

/// What is at the path of a Unix address. Somebody who listens sees one connection that says
/// nothing.
[[nodiscard]] PathState state_of(const Address& address) {
    struct stat status{};
    if (lstat(address.path.c_str(), &status) != 0) return PathState::absent;
    if (!S_ISSOCK(status.st_mode)) return PathState::other_file;
    // Not blocking: a listener whose queue is full is a listener, too.
    const Descriptor probe{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!probe) return PathState::in_use;  // Cannot tell, so touch nothing.
    const SocketAddress to = to_socket_address(address);
    if (connect(probe.get(), to.data(), to.size) == 0) return PathState::in_use;
    return errno == ECONNREFUSED ? PathState::stale_socket : PathState::in_use;
}

/// Binds a Unix socket and gives its path the mode asked for. Returns 0 or a positive errno.
[[nodiscard]] int bind_to_path(const Descriptor& socket, const Address& address, mode_t mode) {
    // Before: so that the path is never wider open than it shall be. After: to undo the umask.
    if (fchmod(socket.get(), mode) != 0) return errno;
    int error = bind_to(socket, address);
    if (error == EADDRINUSE && state_of(address) == PathState::stale_socket) {
        if (unlink(address.path.c_str()) != 0) return errno;
        error = bind_to(socket, address);
    }
    if (error != 0) return error;
    return chmod(address.path.c_str(), mode) == 0 ? 0 : errno;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);  // What we had is closed with `other`.
    return *this;
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

std::expected<Address, std::string> parse_listen_url(std::string_view url,
                                                     std::span<const std::string_view> schemes) {
    constexpr std::string_view unix_scheme = "unix:";
    Address address;
    if (url.starts_with(unix_scheme)) {
        address.family = Address::Family::unix_path;
        address.path = url.substr(unix_scheme.size());
        if (!address.path.starts_with('/')) return refuse(url, "the path must begin with /");
        if (address.path.size() >= sizeof(sockaddr_un::sun_path))
            return refuse(url, "the path is longer than 107 bytes");
        if (address.path.find('\0') != std::string::npos)
            return refuse(url, "the path contains a zero byte");
        return address;
    }
    const std::optional<std::string_view> rest = without_scheme(url, schemes);
    if (!rest) return refuse(url, "expected " + forms_of(schemes));
    const std::size_t colon = rest->rfind(':');
    if (colon == std::string_view::npos || rest->ends_with(']'))
        return refuse(url, "the port is missing");
    if (!parse_number(rest->substr(colon + 1), std::uint16_t{0xffff}, address.port))
        return refuse(url, "the port must be a number from 0 to 65535");
    const std::string_view host = rest->substr(0, colon);
    const bool has_brackets = host.starts_with('[') && host.ends_with(']');
    if (has_brackets ? !parse_ipv6(host.substr(1, host.size() - 2), address)
                     : !parse_ipv4(host, address))
        return refuse(url, "the address must be IPv4, [IPv6] or localhost");
    return address;
}

std::expected<Descriptor, std::string> listen_on(const Address& address,
                                                 const ListenOptions& options) {
    auto socket = open_socket(address);
    if (!socket) return socket;
    if (address.family == Address::Family::unix_path) {
        if (state_of(address) == PathState::other_file)
            return std::unexpected{"cannot listen on " + address.to_string() +
                                   ": the path exists and is not a socket"};
        if (const int error = bind_to_path(*socket, address, options.unix_mode); error != 0)
            return fail(address, "bind", error);
    } else {
        // REUSEADDR: connections of an earlier run that linger in TIME_WAIT must not stop a
        // restart.
        int error = set_flag(*socket, SOL_SOCKET, SO_REUSEADDR);
        if (error == 0 && options.sharing == ListenOptions::Sharing::reuse_port)
            error = set_flag(*socket, SOL_SOCKET, SO_REUSEPORT);
        // What is accepted inherits these two, so that they cost nothing there.
        if (error == 0) error = set_flag(*socket, IPPROTO_TCP, TCP_NODELAY);
        if (error == 0 && options.user_timeout > Duration{0}) {
            const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(options.user_timeout);
            error = set_option(*socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
                               static_cast<int>(std::min<Duration::rep>(timeout.count(), INT_MAX)));
        }
        if (error != 0) return fail(address, "setsockopt", error);
        error = bind_to(*socket, address);
        if (error != 0) return fail(address, "bind", error);
    }
    if (listen(socket->get(), static_cast<int>(options.backlog)) != 0)
        return fail(address, "listen", errno);
    return socket;
}

std::expected<Address, std::string> probe_free(const Address& address) {
    if (address.family == Address::Family::unix_path) {
        const PathState state = state_of(address);
        if (state == PathState::in_use) return fail(address, "bind", EADDRINUSE);
        if (state == PathState::other_file)
            return std::unexpected{"cannot listen on " + address.to_string() +
                                   ": the path exists and is not a socket"};
        return address;
    }
    const auto socket = open_socket(address);
    if (!socket) return std::unexpected{socket.error()};
    int error = set_flag(*socket, SOL_SOCKET, SO_REUSEADDR);
    if (error == 0) error = bind_to(*socket, address);
    if (error != 0) return fail(address, "bind", error);
    return local_address(socket->get());
}

Address local_address(int fd) {
    SocketAddress address;
    if (getsockname(fd, address.data(), &address.size) != 0) return {};
    return from_socket_address(address);
}

}  // namespace ringcast::ring

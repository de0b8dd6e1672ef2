#include "server/secret_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <span>
#include <sys/stat.h>
#include <unistd.h>

#include "ring/listen.hpp"

namespace ringcast::server {

namespace {

/// Longer than any chain or set of keys; a device that never ends is none.
constexpr off_t file_bytes_max = 1 << 20;

}  // namespace

std::unexpected<std::string> cannot_read(const std::string& path, int error) {
    return std::unexpected{fmt::format("cannot read {}: {}", path, std::strerror(error))};
}

std::expected<Secret, std::string> read_secret(const std::string& path) {
    const ring::Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status{};
    if (!file || fstat(file.get(), &status) != 0) return cannot_read(path, errno);
    if (!S_ISREG(status.st_mode) || status.st_size > file_bytes_max)
        return std::unexpected{fmt::format("{} is not a file of at most 1 MiB", path)};
    Secret secret{static_cast<std::size_t>(status.st_size)};
    std::span<char> rest = secret.chars();
    while (!rest.empty()) {
        const ssize_t size = read(file.get(), rest.data(), rest.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return cannot_read(path, errno);
        if (size == 0)
            return std::unexpected{fmt::format("{} was changed while it was read", path)};
        rest = rest.subspan(static_cast<std::size_t>(size));
    }
    return secret;
}

}  // namespace ringcast::server

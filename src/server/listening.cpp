#include "server/listening.hpp"

#include <algorithm>
#include <unistd.h>

namespace ringcast::server {

namespace {

std::optional<FileIdentity> identity_of(const std::string& path) noexcept {
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0) return std::nullopt;
    return FileIdentity{status.st_dev, status.st_ino};
}

}  // namespace

std::string_view scheme_of(std::string_view url,
                           std::span<const std::string_view> schemes) noexcept {
    const auto scheme = std::ranges::find(schemes, url.substr(0, url.find(':')));
    return scheme == schemes.end() ? schemes.front() : *scheme;
}

int Listening::descriptor_of(std::size_t shard) const {
    return descriptors[descriptors.size() == 1 ? 0 : shard].get();
}

std::string Listening::url() const {
    const bool is_unix = address.family == ring::Address::Family::unix_path;
    return is_unix ? address.to_string() : std::string{scheme} + "://" + address.to_string();
}

void Listening::remove_file() noexcept {
    if (file && identity_of(address.path) == file) unlink(address.path.c_str());
    file.reset();
}

std::expected<Listening, std::string> open_listener(const std::string& url,
                                                    std::span<const std::string_view> schemes,
                                                    std::uint32_t shards,
                                                    const ring::ListenOptions& options) {
    auto address = ring::parse_listen_url(url, schemes);
    if (!address) return std::unexpected{address.error()};
    const bool is_unix = address->family == ring::Address::Family::unix_path;
    // Every shard's socket uses SO_REUSEPORT, so the kernel would let a second server share the
    // port unnoticed.
    if (!is_unix) address = ring::probe_free(*address);
    if (!address) return std::unexpected{std::move(address.error())};
    Listening listening{
        .address = *address, .descriptors = {}, .file = {}, .scheme = scheme_of(url, schemes)};
    const std::uint32_t count = is_unix ? 1 : shards;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto descriptor = ring::listen_on(listening.address, options);
        if (!descriptor) return std::unexpected{std::move(descriptor.error())};
        listening.address = ring::local_address(descriptor->get());
        listening.descriptors.push_back(std::move(*descriptor));
    }
    if (is_unix) listening.file = identity_of(listening.address.path);
    return listening;
}

}  // namespace ringcast::server

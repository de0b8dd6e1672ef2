#pragma once
// Text that must not stay in memory: what is or may have a private key or a shared secret, between
// its file and OpenSSL.

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace ringcast {

/// Overwrites `bytes` in a way that the compiler does not leave out.
void wipe(std::span<std::byte> bytes) noexcept;

/// Owns its text and wipes it in the end. Moving leaves no copy behind. To fill it from a file
/// without a copy elsewhere, make one of the file's size and read into chars().
class Secret {
public:
    Secret() = default;
    explicit Secret(std::size_t size) : chars_{std::make_unique<char[]>(size)}, size_{size} {}
    explicit Secret(std::string_view text) : Secret{text.size()} { text.copy(chars_.get(), size_); }
    Secret(Secret&& other) noexcept
        : chars_{std::move(other.chars_)}, size_{std::exchange(other.size_, 0)} {}
    Secret& operator=(Secret&& other) noexcept {
        std::swap(chars_, other.chars_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Secret() { wipe(std::as_writable_bytes(chars())); }

    [[nodiscard]] std::span<char> chars() noexcept { return {chars_.get(), size_}; }
    [[nodiscard]] std::string_view text() const noexcept { return {chars_.get(), size_}; }

private:
    std::unique_ptr<char[]> chars_;
    std::size_t size_ = 0;
};

}  // namespace ringcast

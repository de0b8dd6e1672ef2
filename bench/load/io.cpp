#include "io.hpp"

#include "secure_io.hpp"
#include "uring_io.hpp"

namespace ringcast::bench {

Expected<std::unique_ptr<Io>> Io::create(const Url& url, const IoOptions& options) {
    auto kernel = UringIo::create(options);
    if (!kernel) return std::unexpected(kernel.error());
    if (!url.is_secure) return std::move(*kernel);
    return SecureIo::create(std::move(*kernel));
}

}  // namespace ringcast::bench

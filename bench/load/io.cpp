#include "io.hpp"

#include <sys/resource.h>

#include "many_rings.hpp"
#include "secure_io.hpp"
#include "uring_io.hpp"

namespace ringcast::bench {

namespace {

/// As few rings as have room for so many connections.
Expected<std::unique_ptr<Io>> create_rings(std::uint32_t connections, const IoOptions& options) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (connections > limit.rlim_cur)
        return ManyRings::create(connections, static_cast<std::uint32_t>(limit.rlim_cur), options);
    return UringIo::create(0, connections, options);
}

}  // namespace

Expected<std::unique_ptr<Io>> Io::create(const Url& url, std::uint32_t connections,
                                         const IoOptions& options) {
    auto kernel = create_rings(connections, options);
    if (!kernel || !url.is_secure) return kernel;
    return SecureIo::create(std::move(*kernel), url);
}

}  // namespace ringcast::bench

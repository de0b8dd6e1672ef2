#pragma once
// From the files that TLS settings name to a context for the shards.

#include <expected>
#include <string>
#include <vector>

#include "ringcast/tls.hpp"
#include "tls/context.hpp"

namespace ringcast::server {

/// What certificates there are: those of the settings, then those in the directory. The error is
/// one sentence that names the file.
[[nodiscard]] std::expected<std::vector<TlsCertificate>, std::string> find_certificates(
    const TlsSettings& settings);

/// Reads and checks all of it. The error is one sentence that names the file or the flag.
[[nodiscard]] std::expected<tls::LoadedContext, std::string> load_tls(const TlsSettings& settings);

}  // namespace ringcast::server

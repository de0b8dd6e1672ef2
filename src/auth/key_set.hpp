#pragma once
// All keys that tokens are accepted from, made from the contents of files that somebody else has
// read: there is no file access here.
//
// Which keys a token is tried with: those that are for its `alg`; of these, those with its `kid`
// and those that have none. A token without a `kid` is tried with the keys that have none, and with
// one from a JWKS if that is the only one for its `alg`. Nothing else in a token's header is a key
// or leads to one.

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/key.hpp"
#include "auth/reason.hpp"
#include "base/secret.hpp"

namespace ringcast::auth {

/// Of keys without a `kid`, all of which a token is tried with, and of a JWKS.
inline constexpr std::size_t unnamed_keys_max = 8, jwks_keys_max = 64;

/// A file's content, and what messages call it.
struct KeyFile {
    std::string name;
    Secret text;
};

/// What belongs together is replaced together.
struct KeyFiles {
    std::vector<KeyFile> secrets;      ///< One each; a line feed at the end is none of it.
    std::vector<KeyFile> public_keys;  ///< PEM (RFC 7468): public keys, or certificates.

    [[nodiscard]] bool empty() const noexcept { return secrets.empty() && public_keys.empty(); }
};

struct KeySources {
    KeyFiles current;
    std::optional<KeyFile> jwks;  ///< RFC 7517 section 5.
    KeyFiles previous;            ///< Accepted until `previous_until`, and not in that second.
    std::chrono::sys_seconds previous_until{};
};

struct LoadedKeys;

/// Immutable; replaced as a whole. Copies may be used on different threads.
class KeySet {
public:
    /// The error is one sentence that names the file. What a JWKS has besides usable keys is
    /// skipped and told of; with none it is an error.
    [[nodiscard]] static std::expected<LoadedKeys, std::string> load(const KeySources& sources);

    /// Whether one of the keys has signed `input`; else Reason::no_key or Reason::bad_signature.
    [[nodiscard]] std::expected<void, Reason> check(Algorithm algorithm,
                                                    std::optional<std::string_view> key_id,
                                                    std::string_view input,
                                                    std::string_view signature,
                                                    std::chrono::sys_seconds now) const;
    [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }

private:
    struct Entry {
        Key key;
        std::optional<std::string> id;  ///< The `kid`.
        std::optional<std::chrono::sys_seconds> accepted_until;
    };

    std::expected<void, std::string> add(const KeyFiles& files,
                                         std::optional<std::chrono::sys_seconds> accepted_until);
    std::expected<void, std::string> add_jwks(const KeyFile& file,
                                              std::vector<std::string>& warnings);
    [[nodiscard]] bool has(const std::optional<std::string>& id, const Key& key) const;
    [[nodiscard]] const Entry* only_named(Algorithm algorithm) const;

    std::vector<Entry> keys_;
};

struct LoadedKeys {
    KeySet keys;
    std::vector<std::string> warnings;  ///< One sentence each, which names the file.
};

}  // namespace ringcast::auth

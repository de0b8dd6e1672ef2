#include "auth/key_set.hpp"

#include <algorithm>
#include <utility>

#include "auth/jwks.hpp"
#include "auth/pem.hpp"

namespace ringcast::auth {

namespace {

std::unexpected<std::string> refused(const KeyFile& file, std::string_view why) {
    return std::unexpected{file.name + ": " + std::string{why}};
}

}  // namespace

std::expected<LoadedKeys, std::string> KeySet::load(const KeySources& sources) {
    LoadedKeys loaded;
    KeySet& keys = loaded.keys;
    if (auto added = keys.add(sources.current, std::nullopt); !added)
        return std::unexpected{std::move(added.error())};
    if (auto added = keys.add(sources.previous, sources.previous_until); !added)
        return std::unexpected{std::move(added.error())};
    if (keys.keys_.size() > unnamed_keys_max) {
        return std::unexpected{"more than " + std::to_string(unnamed_keys_max) +
                               " keys without a name: put them into a JWKS"};
    }
    if (sources.jwks) {
        if (auto added = keys.add_jwks(*sources.jwks, loaded.warnings); !added)
            return std::unexpected{std::move(added.error())};
    }
    return loaded;
}

std::expected<void, std::string> KeySet::add(
    const KeyFiles& files, std::optional<std::chrono::sys_seconds> accepted_until) {
    for (const KeyFile& file : files.secrets) {
        auto key = Key::from_secret(file.text.text());
        if (!key) return refused(file, key.error());
        keys_.push_back({std::move(*key), std::nullopt, accepted_until});
    }
    for (const KeyFile& file : files.public_keys) {
        auto found = keys_in_pem(file.text.text());
        if (!found) return refused(file, found.error());
        for (Key& key : *found) keys_.push_back({std::move(key), std::nullopt, accepted_until});
    }
    return {};
}

std::expected<void, std::string> KeySet::add_jwks(const KeyFile& file,
                                                  std::vector<std::string>& warnings) {
    auto set = parse_jwks(file.text.text());
    if (!set) return refused(file, set.error());
    for (const std::string& skipped : set->skipped) warnings.push_back(file.name + ": " + skipped);
    std::size_t added = 0;
    for (Jwk& key : set->keys) {
        if (has(key.id, key.key)) {
            warnings.push_back(file.name + ": key '" + key.id.value_or("") +
                               "' is skipped: another with that kid is for the same algorithm");
            continue;
        }
        keys_.push_back({std::move(key.key), std::move(key.id), std::nullopt});
        ++added;
    }
    if (added == 0) return refused(file, "there is no key in it that can be used");
    return {};
}

bool KeySet::has(const std::optional<std::string>& id, const Key& key) const {
    // Without a name each is tried, and there are few; with one a token is tried with one key.
    if (!id) return false;
    return std::ranges::any_of(keys_, [&](const Entry& entry) {
        return entry.id == id && entry.key.shares_algorithm_with(key);
    });
}

std::expected<void, Reason> KeySet::check(Algorithm algorithm,
                                          std::optional<std::string_view> key_id,
                                          std::string_view input, std::string_view signature,
                                          std::chrono::sys_seconds now) const {
    Reason reason = Reason::no_key;
    const Entry* const only = key_id ? nullptr : only_named(algorithm);
    for (const Entry& entry : keys_) {
        const bool is_meant = !entry.id || (key_id && *entry.id == *key_id) || &entry == only;
        if (!is_meant || !entry.key.is_for(algorithm)) continue;
        if (entry.accepted_until && now >= *entry.accepted_until) continue;
        if (entry.key.verifies(algorithm, input, signature)) return {};
        reason = Reason::bad_signature;
    }
    return std::unexpected{reason};
}

/// The key with a name that is the only such one for `algorithm`, or null.
const KeySet::Entry* KeySet::only_named(Algorithm algorithm) const {
    const Entry* found = nullptr;
    for (const Entry& entry : keys_) {
        if (!entry.id || !entry.key.is_for(algorithm)) continue;
        if (found != nullptr) return nullptr;
        found = &entry;
    }
    return found;
}

}  // namespace ringcast::auth

#include "tls/ticket_keys.hpp"

#include <algorithm>

#include "base/secret.hpp"

namespace ringcast::tls {

namespace {

TicketKey make_key(Entropy entropy) {
    TicketKey key;
    entropy(key.name);
    entropy(key.cipher_key);
    entropy(key.mac_key);
    return key;
}

}  // namespace

TicketKeys::TicketKeys(Instant now, Entropy entropy) : entropy_{entropy}, rotated_at_{now} {
    keys_[next_index] = make_key(entropy);
    keys_[current_index] = make_key(entropy);
}

TicketKeys::~TicketKeys() {
    wipe(std::as_writable_bytes(std::span{keys_}));
}

void TicketKeys::rotate(Instant now) {
    keys_[previous_index] = keys_[current_index];
    keys_[current_index] = keys_[next_index];
    keys_[next_index] = make_key(entropy_);
    has_previous_ = true;
    rotated_at_ = now;
}

const TicketKey* TicketKeys::find(std::span<const std::byte, 16> name) const noexcept {
    const std::span known = std::span{keys_}.first(has_previous_ ? 3 : 2);
    const auto found = std::ranges::find_if(
        known, [name](const TicketKey& key) { return std::ranges::equal(key.name, name); });
    return found == known.end() ? nullptr : &*found;
}

}  // namespace ringcast::tls

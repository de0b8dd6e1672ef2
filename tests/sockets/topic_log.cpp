#include "sockets/topic_log.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/core.h>

#include "sockets/sockets_kit.hpp"

namespace ringcast::sockets {

namespace {

/// Of a publication: around the places where a server may change its ways. Up to 512 octets are
/// copied, beyond 4 KiB (or a quarter of a small lane) they are shared in blocks.
std::size_t size_of(PublicationId id, Sizes sizes) {
    const std::uint32_t number = id.sequence + 29 * id.publisher;
    if (sizes == Sizes::large) return number % 32 == 9 ? 20'000 : 4'000 + number % 512;
    if (number % 128 == 100) return 20'000 + number % 512;
    if (number % 32 == 9) return 4'000 + number % 256;
    if (number % 8 == 3) return 500 + number % 32;
    return number % 125;
}

/// RFC 6455 section 5.2: one frame, not masked, its length in the shortest form.
std::string server_frame(std::uint8_t opcode, std::string_view payload) {
    std::string frame{static_cast<char>(0x80 | opcode)};
    const auto put = [&frame](std::uint64_t octet) { frame += static_cast<char>(octet & 0xff); };
    const std::uint64_t size = payload.size();
    if (size < 126) {
        put(size);
    } else if (size <= 0xffff) {
        put(126);
        put(size >> 8);
        put(size);
    } else {
        put(127);
        for (int shift = 56; shift >= 0; shift -= 8) put(size >> shift);
    }
    return frame.append(payload);
}

}  // namespace

/// `topic publisher sequence ` and octets that follow from these.
TopicLog::Publication TopicLog::publication(PublicationId id) const {
    const bool is_text = id.sequence % 2 == 1;
    std::string payload = fmt::format("{} {} {} ", name_, id.publisher, id.sequence);
    const std::size_t size = std::max(size_of(id, sizes_), payload.size());
    const std::uint32_t seed = id.publisher * 65'537 + id.sequence;
    const std::size_t rest = size - payload.size();
    payload += is_text ? text_payload(rest, seed) : binary_payload(rest, seed);
    return {std::move(payload), is_text};
}

TopicLog::Publication TopicLog::publish(std::uint32_t publisher) {
    ++published_;
    return publication({publisher, publishers_[publisher].count++});
}

TopicLog::Publication TopicLog::peek(std::uint32_t publisher) {
    return publication({publisher, publishers_[publisher].count});
}

std::size_t TopicLog::published_by(std::uint32_t publisher) const {
    const auto place = publishers_.find(publisher);
    return place == publishers_.end() ? 0 : place->second.count;
}

std::size_t TopicLog::received_of(std::uint32_t publisher) const {
    const auto place = publishers_.find(publisher);
    return place == publishers_.end() ? 0 : place->second.positions.size();
}

std::vector<PublicationId> TopicLog::next_ones() const {
    std::vector<PublicationId> ids;
    for (const auto& [publisher, published] : publishers_)
        ids.push_back({publisher, published.count});
    return ids;
}

std::optional<std::size_t> TopicLog::find(PublicationId id) const {
    const auto publisher = publishers_.find(id.publisher);
    if (publisher == publishers_.end()) return std::nullopt;
    const auto& positions = publisher->second.positions;
    return id.sequence < positions.size() ? std::optional{positions[id.sequence]} : std::nullopt;
}

std::optional<PublicationId> TopicLog::read_id(std::string_view payload) const {
    PublicationId id;
    if (!payload.starts_with(name_ + ' ')) return std::nullopt;
    const char* at = payload.data() + name_.size() + 1;
    const char* const end = payload.data() + payload.size();
    for (std::uint32_t* const number : {&id.publisher, &id.sequence}) {
        const auto [rest, error] = std::from_chars(at, end, *number);
        if (error != std::errc{} || rest == end || *rest != ' ') return std::nullopt;
        at = rest + 1;
    }
    return id;
}

std::string TopicLog::append(const test::ServerFrame& frame) {
    const auto id = read_id(frame.payload);
    if (!id) return "a message that nobody published here: " + frame.payload.substr(0, 40);
    const std::string name = fmt::format("publication {}/{}", id->publisher, id->sequence);
    const auto place = publishers_.find(id->publisher);
    if (place == publishers_.end() || id->sequence >= place->second.count)
        return name + " was never published";
    Published& published = place->second;
    if (id->sequence != published.positions.size()) {
        return fmt::format("{} at position {}, although the next of its publisher is {}", name,
                           size(), published.positions.size());
    }
    const auto [payload, is_text] = publication(*id);
    const std::uint8_t opcode = is_text ? test::opcode_text : test::opcode_binary;
    if (frame.opcode != opcode || !frame.fin || frame.payload != payload)
        return name + " came changed";
    published.positions.push_back(size());
    bytes_ += server_frame(opcode, frame.payload);
    ends_.push_back(bytes_.size());
    return {};
}

TopicLog::Match TopicLog::match(std::size_t position, std::string_view bytes) const {
    const std::size_t begin = begin_of(position);
    const std::string_view expected = std::string_view{bytes_}.substr(begin);
    std::size_t same = std::min(bytes.size(), expected.size());
    if (bytes.substr(0, same) != expected.substr(0, same)) {
        same = static_cast<std::size_t>(
            std::ranges::mismatch(bytes.substr(0, same), expected.substr(0, same)).in1 -
            bytes.begin());
    }
    const auto first = ends_.begin() + static_cast<std::ptrdiff_t>(position);
    const auto last = std::upper_bound(first, ends_.end(), begin + same);
    if (last == first) return {};
    return {.count = static_cast<std::size_t>(last - first), .bytes = *(last - 1) - begin};
}

void TopicLog::enter(std::size_t position) {
    if (clients_at_.size() <= position) clients_at_.resize(position + 1);
    ++clients_at_[position];
    completed_ = std::min(completed_, position);
}

void TopicLog::move(std::size_t from, std::size_t to) {
    --clients_at_[from];
    enter(to);
}

void TopicLog::leave(std::size_t position) {
    --clients_at_[position];
}

std::size_t TopicLog::completed() const {
    while (completed_ < size() &&
           (completed_ >= clients_at_.size() || clients_at_[completed_] == 0)) {
        ++completed_;
    }
    return completed_;
}

}  // namespace ringcast::sockets

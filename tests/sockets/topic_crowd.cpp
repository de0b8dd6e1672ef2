#include "sockets/topic_crowd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>

namespace ringcast::sockets {

namespace {

/// Of the frame at the start of `bytes`, once its header is complete (RFC 6455 section 5.2).
std::optional<std::size_t> frame_bytes_of(std::string_view bytes) {
    if (bytes.size() < 2) return std::nullopt;
    const auto octet = [bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    const std::size_t length = octet(1) & 127;
    const std::size_t header_bytes = length < 126 ? 2 : length == 126 ? 4 : 10;
    if (header_bytes == 2) return header_bytes + length;
    if (bytes.size() < header_bytes) return std::nullopt;
    std::size_t size = 0;
    for (std::size_t i = 2; i < header_bytes; ++i) size = size << 8 | octet(i);
    return header_bytes + size;
}

/// The n of `{"skipped":n}`, if that is what `text` is.
std::optional<std::uint64_t> skipped_of(std::string_view text) {
    constexpr std::string_view head = "{\"skipped\":";
    if (!text.starts_with(head) || !text.ends_with('}')) return std::nullopt;
    std::uint64_t count = 0;
    const char* const end = text.data() + text.size() - 1;
    const auto [rest, error] = std::from_chars(text.data() + head.size(), end, count);
    return error == std::errc{} && rest == end ? std::optional{count} : std::nullopt;
}

std::string name_of(const Member& member) {
    return fmt::format("client {} of {} at position {}", member.number(), member.log().name(),
                       member.position());
}

}  // namespace

std::string this_shard() {
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    return name.data();
}

TopicServer::TopicServer(const Settings& with) : server{with} {
    server.mount_topics(
        "/topics", {.authorize = [](Upgrade& upgrade, std::string_view) -> Admission<TopicAccess> {
            upgrade.add_header("X-Shard", this_shard());
            return TopicAccess::publish;
        }});
}

void TopicServer::start() {
    const auto result = server.start();
    REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error()));
    url = server.addresses().at(0);
}

Crowd::Crowd(std::string url) : url_{std::move(url)}, epoll_{epoll_create1(EPOLL_CLOEXEC)} {
    REQUIRE(epoll_ >= 0);
    buffer_.resize(256 << 10);
}

Crowd::~Crowd() {
    for (const Member& member : members_) {
        if (member.fd_ >= 0) ::close(member.fd_);
    }
    ::close(epoll_);
}

Member& Crowd::join(TopicLog& log, const JoinOptions& options) {
    Member& member = members_.emplace_back();
    member.log_ = &log;
    member.number_ = static_cast<std::uint32_t>(members_.size());
    member.reads_ = options.reads;
    member.fd_ = test::connected_socket(url_, options.receive_buffer_bytes);
    REQUIRE(fcntl(member.fd_, F_SETFL, O_NONBLOCK) == 0);
    watch(member, EPOLL_CTL_ADD);
    if (options.first) begin_at(member, *options.first);
    member.outbox_ =
        encode(test::UpgradeRequest{.target = "/topics/" + log.name() + options.query});
    send(member);
    return member;
}

std::vector<Member*> Crowd::join_many(TopicLog& log, std::size_t count,
                                      const JoinOptions& options) {
    std::vector<Member*> members;
    for (std::size_t i = 0; i < count; ++i) members.push_back(&join(log, options));
    run_until([&] { return std::ranges::all_of(members, &Member::is_open); });
    return members;
}

void Crowd::publish(Member& member) {
    REQUIRE(member.is_open());
    REQUIRE(!member.has_sent_close_);
    TopicLog& log = *member.log_;
    const auto [payload, is_text] = log.publish(member.number_);
    member.outbox_ += is_text ? test::text_frame(payload) : test::binary_frame(payload);
    send(member);
}

void Crowd::read(Member& member) {
    member.reads_ = true;
    if (member.state_ != Member::State::ended) watch(member, EPOLL_CTL_MOD);
}

void Crowd::close(Member& member) {
    member.has_sent_close_ = true;
    member.outbox_ += test::close_frame(1000);
    send(member);
}

void Crowd::finish(Member& member) {
    REQUIRE_MESSAGE(member.outbox_.empty(), "its last words are not out");
    member.has_sent_close_ = true;
    ::shutdown(member.fd_, SHUT_WR);
}

void Crowd::reset(Member& member) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(member.fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    member.rest_.clear();
    end(member, false);
}

void Crowd::check_run(const Member& member) {
    const std::string name = name_of(member);
    CHECK_MESSAGE(member.rest_.empty(), name << " has something left that is no publication");
    CHECK_MESSAGE(!member.was_reset_, name << " was reset");
    if (!member.first_ || member.received_ == 0) return;
    for (const PublicationId id : member.owed_) {
        const auto position = member.log_->find(id);
        if (!position || *position >= *member.first_) continue;
        FAIL_CHECK(name << " begins at " << *member.first_ << ", and missed the one at "
                        << *position);
    }
}

void Crowd::turn() {
    std::array<epoll_event, 256> events;
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(test::patience.count()));
    if (count < 0 && errno == EINTR) return;
    if (count <= 0) FAIL("nothing happened for too long");
    for (const epoll_event& event : std::span{events}.first(static_cast<std::size_t>(count))) {
        Member& member = *static_cast<Member*>(event.data.ptr);
        if (member.state_ == Member::State::ended) continue;
        if ((event.events & EPOLLOUT) != 0) send(member);
        if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive(member);
    }
    for (Member* const member : std::exchange(undecided_, {})) take(*member, {});
}

void Crowd::watch(Member& member, int operation) {
    epoll_event event{};
    if (member.reads_ || member.state_ == Member::State::upgrading) event.events |= EPOLLIN;
    if (member.awaits_output_) event.events |= EPOLLOUT;
    event.data.ptr = &member;
    REQUIRE(epoll_ctl(epoll_, operation, member.fd_, &event) == 0);
}

void Crowd::send(Member& member) {
    std::string_view rest = member.outbox_;
    while (!rest.empty()) {
        const ssize_t sent = ::send(member.fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) rest = {};  // It has ended: what it had to say is read.
        if (sent < 0) break;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    member.outbox_.erase(0, member.outbox_.size() - rest.size());
    if (std::exchange(member.awaits_output_, !member.outbox_.empty()) != member.awaits_output_)
        watch(member, EPOLL_CTL_MOD);
}

void Crowd::receive(Member& member) {
    const ssize_t size = ::recv(member.fd_, buffer_.data(), buffer_.size(), 0);
    if (size > 0) return take(member, {buffer_.data(), static_cast<std::size_t>(size)});
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    end(member, size < 0);
}

void Crowd::end(Member& member, bool is_reset) {
    REQUIRE_MESSAGE(member.state_ == Member::State::open, name_of(member)
                                                              << " ended before its 101");
    member.state_ = Member::State::ended;
    member.was_reset_ = is_reset;
    if (std::exchange(member.is_counted_, false)) member.log_->leave(member.position_);
    ::close(std::exchange(member.fd_, -1));
}

/// Looks at `bytes` behind what is held; keeps what is not complete, or not decided.
void Crowd::take(Member& member, std::string_view bytes) {
    std::string held;
    if (!member.rest_.empty()) {
        held = std::exchange(member.rest_, {});
        bytes = held.append(bytes);
    }
    if (member.state_ == Member::State::upgrading && !take_response(member, bytes)) {
        member.rest_ = bytes;
        return;
    }
    while (!bytes.empty()) {
        if (member.first_) {
            const auto match = member.log_->match(member.position_, bytes);
            bytes.remove_prefix(match.bytes);
            advance(member, match.count);
            member.received_ += match.count;
            deliveries_ += match.count;
        }
        if (!take_frame(member, bytes)) break;
    }
    member.rest_ = bytes;
}

bool Crowd::take_response(Member& member, std::string_view& bytes) {
    test::ServerReader reader;
    reader.feed(bytes);
    const auto response = reader.next_response();
    REQUIRE_MESSAGE(reader.error().empty(), reader.error());
    if (!response) return false;
    REQUIRE_MESSAGE(response->status == 101, response->status_line << ": " << response->body);
    member.state_ = Member::State::open;
    member.shard_ = response->field("x-shard").value_or("");
    member.owed_ = member.log_->next_ones();
    bytes.remove_prefix(bytes.size() - reader.unread().size());
    if (!member.reads_) watch(member, EPOLL_CTL_MOD);
    return true;
}

/// False if there is no whole frame, or nothing can be said of it yet. A publication is not
/// consumed: the log has it from now on.
bool Crowd::take_frame(Member& member, std::string_view& bytes) {
    const auto size = frame_bytes_of(bytes);
    if (!size || bytes.size() < *size) return false;
    test::ServerReader reader;
    reader.feed(bytes.substr(0, *size));
    const auto frame = reader.next_frame();
    REQUIRE_MESSAGE(frame.has_value(), name_of(member) << ": " << reader.error());
    if (frame->opcode < 8 && !skipped_of(frame->payload)) return take_publication(member, *frame);
    REQUIRE_MESSAGE(!member.close_code_, name_of(member) << " got something behind a Close");
    bytes.remove_prefix(*size);
    take_control(member, *frame);
    return true;
}

bool Crowd::take_publication(Member& member, const test::ServerFrame& frame) {
    TopicLog& log = *member.log_;
    REQUIRE_MESSAGE(!member.close_code_, name_of(member) << " got something behind a Close");
    if (!member.first_) {
        const auto id = log.read_id(frame.payload);
        REQUIRE_MESSAGE(id.has_value(), name_of(member) << " got no publication first");
        const auto position = log.find(*id);
        if (position) {
            begin_at(member, *position);
        } else {
            undecided_.push_back(&member);  // Others will say where it belongs.
        }
        return position.has_value();
    }
    if (member.position_ < log.size()) {
        const auto id = log.read_id(frame.payload);
        FAIL(name_of(member) << " got "
                             << (id ? fmt::format("{}/{}", id->publisher, id->sequence) : "?")
                             << ", which others have got at "
                             << (id ? log.find(*id).value_or(0) : 0));
    }
    const std::string wrong = log.append(frame);
    REQUIRE_MESSAGE(wrong.empty(), name_of(member) << " got " << wrong);
    return true;
}

void Crowd::take_control(Member& member, const test::ServerFrame& frame) {
    switch (frame.opcode) {
        case test::opcode_close:
            member.close_code_ = frame.close_code().value_or(0);
            if (!std::exchange(member.has_sent_close_, true))
                member.outbox_ += test::close_frame(
                    static_cast<std::uint16_t>(member.close_code_.value_or(1000)));
            break;
        case test::opcode_ping: member.outbox_ += test::pong_frame(frame.payload); break;
        case test::opcode_pong:
            FAIL(name_of(member) << " got a pong that it did not ask for");
            break;
        default: {
            const std::uint64_t count = skipped_of(frame.payload).value_or(0);
            REQUIRE_MESSAGE(member.first_.has_value(), name_of(member)
                                                           << " cannot have missed any");
            REQUIRE_MESSAGE(count > 0, name_of(member) << " missed none");
            REQUIRE_MESSAGE(member.position_ + count <= member.log_->size(),
                            name_of(member) << " missed " << count << ", more than there were");
            member.skipped_ += count;
            advance(member, count);
        }
    }
    send(member);
}

void Crowd::begin_at(Member& member, std::size_t position) {
    member.first_ = member.position_ = position;
    member.is_counted_ = member.reads_ && member.state_ != Member::State::ended;
    if (member.is_counted_) member.log_->enter(position);
}

void Crowd::advance(Member& member, std::size_t count) {
    const std::size_t from = std::exchange(member.position_, member.position_ + count);
    if (member.is_counted_ && count > 0) member.log_->move(from, member.position_);
}

}  // namespace ringcast::sockets

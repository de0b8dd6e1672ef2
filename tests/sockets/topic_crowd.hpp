#pragma once
// Many WebSocket clients of topics in one thread, over epoll. Each of them compares what it gets
// with its topic's log (topic_log.hpp). What is wrong fails the test at once; whatever does not
// happen within the tests' patience fails it, too.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringcast/ringcast.hpp"
#include "sockets/topic_log.hpp"
#include "support/socket_client.hpp"

namespace ringcast::sockets {

/// A server for topics at /topics/NAME: everybody may publish, and the 101 has a field `x-shard`
/// with the name of the shard's thread.
class TopicServer {
public:
    explicit TopicServer(const Settings& with);
    /// Starts it; whatever is mounted besides is mounted before.
    void start();
    Server server;
    std::string url;
};

/// What a 101 of TopicServer says in `x-shard`, for handlers of tests that say it as well.
[[nodiscard]] std::string this_shard();

class Member {
public:
    [[nodiscard]] bool is_open() const { return state_ == State::open; }
    /// The server has ended the stream, or reset() was called.
    [[nodiscard]] bool has_ended() const { return state_ == State::ended; }
    [[nodiscard]] bool was_reset() const { return was_reset_; }
    [[nodiscard]] const std::string& shard() const { return shard_; }
    /// Of the server's Close; 0 if that had none.
    [[nodiscard]] std::optional<int> close_code() const { return close_code_; }
    /// Where its run in the log begins; nothing before its first publication.
    [[nodiscard]] std::optional<std::size_t> first() const { return first_; }
    /// Where the next publication belongs.
    [[nodiscard]] std::size_t position() const { return position_; }
    [[nodiscard]] std::size_t received() const { return received_; }
    /// Publications that it was told to have missed.
    [[nodiscard]] std::uint64_t skipped() const { return skipped_; }
    [[nodiscard]] TopicLog& log() const { return *log_; }
    [[nodiscard]] std::uint32_t number() const { return number_; }

private:
    friend class Crowd;
    enum class State : std::uint8_t { upgrading, open, ended };

    TopicLog* log_ = nullptr;
    std::uint32_t number_ = 0;
    int fd_ = -1;
    State state_ = State::upgrading;
    bool reads_ = true;
    bool is_counted_ = false;  // Its position counts for TopicLog::completed().
    bool was_reset_ = false;
    bool has_sent_close_ = false;
    bool awaits_output_ = false;
    std::optional<std::size_t> first_;
    std::size_t position_ = 0;
    std::size_t received_ = 0;
    std::uint64_t skipped_ = 0;
    std::optional<int> close_code_;
    std::string shard_;
    std::string rest_;                 // Received and not understood yet.
    std::string outbox_;               // To be sent.
    std::vector<PublicationId> owed_;  // The first ones that were published after its 101.
};

struct JoinOptions {
    /// Where its run begins, if that is certain: nothing is on its way.
    std::optional<std::size_t> first = std::nullopt;
    int receive_buffer_bytes = 0;  ///< SO_RCVBUF, 0 for the system's.
    bool reads = true;             ///< Otherwise not before Crowd::read().
    std::string query = {};
};

class Crowd {
public:
    explicit Crowd(std::string url);
    ~Crowd();
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    /// Connects a client of `log`'s topic, which must outlive the crowd. The 101 comes later.
    Member& join(TopicLog& log, const JoinOptions& options = {});
    /// `count` of them, with the 101.
    std::vector<Member*> join_many(TopicLog& log, std::size_t count,
                                   const JoinOptions& options = {});
    void publish(Member& member);
    /// From now on it reads.
    void read(Member& member);
    /// The closing handshake, begun by us.
    void close(Member& member);
    /// Ends our stream without a Close.
    void finish(Member& member);
    /// Drops the connection.
    void reset(Member& member);

    /// Serves all of them until `done()`, which is asked once for each batch of events.
    template <class Done>
    void run_until(Done&& done) {
        while (!done()) turn();
    }

    [[nodiscard]] std::size_t deliveries() const { return deliveries_; }
    /// The run of `member` in its topic's order is one that the server may give: it begins no later
    /// than with the first publication that was made after its 101.
    static void check_run(const Member& member);

private:
    void turn();
    void watch(Member& member, int operation);
    void send(Member& member);
    void receive(Member& member);
    void end(Member& member, bool is_reset);
    void take(Member& member, std::string_view bytes);
    [[nodiscard]] bool take_response(Member& member, std::string_view& bytes);
    [[nodiscard]] bool take_frame(Member& member, std::string_view& bytes);
    [[nodiscard]] bool take_publication(Member& member, const test::ServerFrame& frame);
    void take_control(Member& member, const test::ServerFrame& frame);
    void begin_at(Member& member, std::size_t position);
    void advance(Member& member, std::size_t count);

    std::string url_;
    int epoll_ = -1;
    std::deque<Member> members_;
    std::vector<Member*> undecided_;  // Hold a publication that the log does not know yet.
    std::string buffer_;
    std::size_t deliveries_ = 0;
};

/// A closed loop: `publishers` publish in turn until `count` are out, as long as no more than
/// `window` of them have not been seen.
class Load {
public:
    Load(Crowd& crowd, std::vector<Member*> publishers, std::size_t count, std::size_t window)
        : crowd_{crowd}, publishers_{std::move(publishers)}, left_{count}, window_{window} {}
    /// `seen`: a position before which everybody who matters has received everything. True once all
    /// has been published.
    bool publish_due(std::size_t seen) {
        for (; left_ > 0 && publishers_[0]->log().published() < seen + window_; --left_)
            crowd_.publish(*publishers_[next_++ % publishers_.size()]);
        return left_ == 0;
    }

private:
    Crowd& crowd_;
    std::vector<Member*> publishers_;
    std::size_t left_;
    std::size_t window_;
    std::size_t next_ = 0;
};

}  // namespace ringcast::sockets

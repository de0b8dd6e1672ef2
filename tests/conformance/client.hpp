#pragma once
// A WebSocket client that writes octets as it is told and reads all that comes, over any wire.
// Whatever does not happen within the patience of the tests fails them; nothing sleeps.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "conformance/wire.hpp"
#include "support/ws_client.hpp"

namespace ringcast::conformance {

/// Whatever the answer, it says when it was made (RFC 9110 section 6.6.1): an hour is for clocks
/// that are set meanwhile.
inline void check_date(const test::ServerResponse& response) {
    if (response.status < 200) return;
    const auto is_date = [](const auto& field) { return field.first == "date"; };
    CHECK(std::ranges::count_if(response.fields, is_date) == 1);
    const std::string date = response.field("date").value_or("");
    std::tm parts{};
    const char* const end = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    REQUIRE_MESSAGE((end != nullptr && *end == '\0' && date.size() == 29), date);
    CHECK(std::abs(timegm(&parts) - std::time(nullptr)) < 3600);
}

class Client {
public:
    explicit Client(std::unique_ptr<Wire> wire) : wire_{std::move(wire)} {}

    /// Writes all of `bytes`, and reads what comes meanwhile, so that neither side waits for the
    /// other.
    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            bytes.remove_prefix(wire_->write_some(bytes));
            if (!bytes.empty() && read() == Wire::Read::none) wire_->wait(POLLIN | POLLOUT);
        }
    }
    /// The same in pieces of `piece_bytes`, each handed to the kernel on its own.
    void write_in_pieces(std::string_view bytes, std::size_t piece_bytes) {
        for (; !bytes.empty(); bytes.remove_prefix(std::min(piece_bytes, bytes.size())))
            write(bytes.substr(0, piece_bytes));
    }

    /// Writes a prefix of `bytes`, as much as there is room for, and says how much that was. Reads
    /// nothing.
    std::size_t write_without_reading(std::string_view bytes) {
        std::size_t written = 0, more = 0;
        while (written < bytes.size() && (more = wire_->write_some(bytes.substr(written))) > 0)
            written += more;
        return written;
    }

    test::ServerResponse response(bool is_head_answer = false) {
        for (;;) {
            if (auto response = reader_.next_response(is_head_answer)) {
                check_date(*response);
                return *std::move(response);
            }
            require_more("a response");
        }
    }
    /// The opening handshake, which must succeed.
    test::ServerResponse open(const test::UpgradeRequest& request = {}) {
        write(encode(request));
        return opened();
    }
    /// The answer to a handshake that has been written, which must be a 101.
    test::ServerResponse opened() {
        test::ServerResponse answer = response();
        REQUIRE_MESSAGE(answer.status == 101, answer.status_line << ": " << answer.body);
        CHECK(answer.field("sec-websocket-accept") == std::string{test::sample_accept});
        return answer;
    }

    test::ServerFrame frame() {
        for (;;) {
            if (auto frame = reader_.next_frame()) return *std::move(frame);
            require_more("a frame");
        }
    }
    /// The payload of the next frame, which must be a whole message of `opcode`, or a pong.
    std::string message(std::uint8_t opcode = test::opcode_text) {
        test::ServerFrame received = frame();
        REQUIRE(int{received.opcode} == int{opcode});
        CHECK(received.fin);
        return std::move(received.payload);
    }
    /// The code of the next frame, which must be a Close; 1005 if it has none.
    int close_code() {
        const test::ServerFrame received = frame();
        REQUIRE_MESSAGE(int{received.opcode} == int{test::opcode_close},
                        "instead came " << received.payload.substr(0, 80));
        return received.close_code().value_or(1005);
    }

    /// Reads on until the server ends its stream, which it must do in order, before we end ours,
    /// and without a further octet.
    void expect_end() {
        CHECK_MESSAGE(read_to_end() == Wire::Read::end, "the stream broke");
        wire_->shut_sending();
    }
    /// The same of a server that has waited long enough. TLS it may cut off: a client that says
    /// nothing is owed no close_notify.
    void expect_left() { read_to_end(); }
    /// Our closing handshake: the code comes back, and the server ends the stream.
    void close(std::uint16_t code = 1000) {
        write(test::close_frame(code));
        CHECK(close_code() == code);
        expect_end();
    }
    /// True if there is something to read, be it the end.
    [[nodiscard]] bool gets_something_within(std::chrono::milliseconds time) const {
        return wire_->is_ready_within(time, POLLIN);
    }
    [[nodiscard]] bool takes_something_within(std::chrono::milliseconds time) const {
        return wire_->is_ready_within(time, POLLOUT);
    }
    void shut_sending() { wire_->shut_sending(); }

private:
    /// `end` or `broken`; nothing may come before.
    Wire::Read read_to_end() {
        Wire::Read last = Wire::Read::none;
        for (; last != Wire::Read::end && last != Wire::Read::broken; last = read())
            if (last == Wire::Read::none) wire_->wait(POLLIN);
        CHECK(std::string{reader_.unread().substr(0, 80)} == "");
        return last;
    }

    Wire::Read read() {
        bytes_.clear();
        const Wire::Read outcome = wire_->read_some(bytes_);
        reader_.feed(bytes_);
        return outcome;
    }

    void require_more(const std::string& what) {
        REQUIRE_MESSAGE(reader_.error() == "", reader_.error());
        Wire::Read outcome = read();
        while (outcome == Wire::Read::none) {
            wire_->wait(POLLIN);
            outcome = read();
        }
        REQUIRE_MESSAGE(outcome == Wire::Read::some, "the stream ended instead of " << what);
    }

    std::unique_ptr<Wire> wire_;
    std::string bytes_;
    test::ServerReader reader_;
};

}  // namespace ringcast::conformance

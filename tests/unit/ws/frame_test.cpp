#include "ws/frame.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "support/ws_client.hpp"

namespace ringcast::ws {

namespace {

std::string as_string(const std::byte* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

constexpr std::uint64_t sizes[] = {
    0, 1, 125, 126, 127, 65535, 65536, 65537, std::uint64_t{1} << 40};

}  // namespace

TEST_CASE(
    "a server header takes the shortest form of the length and ends where the payload starts") {
    for (const std::uint64_t size : sizes) {
        std::array<std::byte, server_header_bytes_max + 1> buffer{};
        std::byte* const payload = buffer.data() + server_header_bytes_max;
        std::byte* const start = write_header_before(payload, Opcode::text, size);
        const auto written = static_cast<std::size_t>(payload - start);
        CHECK(written == server_header_bytes(size));
        CHECK(payload[0] == std::byte{0});
        const std::string expected = test::encode(
            test::ClientFrame{.opcode = test::opcode_text, .key = {}, .announced_bytes = size});
        CHECK(as_string(start, written) == expected);
    }
}

TEST_CASE("the samples of RFC 6455 section 5.7 are written octet by octet") {
    std::array<std::byte, client_header_bytes_max> buffer;
    CHECK(as_string(buffer.data(),
                    write_header(buffer.data(), {.opcode = Opcode::text, .payload_bytes = 5},
                                 nullptr)) == "\x81\x05");
    CHECK(as_string(buffer.data(),
                    write_header(buffer.data(),
                                 {.opcode = Opcode::text, .fin = false, .payload_bytes = 3},
                                 nullptr)) == "\x01\x03");
    CHECK(as_string(buffer.data(),
                    write_header(buffer.data(),
                                 {.opcode = Opcode::continuation, .payload_bytes = 2}, nullptr)) ==
          "\x80\x02");
    const simd::MaskKey key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};
    CHECK(as_string(buffer.data(),
                    write_header(buffer.data(), {.opcode = Opcode::text, .payload_bytes = 5},
                                 &key)) == "\x81\x85\x37\xfa\x21\x3d");
    CHECK(as_string(buffer.data(),
                    write_header(buffer.data(), {.opcode = Opcode::binary, .payload_bytes = 256},
                                 nullptr)) == std::string("\x82\x7e\x01\x00", 4));
    CHECK(as_string(buffer.data(),
                    write_header(buffer.data(), {.opcode = Opcode::binary, .payload_bytes = 65536},
                                 nullptr)) == std::string("\x82\x7f\0\0\0\0\0\1\0\0", 10));
}

TEST_CASE("any header is written as the test client writes it") {
    const simd::MaskKey key{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    for (const std::uint64_t size : sizes) {
        for (const bool is_masked : {false, true}) {
            std::array<std::byte, client_header_bytes_max> buffer;
            const FrameHeader header{
                .opcode = Opcode::binary, .fin = false, .reserved_bits = 5, .payload_bytes = size};
            const std::size_t written =
                write_header(buffer.data(), header, is_masked ? &key : nullptr);
            test::ClientFrame frame{.opcode = test::opcode_binary,
                                    .fin = false,
                                    .reserved_bits = 5,
                                    .key = {},
                                    .announced_bytes = size};
            if (is_masked) frame.key = test::ClientKey{1, 2, 3, 4};
            CHECK(as_string(buffer.data(), written) == test::encode(frame));
        }
    }
}

TEST_CASE("a close payload holds the code and as much of the reason as fits") {
    std::array<std::byte, control_payload_bytes_max> buffer;
    CHECK(write_close_payload(buffer.data(), CloseCode::no_status, "ignored") == 0);
    CHECK(as_string(buffer.data(), write_close_payload(buffer.data(), CloseCode::normal, "")) ==
          "\x03\xe8");
    CHECK(as_string(buffer.data(),
                    write_close_payload(buffer.data(), static_cast<CloseCode>(4999), "bye")) ==
          "\x13\x87"
          "bye");
    const std::string longest(123, 'a');
    CHECK(write_close_payload(buffer.data(), CloseCode::normal, longest) == 125);
    CHECK(as_string(buffer.data() + 2,
                    write_close_payload(buffer.data(), CloseCode::normal, longest + "b") - 2) ==
          longest);
}

TEST_CASE("a reason that is too long is cut between characters") {
    for (const std::string_view character : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
        for (std::size_t ascii = 115; ascii <= 124; ++ascii) {
            std::string reason(ascii, 'a');
            for (int i = 0; i < 4; ++i) reason += character;
            std::array<std::byte, control_payload_bytes_max> buffer;
            const std::size_t size =
                write_close_payload(buffer.data(), CloseCode::normal, reason) - 2;
            const std::size_t characters = ascii < 123 ? (123 - ascii) / character.size() : 0;
            CHECK(size == std::min<std::size_t>(ascii, 123) +
                              std::min<std::size_t>(characters, 4) * character.size());
            CHECK(as_string(buffer.data() + 2, size) == reason.substr(0, size));
        }
    }
}

TEST_CASE("only close codes that may be on the wire are received (RFC 6455 section 7.4 and IANA)") {
    for (unsigned code = 0; code <= 65535; ++code) {
        const bool is_reserved = code < 1000 || code == 1004 || code == 1005 || code == 1006 ||
                                 code == 1015 || (code > 1015 && code < 3000) || code > 4999;
        if (may_be_received(static_cast<std::uint16_t>(code)) == is_reserved)
            FAIL_CHECK("code " << code);
    }
}

}  // namespace ringcast::ws

#include "dialect/centrifuge/decoder.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.hpp"
#include "dialect/json.hpp"
#include "support/centrifuge_text.hpp"
#include "support/protobuf_wire.hpp"

using namespace ringcast;
using namespace ringcast::dialect::centrifuge;
using namespace std::string_literals;
using test::bytes_field;
using test::decoded_text;
using test::delimited;
using test::entry_field;
using test::from_hex;
using test::number_field;

namespace {

std::string fault_text(Malformed fault) {
    return "! " + std::string{to_string(fault)} + "\n";
}

/// A command in both formats, and what it says.
struct Case {
    std::string json;
    std::string protobuf;
    std::string text;
};

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {R"({"id":1,"connect":{}})", number_field(1, 1) + bytes_field(4, ""), "id=1 connect{}"},
        {R"({"id":4294967295,"connect":{"token":"t","data":{"a":[1, 2]},"subs":{"x":{"recover":true,
         "epoch":"e","offset":18446744073709551615},"y":{}},"name":"js","version":"1","headers":{
         "a":"b","c":""},"flag":3,"other":{}}})",
         number_field(1, 4294967295) +
             bytes_field(4, bytes_field(1, "t") + bytes_field(2, "{\"a\":[1, 2]}") +
                                entry_field(3, "x",
                                            number_field(3, 1) + bytes_field(6, "e") +
                                                number_field(7, UINT64_MAX)) +
                                entry_field(3, "y", "") + bytes_field(4, "js") +
                                bytes_field(5, "1") + entry_field(6, "a", "b") +
                                entry_field(6, "c", "") + number_field(7, 3) +
                                bytes_field(99, "{}")),
         "id=4294967295 connect{token=t data=<{\"a\":[1, 2]}> subs[x]{recover=1 epoch=e "
         "offset=18446744073709551615} subs[y]{} name=js version=1 headers[a]=b headers[c]=}"},
        {R"({"subscribe":{"channel":"c","token":"t","recover":true,"epoch":"e","offset":7,"data":
         "d","positioned":true,"recoverable":true,"join_leave":true,"delta":"fossil","tf":
         {"op":"x"},"flag":3,"type":0},"id":2})",
         bytes_field(5, bytes_field(1, "c") + bytes_field(2, "t") + number_field(3, 1) +
                            bytes_field(6, "e") + number_field(7, 7) + bytes_field(8, "\"d\"") +
                            number_field(9, 1) + number_field(10, 1) + number_field(11, 1) +
                            bytes_field(12, "fossil") + bytes_field(13, "x") + number_field(14, 3) +
                            number_field(15, 0)) +
             number_field(1, 2),
         "id=2 subscribe{channel=c token=t recover=1 epoch=e offset=7 data=<\"d\"> positioned=1 "
         "recoverable=1 join_leave=1 delta=fossil flag=3}"},
        {R"({"id":3,"unsubscribe":{"channel":"c"}})",
         number_field(1, 3) + bytes_field(6, bytes_field(1, "c")), "id=3 unsubscribe{channel=c}"},
        {R"({"id":4,"publish":{"channel":"c","data":null}})",
         number_field(1, 4) + bytes_field(7, bytes_field(1, "c") + bytes_field(2, "null")),
         "id=4 publish{channel=c data=<null>}"},
        {R"({"id":5,"presence":{"channel":"c"}})",
         number_field(1, 5) + bytes_field(8, bytes_field(1, "c")), "id=5 presence{channel=c}"},
        {R"({"id":6,"presence_stats":{"channel":"c"}})",
         number_field(1, 6) + bytes_field(9, bytes_field(1, "c")),
         "id=6 presence_stats{channel=c}"},
        {R"({"id":7,"history":{"channel":"c","limit":-1,"since":{"offset":9,"epoch":"e"},"reverse":
         true}})",
         number_field(1, 7) +
             bytes_field(10, bytes_field(1, "c") + number_field(7, UINT64_MAX) +
                                 bytes_field(8, number_field(1, 9) + bytes_field(2, "e")) +
                                 number_field(9, 1)),
         "id=7 history{channel=c limit=-1 since{offset=9 epoch=e} reverse=1}"},
        {R"({"id":7,"history":{"channel":"c","since":{}}})",
         number_field(1, 7) + bytes_field(10, bytes_field(1, "c") + bytes_field(8, "")),
         "id=7 history{channel=c since{}}"},
        {R"({"id":8,"ping":{}})", number_field(1, 8) + bytes_field(11, ""), "id=8 ping{}"},
        {R"({"send":{"data":[]}})", bytes_field(12, bytes_field(1, "[]")), "send{data=<[]>}"},
        {R"({"id":9,"send":{}})", number_field(1, 9) + bytes_field(12, ""), "id=9 send{}"},
        {R"({"id":9,"rpc":{"data":1,"method":"m"}})",
         number_field(1, 9) + bytes_field(13, bytes_field(1, "1") + bytes_field(2, "m")),
         "id=9 rpc{data=<1> method=m}"},
        {R"({"id":10,"refresh":{"token":"t"}})",
         number_field(1, 10) + bytes_field(14, bytes_field(1, "t")), "id=10 refresh{token=t}"},
        {R"({"id":11,"sub_refresh":{"channel":"c","token":"t"}})",
         number_field(1, 11) + bytes_field(15, bytes_field(1, "c") + bytes_field(2, "t")),
         "id=11 sub_refresh{channel=c token=t}"},
        {"{}", "", "pong"},
        {R"({"id":12,"dance":{"channel":1}})", number_field(1, 12) + bytes_field(77, "x"), "id=12"},
        {R"( { "id" : 13 , "connect" : null , "token" : 5 } )", number_field(1, 13), "id=13"},
    };
    return all;
}

/// JSON has its white space, and one line.
std::string line_of(const Case& each) {
    std::string json = each.json;
    for (char& c : json) c = c == '\n' ? ' ' : c;
    return json;
}

}  // namespace

TEST_CASE("every command says the same in both formats (digest, section 2)") {
    for (const Case& each : cases()) {
        CAPTURE(each.json);
        CHECK(decoded_text(Format::json, line_of(each)) == each.text + "\n");
        CHECK(decoded_text(Format::protobuf, delimited(each.protobuf)) == each.text + "\n");
    }
}

TEST_CASE("what the official client was seen to send is understood (digest, sections 2, 3, 11)") {
    CHECK(decoded_text(
              Format::json,
              R"({"connect":{"token":"jwt.x.y","data":{"a":1},"name":"js","version":"1"},"id":1})"
              "\n"
              R"({"subscribe":{"channel":"rec","token":"subjwt","data":{"z":1},"positioned":true,)"
              R"("recoverable":true,"join_leave":true,"flag":1},"id":2})"
              "\n"
              R"({"subscribe":{"channel":"plain","flag":1,"delta":"fossil"},"id":3})") ==
          "id=1 connect{token=jwt.x.y data=<{\"a\":1}> name=js version=1}\n"
          "id=2 subscribe{channel=rec token=subjwt data=<{\"z\":1}> positioned=1 recoverable=1 "
          "join_leave=1 flag=1}\n"
          "id=3 subscribe{channel=plain delta=fossil flag=1}\n");
    CHECK(decoded_text(Format::json, R"({"publish":{"channel":"c","data":{"a":1}},"id":5})") ==
          "id=5 publish{channel=c data=<{\"a\":1}>}\n");
    CHECK(decoded_text(Format::protobuf, from_hex("0b 08 01 22 07 0a 01 74 22 02 6a 73")) ==
          "id=1 connect{token=t name=js}\n");
    CHECK(decoded_text(Format::protobuf, from_hex("0c 08 02 3a 08 0a 02 63 68 12 02 68 69")) ==
          "id=2 publish{channel=ch data=<hi>}\n");
    CHECK(decoded_text(Format::protobuf, from_hex("00")) == "pong\n");
    CHECK(decoded_text(Format::json, "{}") == "pong\n");
}

TEST_CASE("a message is split into its commands, whatever line ends are around them") {
    std::string json = "\n";
    std::string protobuf;
    std::string text;
    for (const Case& each : cases()) {
        json += line_of(each) + (json.size() % 2 == 0 ? "\r\n" : "\n\n");
        protobuf += delimited(each.protobuf);
        text += each.text + "\n";
    }
    CHECK(decoded_text(Format::json, json) == text);
    CHECK(decoded_text(Format::protobuf, protobuf) == text);
}

TEST_CASE("a decoder over the rest goes on where the first one stopped") {
    for (const Format format : {Format::json, Format::protobuf}) {
        std::string message;
        std::string text;
        for (const Case& each : cases()) {
            message += format == Format::json ? line_of(each) + "\n" : delimited(each.protobuf);
            text += each.text + "\n";
        }
        std::string seen;
        while (!message.empty()) {
            CommandDecoder decoder{format, message};
            REQUIRE(decoder.next());
            seen +=
                decoder.command().is_pong() ? "pong" : test::CentrifugeText{decoder.command()}.text;
            seen += "\n";
            message = std::string{decoder.rest().data(), decoder.rest().size()};
        }
        CHECK(seen == text);
    }
}

TEST_CASE("payloads are views of the message, strings are decoded in it") {
    std::string message = R"({"id":1,"publish":{"channel":"a\u0062\"","data":{"x":"\u0061"}}})";
    CommandDecoder decoder{Format::json, message};
    REQUIRE(decoder.next());
    const auto& request = std::get<PublishRequest>(decoder.command().request);
    CHECK(request.channel == "ab\"");
    CHECK(request.data.bytes == R"({"x":"\u0061"})");
    CHECK(request.data.bytes.data() > message.data());
    CHECK(request.data.bytes.data() < message.data() + message.size());
    CHECK(request.channel.data() > message.data());
    CHECK(request.channel.data() < message.data() + message.size());
}

TEST_CASE("malformed JSON has a reason of its own") {
    const std::string deep(dialect::json_depth_max + 1, '[');
    struct {
        std::string json;
        Malformed fault;
    } const bad[] = {
        {"", Malformed::empty_message},
        {"\n\n", Malformed::empty_message},
        {" ", Malformed::not_json},
        {"{", Malformed::not_json},
        {"{}{}", Malformed::not_json},
        {"{} {}", Malformed::not_json},
        {"{\"id\":1,}", Malformed::not_json},
        {"{\"id\":1,\n\"connect\":{}}", Malformed::not_json},
        {"{\"a\":" + deep + "}", Malformed::not_json},
        {R"({"id":1,"publish":{"channel":"c","data":[1,]}})", Malformed::not_json},
        {R"({"id":1,"publish":{"channel":"c","data":{"a":[}]}}})", Malformed::not_json},
        {R"({"id":1,"publish":{"channel":"c","data":nul}})", Malformed::not_json},
        {R"({"id":1,"publish":{"channel":"c","data":01}})", Malformed::not_json},
        {R"({"id":1,"publish":{"channel":"c","data":"\x"}})", Malformed::not_json},
        {R"({"id":1,"publish":{"channel":"c","data":}})", Malformed::not_json},
        {R"({"id":1,"publish":{"channel":"c\ud"}})", Malformed::not_json},
        {"{\"id\":1,\"publish\":{\"channel\":\"\xff\"}}", Malformed::not_utf8},
        {"[]", Malformed::wrong_type},
        {"null", Malformed::wrong_type},
        {"1", Malformed::wrong_type},
        {"\"connect\"", Malformed::wrong_type},
        {R"({"id":"1","connect":{}})", Malformed::wrong_type},
        {R"({"id":1.0,"connect":{}})", Malformed::wrong_type},
        {R"({"id":true,"connect":{}})", Malformed::wrong_type},
        {R"({"id":1,"connect":[]})", Malformed::wrong_type},
        {R"({"id":1,"connect":""})", Malformed::wrong_type},
        {R"({"id":1,"connect":{"token":1}})", Malformed::wrong_type},
        {R"({"id":1,"connect":{"subs":[]}})", Malformed::wrong_type},
        {R"({"id":1,"connect":{"subs":{"a":1}}})", Malformed::wrong_type},
        {R"({"id":1,"connect":{"headers":{"a":1}}})", Malformed::wrong_type},
        {R"({"id":1,"subscribe":{"channel":{}}})", Malformed::wrong_type},
        {R"({"id":1,"subscribe":{"recover":1}})", Malformed::wrong_type},
        {R"({"id":1,"subscribe":{"offset":"1"}})", Malformed::wrong_type},
        {R"({"id":-1,"connect":{}})", Malformed::out_of_range},
        {R"({"id":4294967296,"connect":{}})", Malformed::out_of_range},
        {R"({"id":1,"subscribe":{"offset":18446744073709551616}})", Malformed::out_of_range},
        {R"({"id":1,"history":{"limit":2147483648}})", Malformed::out_of_range},
        {R"({"id":1,"id":1,"connect":{}})", Malformed::repeated_field},
        {R"({"id":1,"connect":{},"connect":{}})", Malformed::repeated_field},
        {R"({"id":1,"connect":{"token":"a","token":"b"}})", Malformed::repeated_field},
        {R"({"id":1,"connect":{"token":"a","to\u006ben":"b"}})", Malformed::repeated_field},
        {R"({"id":1,"connect":{},"subscribe":{}})", Malformed::several_methods},
        {R"({"connect":{}})", Malformed::missing_id},
        {R"({"id":0,"subscribe":{}})", Malformed::missing_id},
        {R"({"ping":{}})", Malformed::missing_id},
    };
    for (const auto& [json, fault] : bad) {
        CAPTURE(json);
        CHECK(decoded_text(Format::json, json) == fault_text(fault));
        // What was good before it is delivered; what follows is not.
        CHECK(decoded_text(Format::json, "{}\n" + json + "\n{}") ==
              (fault == Malformed::empty_message ? "pong\npong\n"
               : fault == Malformed::not_utf8    ? fault_text(fault)
                                                 : "pong\n" + fault_text(fault)));
    }
}

TEST_CASE("malformed Protobuf has a reason of its own") {
    struct {
        std::string bytes;
        Malformed fault;
    } const bad[] = {
        {"", Malformed::empty_message},
        {"\x80", Malformed::not_protobuf},      // A length that does not end.
        {"\x05\x08", Malformed::not_protobuf},  // Longer than what is there.
        {std::string(11, '\xff'), Malformed::not_protobuf},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Malformed::not_protobuf},
        {delimited("\x08"), Malformed::not_protobuf},       // A tag without its value.
        {delimited("\x00\x01"s), Malformed::not_protobuf},  // Field 0.
        {delimited("\x0b"), Malformed::not_protobuf},       // A group.
        {delimited("\x0f\x01"), Malformed::not_protobuf},
        {delimited("\x22\x05x"), Malformed::not_protobuf},
        {delimited(bytes_field(77, "x") + "\x08\x80"), Malformed::not_protobuf},
        {delimited(number_field(1, 1) + bytes_field(4, "\x0a\x05")), Malformed::not_protobuf},
        {delimited(bytes_field(1, "1")), Malformed::wrong_type},
        {delimited(number_field(4, 1)), Malformed::wrong_type},
        {delimited(number_field(1, 1) + bytes_field(4, number_field(1, 1))), Malformed::wrong_type},
        {delimited("\x0d\x01\x02\x03\x04"), Malformed::wrong_type},  // 32 bits.
        {delimited(number_field(1, 4294967296)), Malformed::out_of_range},
        {delimited(number_field(1, 1) + bytes_field(10, number_field(7, 2147483648))),
         Malformed::out_of_range},
        {delimited(number_field(1, 1) + bytes_field(5, bytes_field(1, "\xff"))),
         Malformed::not_utf8},
        {delimited(number_field(1, 1) + bytes_field(4, entry_field(6, "\xc3", ""))),
         Malformed::not_utf8},
        {delimited(number_field(1, 1) + number_field(1, 1)), Malformed::repeated_field},
        {delimited(number_field(1, 1) + bytes_field(4, "") + bytes_field(4, "")),
         Malformed::repeated_field},
        {delimited(number_field(1, 1) + bytes_field(4, "") + bytes_field(5, "")),
         Malformed::several_methods},
        {delimited(bytes_field(4, "")), Malformed::missing_id},
    };
    for (const auto& [bytes, fault] : bad) {
        CAPTURE(to_string(fault));
        CAPTURE(bytes.size());
        CHECK(decoded_text(Format::protobuf, bytes) == fault_text(fault));
        if (fault != Malformed::empty_message)
            CHECK(decoded_text(Format::protobuf, delimited("") + bytes) ==
                  "pong\n" + fault_text(fault));
    }
}

TEST_CASE("commands in a message and entries of a map have a limit") {
    const auto repeated = [](std::string_view text, std::size_t count) {
        std::string all;
        for (; count > 0; --count) all += text;
        return all;
    };
    const auto is_good = [](Format format, const std::string& message) {
        return decoded_text(format, message).find('!') == std::string::npos;
    };
    for (const auto& [format, pong] : {std::pair{Format::json, std::string{"{}\n"}},
                                       std::pair{Format::protobuf, delimited("")}}) {
        CHECK(is_good(format, repeated(pong, commands_per_message_max)));
        CHECK(decoded_text(format, repeated(pong, commands_per_message_max + 1))
                  .ends_with(fault_text(Malformed::too_many_commands)));
    }
    for (const std::size_t count : {map_entries_max, map_entries_max + 1}) {
        std::string json = "{\"id\":1,\"connect\":{\"headers\":{";
        std::string protobuf;
        for (std::size_t i = 0; i < count; ++i) {
            json += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
            protobuf += entry_field(6, std::to_string(i), "");
        }
        json += "}}}";
        protobuf = delimited(number_field(1, 1) + bytes_field(4, protobuf));
        CHECK(is_good(Format::json, json) == (count == map_entries_max));
        CHECK(is_good(Format::protobuf, protobuf) == (count == map_entries_max));
    }
}

TEST_CASE("cut short or changed anywhere, a message is refused or read, and nothing else") {
    for (const Format format : {Format::json, Format::protobuf}) {
        for (const Case& each : cases()) {
            const std::string good =
                format == Format::json ? line_of(each) : delimited(each.protobuf);
            for (std::size_t size = 1; size < good.size(); ++size) {
                const std::string text = decoded_text(format, good.substr(0, size));
                // JSON may end with white space, which is none of it.
                if (format == Format::protobuf) CHECK(text.starts_with("!"));
            }
            Prng prng{good.size()};
            for (int i = 0; i < 200; ++i) {
                std::string changed = good;
                changed[prng.below(changed.size())] = static_cast<char>(prng.below(256));
                (void)decoded_text(format, changed);
            }
        }
    }
}

TEST_CASE("a connect request may stand alone (digest, section 8)") {
    std::string text = R"({"token":"t","subs":{"a":{"recover":true}},"data":{"x":1}})";
    ConnectRequest request;
    CHECK(decode_connect(text, request) == Malformed::none);
    CHECK(test::CentrifugeText{request}.text == "token=t data=<{\"x\":1}> subs[a]{recover=1}");
    for (const auto& [bad, fault] :
         {std::pair{"", Malformed::not_json}, std::pair{"[]", Malformed::wrong_type},
          std::pair{"{\"name\":\"\xff\"}", Malformed::not_utf8},
          std::pair{"{} {}", Malformed::not_json}}) {
        std::string other = bad;
        ConnectRequest unused;
        CHECK(decode_connect(other, unused) == fault);
    }
}

TEST_CASE("the emulation envelope holds commands of its format (digest, sections 1, 2)") {
    std::string json =
        R"({"session":"s","node":"n","data":"{\"id\":1,\"rpc\":{\"data\":\"\\u0061\"}}\n{}"})";
    EmulationRequest request;
    REQUIRE(decode_emulation(Format::json, json, request) == Malformed::none);
    CHECK(request.session == "s");
    CHECK(request.node == "n");
    const std::span<char> commands = commands_of(request, json);
    CHECK(decoded_text(Format::json, {commands.data(), commands.size()}) ==
          "id=1 rpc{data=<\"\\u0061\">}\npong\n");

    std::string protobuf = bytes_field(1, "n") + bytes_field(2, "s") +
                           bytes_field(3, from_hex("0b 08 01 22 07 0a 01 74 22 02 6a 73 00"));
    EmulationRequest other;
    REQUIRE(decode_emulation(Format::protobuf, protobuf, other) == Malformed::none);
    CHECK(other.session == "s");
    CHECK(other.node == "n");
    const std::span<char> more = commands_of(other, protobuf);
    CHECK(decoded_text(Format::protobuf, {more.data(), more.size()}) ==
          "id=1 connect{token=t name=js}\npong\n");
}

TEST_CASE("a bad emulation envelope has a reason") {
    for (const auto& [bad, fault] :
         {std::pair{"", Malformed::not_json}, std::pair{"{", Malformed::not_json},
          std::pair{R"({"data":{}})", Malformed::wrong_type},
          std::pair{R"({"data":"","data":""})", Malformed::repeated_field},
          std::pair{"{\"data\":\"\xff\"}", Malformed::not_utf8}}) {
        CAPTURE(bad);
        std::string text = bad;
        EmulationRequest request;
        CHECK(decode_emulation(Format::json, text, request) == fault);
    }
    std::string empty;
    EmulationRequest request;
    CHECK(decode_emulation(Format::protobuf, empty, request) == Malformed::none);
    CHECK(commands_of(request, empty).empty());
    std::string cut = "\x0a\x05";
    CHECK(decode_emulation(Format::protobuf, cut, request) == Malformed::not_protobuf);
}

// The answer to offers of permessage-deflate, parameter by parameter (RFC 7692 sections 5 and 7.1).

#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <vector>

#include "conformance/deflate_kit.hpp"

using namespace ringcast;
using namespace ringcast::conformance;

namespace {

using Parameters = std::vector<std::string>;

const std::string snct = "server_no_context_takeover", cnct = "client_no_context_takeover",
                  cmwb = "client_max_window_bits";

/// The parameters agreed on with these offers; nothing if there is no extension.
std::optional<Parameters> answer_to(const EchoServer& server, const std::string& offers) {
    Client client = connect(server);
    const auto response = client.open({.fields = "Sec-WebSocket-Extensions: " + offers + "\r\n"});
    const std::string extensions = list_of(response, "sec-websocket-extensions");
    client.close();
    if (extensions.empty()) return std::nullopt;
    CHECK(!extensions.contains(','));
    return parameters_of(extensions);
}

/// `shared` says that neither side takes over its context, whatever was offered.
Parameters as_shared(Parameters parameters) {
    for (const std::string& flag : {snct, cnct}) {
        if (std::ranges::find(parameters, flag) == parameters.end()) parameters.push_back(flag);
    }
    std::ranges::sort(parameters);
    return parameters;
}

struct Negotiation {
    std::string offers;
    std::optional<Parameters> agreed;  ///< With `dedicated`.
};

void check(const std::vector<Negotiation>& negotiations) {
    for (const Compression compression :
         {Compression::dedicated, Compression::shared, Compression::off}) {
        const EchoServer server{compressing(compression)};
        for (const auto& [offers, agreed] : negotiations) {
            CAPTURE(offers);
            std::optional<Parameters> expected = agreed;
            if (expected) std::ranges::sort(*expected);
            if (expected && compression == Compression::shared) expected = as_shared(*expected);
            if (compression == Compression::off) expected = std::nullopt;
            CHECK(answer_to(server, offers) == expected);
        }
    }
}

}  // namespace

TEST_CASE("12, 13: what the suite offers") {
    const std::string offer = plain_offer + "; " + cnct + "; " + cmwb;
    const std::string nine = "server_max_window_bits=9", fifteen = "server_max_window_bits=15";
    check({
        {offer, Parameters{cnct}},
        {offer + "; " + snct, Parameters{cnct, snct}},
        {offer + "; " + nine, Parameters{cnct, nine}},
        {offer + "; " + fifteen, Parameters{cnct, fifteen}},
        {offer + "; " + snct + "; " + nine, Parameters{cnct, nine, snct}},
        {offer + "; " + snct + "; " + fifteen, Parameters{cnct, fifteen, snct}},
        {offer + "; " + snct + "; " + nine + ", " + offer + "; " + snct + ", " + offer,
         Parameters{cnct, nine, snct}},
    });
}

TEST_CASE("what else may be offered") {
    std::vector<Negotiation> negotiations{
        {plain_offer, Parameters{}},
        {"foo, " + plain_offer, Parameters{}},
        {"foo; bar=1; baz=\"2\", " + plain_offer + "; " + snct, Parameters{snct}},
        {plain_offer + ", " + plain_offer + "; " + snct, Parameters{}},
        {"\t" + plain_offer + " ;\t" + snct + " ; " + cnct, Parameters{cnct, snct}},
        {plain_offer + ";" + snct + ";" + cnct, Parameters{cnct, snct}},
        {"Permessage-DEFLATE; Server_No_Context_Takeover", Parameters{snct}},
        {plain_offer + "; " + cmwb, Parameters{}},
        {", ," + plain_offer + ",", Parameters{}},
        {plain_offer + "\r\nSec-WebSocket-Extensions: " + plain_offer + "; " + snct, Parameters{}},
        {"foo\r\nsec-websocket-extensions: " + plain_offer + "; " + snct, Parameters{snct}},
    };
    for (int bits = 8; bits <= 15; ++bits) {
        const std::string value = std::to_string(bits);
        const std::string quoted = '"' + value + '"';
        for (const char* side : {"server", "client"}) {
            const std::string parameter = side + std::string{"_max_window_bits="};
            negotiations.push_back(
                {plain_offer + "; " + parameter + value, Parameters{parameter + value}});
            negotiations.push_back(
                {plain_offer + "; " + parameter + quoted, Parameters{parameter + value}});
        }
    }
    check(negotiations);
}

TEST_CASE("an offer that is invalid is declined, and the next one tried") {
    std::vector<std::string> invalid{
        "foo",
        "foo=1",
        snct + "=1",
        snct + "=true",
        cnct + "=\"\\1\"",
        snct + "; " + snct,
        cnct + "; " + cnct,
        cmwb + "; " + cmwb,
        cmwb + "; client_max_window_bits=9",
        "server_max_window_bits",
        "server_max_window_bits=9; server_max_window_bits=9",
        snct + "; foo",
        "server_max_window_bits=10; x-webkit-deflate-frame",
    };
    for (const char* value : {"0", "1", "7", "16", "08", "015", "15a", "a", "-9", "+9", "9.0",
                              "0x9", "256", "4294967305", "18446744073709551625", "\"16\""}) {
        invalid.push_back("server_max_window_bits=" + std::string{value});
        invalid.push_back("client_max_window_bits=" + std::string{value});
    }
    std::vector<Negotiation> negotiations{{"foo", std::nullopt},
                                          {"permessage-deflat", std::nullopt},
                                          {"permessage-deflate2", std::nullopt},
                                          {"x-webkit-deflate-frame", std::nullopt}};
    for (const std::string& parameter : invalid) {
        const std::string offer = plain_offer + "; " + parameter;
        negotiations.push_back({offer, std::nullopt});
        negotiations.push_back({offer + ", " + plain_offer + "; " + snct, Parameters{snct}});
        negotiations.push_back(
            {offer + "\r\nSec-WebSocket-Extensions: " + plain_offer, Parameters{}});
    }
    check(negotiations);
}

TEST_CASE("a list that is none fails the handshake, whatever else is in it") {
    for (const Compression compression : {Compression::dedicated, Compression::off}) {
        const EchoServer server{compressing(compression)};
        for (const std::string& offers :
             {std::string{";"}, std::string{","}, plain_offer + ";", plain_offer + "; =1",
              plain_offer + "; foo=", plain_offer + "; foo=\"1", plain_offer + "; foo=\"1 0\"",
              plain_offer + "; foo=\"\"", plain_offer + " " + plain_offer,
              "perm/deflate, " + plain_offer, plain_offer + ", foo; ;bar",
              plain_offer + "; foo=1=2"}) {
            CAPTURE(offers);
            Client client = connect(server);
            client.write(encode(
                test::UpgradeRequest{.fields = "Sec-WebSocket-Extensions: " + offers + "\r\n"}));
            CHECK(client.response().status == 400);
        }
    }
}

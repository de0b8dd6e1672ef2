#include "dialect/centrifuge/server_api_codec.hpp"

#include <doctest/doctest.h>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/centrifuge_client.hpp"
#include "support/centrifuge_text.hpp"

using namespace ringcast;
namespace api = ringcast::dialect::centrifuge::server_api;
using dialect::centrifuge::ErrorCode;
using dialect::centrifuge::Malformed;
using dialect::centrifuge::Payload;

namespace {

/// What a request says: `publish{channel=a data=<1>}`, or its fault.
std::string call_text(std::string_view method, std::string_view body) {
    std::vector<char> memory(body.begin(), body.end());
    api::Call call;
    if (!api::choose_method(method, call)) return "no such method";
    const Malformed fault = api::decode_body(memory, call);
    if (fault != Malformed::none) return "! " + std::string{to_string(fault)};
    if (call.is_batch) return test::CentrifugeText{call.batch}.text;
    REQUIRE(call.batch.commands.size() == 1);
    return test::CentrifugeText{call.batch.commands.front()}.text;
}

std::string answer_text(const api::Result& result) {
    api::AnswerText answer{false};
    answer.add(result);
    return answer.finish();
}

}  // namespace

TEST_CASE("each method of the server API is read with all its fields") {
    struct {
        const char* method;
        const char* body;
        const char* text;
    } const cases[] = {
        {"publish", R"({"channel":"a","data":{"b": [1]}})",
         R"(publish{channel=a data=<{"b": [1]}>})"},
        {"publish",
         R"({"channel":"\u00e4","b64data":"AA==","skip_history":true,"tags":{"t":"u"},
             "idempotency_key":"i","delta":true,"version":18446744073709551615,"version_epoch":"v",
             "kind":"text","later":{"x":[]}})",
         "publish{channel=\u00e4 b64data=AA== skip_history=1 tags[t]=u idempotency_key=i delta=1 "
         "version=18446744073709551615 version_epoch=v kind=text}"},
        {"publish", "", "publish{}"},
        {"publish", "{}", "publish{}"},
        {"publish", R"({"channel":null,"data":null})", "publish{data=<null>}"},
        {"broadcast", R"({"channels":["a","b",""],"data":1})",
         "broadcast{channels[]=a channels[]=b channels[]= data=<1>}"},
        {"broadcast", R"({"channels":[]})", "broadcast{}"},
        {"subscribe",
         R"({"user":"u","channel":"c","expire_at":-1,"info":{},"b64info":"i","client":"x","data":[],
             "b64data":"d","recover_since":{"offset":3,"epoch":"e"},"override":{"presence":
             {"value":true},"join_leave":{},"force_recovery":null},"session":"s"})",
         "subscribe{channel=c user=u expire_at=-1 info=<{}> b64info=i client=x data=<[]> b64data=d "
         "recover_since{offset=3 epoch=e} override{presence{value=1} join_leave{}} session=s}"},
        {"unsubscribe", R"({"user":"u","channel":"c","client":"x","session":"s"})",
         "unsubscribe{channel=c user=u client=x session=s}"},
        {"disconnect",
         R"({"user":"u","disconnect":{"code":4000,"reason":"r"},"whitelist":["a"],"client":"x"})",
         "disconnect{user=u disconnect{code=4000 reason=r} client=x whitelist[]=a}"},
        {"refresh", R"({"user":"u","client":"x","expired":true,"expire_at":9,"info":1})",
         "refresh{user=u client=x expired=1 expire_at=9 info=<1>}"},
        {"presence", R"({"channel":"c"})", "presence{channel=c}"},
        {"presence_stats", R"({"channel":"c"})", "presence_stats{channel=c}"},
        {"history", R"({"channel":"c","limit":-1,"since":{"offset":1,"epoch":"e"},"reverse":true})",
         "history{channel=c limit=-1 since{offset=1 epoch=e} reverse=1}"},
        {"history_remove", R"({"channel":"c"})", "history_remove{channel=c}"},
        {"channels", R"({"pattern":"a*"})", "channels{pattern=a*}"},
        {"info", " {} ", "info{}"},
        {"batch", "", ""},
        {"batch",
         R"({"commands":[{"publish":{"channel":"a","data":1}},{"info":{}},{"batch":{}},{}],
             "parallel":true})",
         "commands[]{publish{channel=a data=<1>}} commands[]{info{}} commands[]{} commands[]{} "
         "parallel=1"},
    };
    for (const auto& [method, body, text] : cases) {
        CAPTURE(method);
        CAPTURE(body);
        CHECK(call_text(method, body) == text);
    }
}

TEST_CASE("the server API has no other methods") {
    for (const char* const method : {"", "Publish", "publis", "publishx", "rpc", "connect", "/"})
        CHECK(call_text(method, "{}") == "no such method");
}

TEST_CASE("a body of the server API that is not what it should be is refused") {
    const auto fault_text = [](Malformed fault) { return "! " + std::string{to_string(fault)}; };
    const std::string many = [] {
        std::string text = "[\"a\"";
        for (std::size_t i = 0; i < dialect::centrifuge::list_elements_max; ++i) text += ",\"a\"";
        return text + "]";
    }();
    const std::vector<std::tuple<std::string, std::string, Malformed>> cases{
        {"publish", " ", Malformed::not_json},
        {"publish", "{", Malformed::not_json},
        {"publish", "{}{}", Malformed::not_json},
        {"publish", "[]", Malformed::wrong_type},
        {"publish", "null", Malformed::wrong_type},
        {"publish", "channel=a", Malformed::wrong_type},
        {"publish", R"({"channel":"a","data":[1,]})", Malformed::not_json},
        {"publish", R"({"channel":"a","data":})", Malformed::not_json},
        {"publish", R"({"channel":1})", Malformed::wrong_type},
        {"publish", R"({"channel":["a"]})", Malformed::wrong_type},
        {"publish", R"({"channel":"a","channel":"b"})", Malformed::repeated_field},
        {"publish", R"({"skip_history":1})", Malformed::wrong_type},
        {"publish", R"({"version":-1})", Malformed::out_of_range},
        {"publish", R"({"version":1.5})", Malformed::wrong_type},
        {"publish", R"({"tags":{"a":1}})", Malformed::wrong_type},
        {"publish", "{\"channel\":\"\xff\"}", Malformed::not_utf8},
        {"publish", "{\"data\":" + std::string(65, '[') + std::string(65, ']') + "}",
         Malformed::not_json},
        {"broadcast", R"({"channels":"a"})", Malformed::wrong_type},
        {"broadcast", R"({"channels":{"a":1}})", Malformed::wrong_type},
        {"broadcast", R"({"channels":["a",1]})", Malformed::wrong_type},
        {"broadcast", R"({"channels":["a",]})", Malformed::wrong_type},
        {"broadcast", R"({"channels":["a")", Malformed::not_json},
        {"broadcast", R"({"channels":)" + many + "}", Malformed::too_many_entries},
        {"disconnect", R"({"disconnect":{"code":4294967296}})", Malformed::out_of_range},
        {"history", R"({"limit":2147483648})", Malformed::out_of_range},
        {"subscribe", R"({"override":{"presence":true}})", Malformed::wrong_type},
        {"batch", R"({"commands":{}})", Malformed::wrong_type},
        {"batch", R"({"commands":[1]})", Malformed::wrong_type},
        {"batch", R"({"commands":[{"publish":{},"info":{}}]})", Malformed::several_methods},
        {"batch", R"({"commands":[{"publish":{"channel":1}}]})", Malformed::wrong_type},
    };
    for (const auto& [method, body, fault] : cases) {
        CAPTURE(method);
        CAPTURE(body);
        CHECK(call_text(method, body) == fault_text(fault));
    }
}

TEST_CASE("what was read of the server API and is written again says the same") {
    const std::pair<const char*, const char*> cases[] = {
        {"publish", R"({"channel":"a\"\n","data":{"b":[1]},"tags":{"x":"y"},"version":7})"},
        {"broadcast", R"({"channels":["a","\u0001"],"b64data":"AAAA"})"},
        {"subscribe", R"({"user":"u","override":{"presence":{"value":true}},"expire_at":-5})"},
        {"disconnect", R"({"user":"u","whitelist":["a","b"]})"},
        {"batch", R"({"commands":[{"history":{"channel":"c","since":{}}},{},{"info":{}}]})"},
    };
    for (const auto& [method, body] : cases) {
        CAPTURE(body);
        std::string memory{body};
        api::Call call;
        REQUIRE(api::choose_method(method, call));
        REQUIRE(api::decode_body(memory, call) == Malformed::none);
        const std::string again =
            call.is_batch ? test::ClientJson::of(call.batch)
                          : std::visit(
                                []<class Request>(const Request& request) {
                                    if constexpr (std::is_same_v<Request, std::monostate>) {
                                        return std::string{};
                                    } else {
                                        return test::ClientJson::of(request);
                                    }
                                },
                                call.batch.commands.front().request);
        CHECK(call_text(method, again) == call_text(method, body));
    }
}

TEST_CASE("results of the server API have the form that its SDKs read") {
    CHECK(answer_text({api::PublishResult{}}) == R"({"result":{}})");
    CHECK(answer_text({api::PublishResult{.offset = 3, .epoch = "e\""}}) ==
          R"({"result":{"offset":3,"epoch":"e\""}})");
    CHECK(answer_text({api::Error{ErrorCode::too_many_requests}}) ==
          R"({"error":{"code":111,"message":"too many requests"}})");
    const api::Response<api::PublishResult> responses[] = {{api::PublishResult{.offset = 1}},
                                                           {api::Error{ErrorCode::bad_request}}};
    CHECK(answer_text({api::BroadcastResult{responses}}) ==
          R"({"result":{"responses":[{"result":{"offset":1}},)"
          R"({"error":{"code":107,"message":"bad request"}}]}})");
    CHECK(answer_text({api::SubscribeResult{}}) == R"({"result":{}})");
    const api::NodeResult nodes[] = {{.uid = "u",
                                      .name = "n",
                                      .version = "1",
                                      .num_clients = 2,
                                      .num_channels = 3,
                                      .num_subs = 4}};
    CHECK(answer_text({api::InfoResult{nodes}}) ==
          R"({"result":{"nodes":[{"uid":"u","name":"n","version":"1","num_clients":2,)"
          R"("num_users":0,"num_channels":3,"uptime":0,"num_subs":4}]}})");
    const std::pair<std::string_view, api::ChannelInfo> channels[] = {{"a", {1}}, {"b", {2}}};
    CHECK(answer_text({api::ChannelsResult{channels}}) ==
          R"({"result":{"channels":{"a":{"num_clients":1},"b":{"num_clients":2}}}})");
    const dialect::centrifuge::Publication publications[] = {
        {.data = {"1", PublicationKind::json}, .offset = 1}};
    CHECK(answer_text({api::HistoryResult{publications, "e", 1}}) ==
          R"({"result":{"publications":[{"data":1,"offset":1}],"epoch":"e","offset":1}})");
    CHECK(answer_text({api::PresenceStatsResult{2, 1}}) ==
          R"({"result":{"num_clients":2,"num_users":1}})");
}

TEST_CASE("what SDKs insist on is there even if it is empty") {
    CHECK(answer_text({api::ChannelsResult{}}) == R"({"result":{"channels":{}}})");
    CHECK(answer_text({api::PresenceResult{}}) == R"({"result":{"presence":{}}})");
    CHECK(answer_text({api::PresenceStatsResult{}}) ==
          R"({"result":{"num_clients":0,"num_users":0}})");
    CHECK(answer_text({api::HistoryResult{}}) ==
          R"({"result":{"publications":[],"epoch":"","offset":0}})");
    CHECK(answer_text({api::BroadcastResult{}}) == R"({"result":{"responses":[]}})");
    CHECK(answer_text({api::InfoResult{}}) == R"({"result":{"nodes":[]}})");
}

TEST_CASE("replies of a batch have the names of their methods") {
    api::AnswerText answer{true};
    answer.add({api::PublishResult{}});
    answer.add({api::Error{ErrorCode::method_not_found}});
    answer.add({api::HistoryRemoveResult{}});
    CHECK(answer.finish() ==
          R"({"replies":[{"publish":{}},{"error":{"code":104,"message":"method not found"}},)"
          R"({"history_remove":{}}]})");
    CHECK(api::AnswerText{true}.finish() == R"({"replies":[]})");
}

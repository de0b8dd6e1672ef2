#include "http/forwarded.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace ringcast;
using namespace ringcast::http;

namespace {

/// The hops from the end, `-` for one without an address; `malformed` if there are none to tell.
std::string read(ForwardedField field, const std::vector<Field>& fields) {
    Request request;
    request.fields = fields;
    const auto hops = ForwardedHops::read(request, field);
    if (!hops) return "malformed";
    std::string text;
    for (std::size_t i = 0; i < hops->count(); ++i) {
        const auto& hop = hops->from_end(i);
        text += i == 0 ? "" : " ";
        if (!hop) {
            text += "-";
            continue;
        }
        // Tests use addresses whose last octets tell them apart.
        text += (hop->ip.is_ipv4() ? "4." : "6.") + std::to_string(hop->ip.octets[15]);
        if (hop->port != 0) text += ":" + std::to_string(hop->port);
    }
    return text;
}

std::string forwarded(std::string_view value) {
    return read(ForwardedField::forwarded, {{"Forwarded", value}});
}

}  // namespace

TEST_CASE("X-Forwarded-For is a list of addresses over all its lines, read from its end") {
    struct {
        std::vector<Field> fields;
        const char* hops;
    } const cases[] = {
        {{}, ""},
        {{{"X-Forwarded-For", ""}}, ""},
        {{{"X-Forwarded-For", "192.0.2.1"}}, "4.1"},
        {{{"x-forwarded-for", "192.0.2.1, 192.0.2.2,192.0.2.3"}}, "4.3 4.2 4.1"},
        {{{"X-Forwarded-For", "192.0.2.1"}, {"Via", "x"}, {"X-Forwarded-For", "2001:db8::2"}},
         "6.2 4.1"},
        {{{"X-Forwarded-For", "192.0.2.1:51234, [2001:db8::2]:443"}}, "6.2:443 4.1:51234"},
        {{{"X-Forwarded-For", "garbage, unknown, 192.0.2.1"}}, "4.1 - -"},
        {{{"X-Forwarded-For", ",, 192.0.2.1 ,"}}, "4.1"},
        {{{"X-Forwarded-For", "\"192.0.2.1"}}, "-"},
        {{{"Forwarded", "for=192.0.2.1"}}, ""},
    };
    for (const auto& [fields, hops] : cases) {
        CAPTURE(hops);
        CHECK(read(ForwardedField::x_forwarded_for, fields) == hops);
    }
}

TEST_CASE("Forwarded is read by the grammar of RFC 7239") {
    struct {
        const char *value, *hops;
    } const cases[] = {
        {"", ""},
        {"for=192.0.2.43", "4.43"},
        {"For=\"[2001:db8:cafe::17]:4711\"", "6.23:4711"},
        {"for=192.0.2.60;proto=http;by=203.0.113.43", "4.60"},
        {"proto=https;by=203.0.113.43;FOR=192.0.2.60;host=a", "4.60"},
        {"for=192.0.2.43, for=198.51.100.17", "4.17 4.43"},
        {"for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown", "- 6.23 4.43"},
        {"for=\"_gazonk\"", "-"},
        {"for=_hidden, for=_SEVKISEK", "- -"},
        {"for=\"192.0.2.43:_port\"", "4.43"},
        {"for=\"192.0.2.43:47011\"", "4.43:47011"},
        {"for=\"192\\.0.2.4\\3\"", "4.43"},
        {"by=203.0.113.43", "-"},
        {"for=192.0.2.1 ; proto=http , for=192.0.2.2", "4.2 4.1"},
        {"for=192.0.2.1;", "4.1"},
        {";for=192.0.2.1", "4.1"},
        {", for=192.0.2.1,,", "4.1"},
        {"ext=\"a,b;for=192.0.2.9\";for=192.0.2.1", "4.1"},
        {"for=\"\"", "-"},
        {"for=\"0123456789012345678901234567890123456789012345678901234567890123456789\"", "-"},
        // What nobody can read in only one way.
        {"for", "malformed"},
        {"for=", "malformed"},
        {"for=[::1]", "malformed"},
        {"for=192.0.2.1:80", "malformed"},
        {"for =192.0.2.1", "malformed"},
        {"for= 192.0.2.1", "malformed"},
        {"for=192.0.2.1 proto=http", "malformed"},
        {"for=192.0.2.1;for=192.0.2.2", "malformed"},
        {"for=\"192.0.2.1", "malformed"},
        {"for=\"192.0.2.1\\", "malformed"},
        {"for=\"", "malformed"},
        {"for=\"192.0.2.1\"x", "malformed"},
        {"192.0.2.1", "malformed"},
        {"=192.0.2.1", "malformed"},
        // A client's open quote swallows what the proxy appends: then all of it counts for nothing.
        {"for=\"192.0.2.66, for=192.0.2.1", "malformed"},
        {"x=\", for=\"[2001:db8::1]\"", "malformed"},
    };
    for (const auto& [value, hops] : cases) {
        CAPTURE(value);
        CHECK(forwarded(value) == hops);
    }
    CHECK(read(ForwardedField::forwarded, {{"Forwarded", "for=192.0.2.1"},
                                           {"X-Forwarded-For", "192.0.2.9"},
                                           {"forwarded", "for=192.0.2.2"}}) == "4.2 4.1");
    CHECK(read(ForwardedField::forwarded,
               {{"Forwarded", "for=192.0.2.1"}, {"Forwarded", "for="}}) == "malformed");
}

TEST_CASE("of a list that is too long its end counts") {
    std::string value = "192.0.2.1";
    for (std::size_t i = 2; i <= 40; ++i) value += ", 192.0.2." + std::to_string(i);
    const std::string hops = read(ForwardedField::x_forwarded_for, {{"X-Forwarded-For", value}});
    CHECK(hops.starts_with("4.40 4.39 "));
    CHECK(hops.ends_with(" 4.10 4.9"));
}

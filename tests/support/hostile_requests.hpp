#pragma once
// Requests that mean harm: malformed ones, and those that two readers would take for different
// ones, so that one of them finds a request hidden in a body (RFC 9112 section 11.2). They are for
// what an admin listener serves, `GET /metrics` and `POST /publish/{topic...}`; each of them has to
// get one refusal, behind which nothing is read.

#include <string>
#include <vector>

namespace ringcast::test {

inline const std::string nul(1, '\0');

/// What must never be carried out.
inline const std::string hidden =
    "POST /publish/hidden HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nhidden";

inline std::string get(const std::string& lines) {
    return "GET /metrics HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}
inline std::string line(const std::string& text) {
    return text + "\r\nHost: a\r\n\r\n";
}
inline std::string post(const std::string& lines, const std::string& body = {}) {
    return "POST /publish/a HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n" + body;
}

/// Ways to say `chunked` that one reader may take for it and another one for something else, as the
/// lines of a head.
inline const std::vector<std::string> codings = {
    "Transfer-Encoding: chunked\r\n",
    "transfer-encoding:CHUNKED\r\n",
    "Transfer-Encoding:\tchunked\t \r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding\t: chunked\r\n",
    " Transfer-Encoding: chunked\r\n",
    "\tTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding:\r\n chunked\r\n",
    "Transfer-Encoding\r\n: chunked\r\n",
    "Transfer-Encoding: chunked\r\n x\r\n",
    "X: y\r\n Transfer-Encoding: chunked\r\n",
    "X: y\nTransfer-Encoding: chunked\r\n",
    "X: y\rTransfer-Encoding: chunked\r\n",
    "X: y\r\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\nX: y\r\n",
    "Transfer-Encoding: chunked\rX: y\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: identity, chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: ,chunked\r\n",
    "Transfer-Encoding: chunked,\r\n",
    "Transfer-Encoding: ,\r\n",
    "Transfer-Encoding:\r\n",
    "Transfer-Encoding: chunked;q=1\r\n",
    "Transfer-Encoding: \"chunked\"\r\n",
    "Transfer-Encoding: 'chunked'\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: chunkedx\r\n",
    "Transfer-Encoding: chunk\r\n",
    "Transfer-Encoding: chun ked\r\n",
    "Transfer-Encoding: chunked chunked\r\n",
    "Transfer-Encoding: \x0b"
    "chunked\r\n",
    "Transfer-Encoding: \x0c"
    "chunked\r\n",
    "Transfer-Encoding: chunked\x7f\r\n",
    "Transfer-Encoding: chunked" + nul + "\r\n",
    "Transfer-Encoding: \xc2\xa0"
    "chunked\r\n",
    "Transfer-Encoding" + nul + ": chunked\r\n",
    "Transfer-Encoding:chunked" + nul + "x\r\n",
    "\xef\xbb\xbfTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding;: chunked\r\n",
};

/// Lengths that readers may take for different numbers.
inline const std::vector<std::string> lengths = {
    "Content-Length: +5\r\n",
    "Content-Length: -5\r\n",
    "Content-Length: -0\r\n",
    "Content-Length: 0x5\r\n",
    "Content-Length: 5.0\r\n",
    "Content-Length: 5e0\r\n",
    "Content-Length: 5 5\r\n",
    "Content-Length: 5,5\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: 0, 5\r\n",
    "Content-Length: 5,\r\n",
    "Content-Length: ,5\r\n",
    "Content-Length: \r\n",
    "Content-Length: a\r\n",
    "Content-Length: \"5\"\r\n",
    "Content-Length: 5;\r\n",
    "Content-Length: 5_0\r\n",
    "Content-Length: \x0b"
    "5\r\n",
    "Content-Length: 5" + nul + "\r\n",
    "Content-Length: 5\x7f\r\n",
    "Content-Length: \xd9\xa5\r\n",
    "Content-Length: 18446744073709551616\r\n",
    "Content-Length: 18446744073709551621\r\n",
    "Content-Length: 99999999999999999999999999\r\n",
    "Content-Length: 5\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nContent-Length: 0\r\n",
    "Content-Length: 0\r\ncontent-length: 5\r\n",
    "Content-Length : 5\r\n",
    " Content-Length: 5\r\n",
    "Content-Length:\r\n 5\r\n",
    "Content-Length: 5\r\n 0\r\n",
    "X: y\nContent-Length: 5\r\n",
    "Content-Length: 0\nContent-Length: 5\r\n",
    "Content-Length: 0\rContent-Length: 5\r\n",
};

/// Chunked bodies that end at different places for different readers, or for none.
inline const std::vector<std::string> chunkings = {
    "\n0\r\n\r\n",
    "\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5\t\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "0X5\r\nhello\r\n0\r\n\r\n",
    "5h\r\nhello\r\n0\r\n\r\n",
    "5,5\r\nhello\r\n0\r\n\r\n",
    "5" + nul + "\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "100000000000000000005\r\nhello\r\n0\r\n\r\n",
    "00000000000000005\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "fffffffffffffffb\r\nhello\r\n0\r\n\r\n",
    "8000000000000005\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhelloXX0\r\n\r\n",
    "4\r\nhello\r\n0\r\n\r\n",
    "6\r\nhello\r\n0\r\n\r\n",
    "5;\r\nhello\r\n0\r\n\r\n",
    "5;\nhello\r\n0\r\n\r\n",
    "5;a\nhello\r\n0\r\n\r\n",
    "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
    "5;a=\"\r\nhello\"\r\n0\r\n\r\n",
    "5;a b\r\nhello\r\n0\r\n\r\n",
    "5;" + std::string(1000, 'a') + "\r\nhello\r\n0\r\n\r\n",
    "0\n\n",
    "0\r\n\n",
    "0\n\r\n",
    "0\r\n\r",
    "0\r\nX: y\n\r\n",
    "0\r\n X: y\r\n\r\n",
    "0\r\nX : y\r\n\r\n",
    "0\r\nX\r\n\r\n",
    "0\r\nX: " + nul + "\r\n\r\n",
    "0\r\nX: " + std::string(20'000, 'y') + "\r\n\r\n",
};

inline std::vector<std::string> malformed_requests() {
    return {
        // RFC 9112 section 2.2: line ends, and what stands before the request line.
        "GET /metrics HTTP/1.1\nHost: a\n\n",
        "GET /metrics HTTP/1.1\r\nHost: a\n\r\n",
        "GET /metrics HTTP/1.1\nHost: a\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a\r\n\n",
        "GET /metrics HTTP/1.1\rHost: a\r\r",
        "GET /metrics HTTP/1.1\r\rHost: a\r\n\r\n",
        "\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        " GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        "\tGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        "\xef\xbb\xbfGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        nul + "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        // Section 2.3: the version.
        line("GET /metrics"),
        line("GET /metrics "),
        line("GET /metrics HTTP/0.9"),
        line("GET /metrics HTTP/2.0"),
        line("GET /metrics HTTP/1.2"),
        line("GET /metrics HTTP/9.9"),
        line("GET /metrics HTTP/1"),
        line("GET /metrics HTTP/1."),
        line("GET /metrics HTTP/.1"),
        line("GET /metrics HTTP/11"),
        line("GET /metrics HTTP/1.1.1"),
        line("GET /metrics HTTP/1.1 "),
        line("GET /metrics HTTP/1.1x"),
        line("GET /metrics HTTP/01.1"),
        line("GET /metrics HTTP/1.01"),
        line("GET /metrics HTTP/+1.1"),
        line("GET /metrics HTTP /1.1"),
        line("GET /metrics http/1.1"),
        line("GET /metrics Http/1.1"),
        line("GET /metrics HTTPS/1.1"),
        line("GET /metrics ICY/1.1"),
        line("GET /metrics HTTP-1.1"),
        line("GET /metrics /1.1"),
        // Section 3: the request line.
        line("GET"),
        line("GET "),
        line("GET  /metrics HTTP/1.1"),
        line("GET /metrics  HTTP/1.1"),
        line("GET\t/metrics HTTP/1.1"),
        line("GET /metrics\tHTTP/1.1"),
        line("GET\x0b/metrics HTTP/1.1"),
        line("GET /metrics x HTTP/1.1"),
        line("/metrics HTTP/1.1"),
        line("G\x01T /metrics HTTP/1.1"),
        line("G(T /metrics HTTP/1.1"),
        line("G\xc3\x89T /metrics HTTP/1.1"),
        line("GET: /metrics HTTP/1.1"),
        line(std::string(40, 'G') + " /metrics HTTP/1.1"),
        // Section 3.2: the target.
        line("GET metrics HTTP/1.1"),
        line("GET * HTTP/1.1"),
        line("GET /metrics#x HTTP/1.1"),
        line("GET /metrics\x01 HTTP/1.1"),
        line("GET /metrics\x7f HTTP/1.1"),
        line("GET /m\xc3\xa9trics HTTP/1.1"),
        line("GET /metrics" + nul + " HTTP/1.1"),
        line("GET /metrics% HTTP/1.1"),
        line("GET /metrics%1 HTTP/1.1"),
        line("GET /metrics%1g HTTP/1.1"),
        line("GET /metrics%g1 HTTP/1.1"),
        line("GET /metrics%00 HTTP/1.1"),
        line("GET /metrics?%00 HTTP/1.1"),
        line("GET /metrics?% HTTP/1.1"),
        line("GET http:/metrics HTTP/1.1"),
        line("GET http:///metrics HTTP/1.1"),
        line("GET http://user@a/metrics HTTP/1.1"),
        line("GET http://a:99999/metrics HTTP/1.1"),
        line("GET http://[::1/metrics HTTP/1.1"),
        line("GET file:///metrics HTTP/1.1"),
        line("GET javascript:x HTTP/1.1"),
        line("CONNECT /metrics HTTP/1.1"),
        line("CONNECT a HTTP/1.1"),
        line("GET /" + std::string(9000, 'a') + " HTTP/1.1"),
        // Section 3.2: Host.
        "GET /metrics HTTP/1.1\r\n\r\n",
        "GET http://a/metrics HTTP/1.1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: http://a\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x@a\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a:b\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a:80:80\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a:65536\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: [::1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: %\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n",
        "GET /metrics HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        // Section 5: fields.
        get("X\r\n"),
        get("X y\r\n"),
        get(": y\r\n"),
        get("X : y\r\n"),
        get("X\t: y\r\n"),
        get(" X: y\r\n"),
        get("\tX: y\r\n"),
        get("X: y\r\n z\r\n"),
        get("X: y\r\n\tz\r\n"),
        get(" \r\n"),
        "GET /metrics HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n",
        get("X(: y\r\n"),
        get("X,: y\r\n"),
        get("X/Y: y\r\n"),
        get("X@: y\r\n"),
        get("[X]: y\r\n"),
        get("{X}: y\r\n"),
        get("\"X\": y\r\n"),
        get("X\\: y\r\n"),
        get("X\x01: y\r\n"),
        get("X\x7f: y\r\n"),
        get("X\xc3\xa9: y\r\n"),
        get("X" + nul + ": y\r\n"),
        get("X: " + nul + "\r\n"),
        get("X: \x01\r\n"),
        get("X: \x08\r\n"),
        get("X: \x0b\r\n"),
        get("X: \x0c\r\n"),
        get("X: \x1b\r\n"),
        get("X: \x7f\r\n"),
        get("X: a\rb\r\n"),
        get("X: a\nb\r\n"),
        get("X: a\n\r\n"),
        get("X: a\r\r\n"),
        get("X: a\n\rY: b\r\n"),
        get("X: " + std::string(20'000, 'a') + "\r\n"),
        get([] {
            std::string lines;
            for (int i = 0; i < 100; ++i) lines += "X: y\r\n";
            return lines;
        }()),
        // Other protocols.
        std::string("\x16\x03\x01\x02", 4),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "SSH-2.0-x\r\n",
        "EHLO a\r\n",
        "{\"x\":1}\r\n",
    };
}

/// A length together with a coding, however that is spelled.
inline std::vector<std::string> requests_of_two_lengths() {
    std::vector<std::string> requests;
    for (const std::string& coding : codings) {
        // What ends the body for whoever believes the coding, and for whoever believes the length.
        for (const std::string& body : {"0\r\n\r\n" + hidden, "5\r\nhello\r\n0\r\n\r\n" + hidden,
                                        "43\r\n" + hidden + "\r\n0\r\n\r\n"}) {
            for (const std::size_t length : {std::size_t{0}, std::size_t{4}, body.size()}) {
                const std::string content_length =
                    "Content-Length: " + std::to_string(length) + "\r\n";
                requests.push_back(post(coding + content_length, body));
                requests.push_back(post(content_length + coding, body));
            }
        }
    }
    return requests;
}

/// A coding that is not plainly chunked, by itself.
inline std::vector<std::string> requests_of_doubtful_coding() {
    std::vector<std::string> requests;
    for (std::size_t i = 3; i < codings.size(); ++i) {  // The first three are.
        requests.push_back(post(codings[i], "5\r\nhello\r\n0\r\n\r\n" + hidden));
        requests.push_back(get(codings[i]) + "0\r\n\r\n" + hidden);
    }
    for (const std::string& coding : codings) {
        requests.push_back("POST /publish/a HTTP/1.0\r\nHost: a\r\n" + coding +
                           "\r\n5\r\nhello\r\n0\r\n\r\n" + hidden);
    }
    return requests;
}

/// A length that is not plainly a number.
inline std::vector<std::string> requests_of_doubtful_length() {
    std::vector<std::string> requests;
    for (const std::string& length : lengths) {
        requests.push_back(post(length, "hello" + hidden));
        requests.push_back(get(length) + "hello" + hidden);
    }
    return requests;
}

/// Chunks that are not plainly framed. The GETs take no content; their framing is the same.
inline std::vector<std::string> requests_of_doubtful_chunks() {
    std::vector<std::string> requests;
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    for (const std::string& chunking : chunkings) {
        requests.push_back(post(chunked, chunking + hidden));
        requests.push_back(get(chunked) + chunking + hidden);
    }
    return requests;
}

/// What they are not: `hidden` is the content of each of these, however much it looks like more.
inline std::vector<std::string> requests_with_a_request_as_content() {
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    return {
        post("Content-Length: 67\r\n", hidden),
        post(chunked, "43\r\n" + hidden + "\r\n0\r\n\r\n"),
        post(chunked, "43;a=\"0\"\r\n" + hidden + "\r\n0\r\nContent-Length: 5\r\n\r\n"),
    };
}

}  // namespace ringcast::test

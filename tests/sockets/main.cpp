// Runs the socket tests, or those of conformance, on one way to talk to the kernel, named by the
// first argument: uring (all features of this kernel), uring-6.1 (those of Linux 6.1), uring-direct
// (direct descriptors, too) or epoll.
// With -tls behind it servers listen at wss://; only the clients of conformance speak that. Exits
// with 77 where the kernel lacks the way.

#define DOCTEST_CONFIG_IMPLEMENT
#include <csignal>
#include <cstdio>
#include <doctest/doctest.h>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>

#include "sockets/sockets_kit.hpp"
#include "support/tls_certificates.hpp"

namespace {

/// A file with a certificate that signs itself, and its key; made for this run, gone with it.
class CertificateFile {
public:
    CertificateFile() : fd_{::mkstemp(path_)} {
        const ringcast::test::Certified made = ringcast::test::issue({.names = "DNS:localhost"});
        std::ofstream{path_} << made.certificate_pem() << made.key_pem();
    }
    CertificateFile(const CertificateFile&) = delete;
    CertificateFile& operator=(const CertificateFile&) = delete;
    ~CertificateFile() {
        ::close(fd_);
        ::unlink(path_);
    }
    [[nodiscard]] std::string path() const { return path_; }

private:
    char path_[32] = "/tmp/ringcast-XXXXXX";
    int fd_;
};

}  // namespace

int main(int count, char** arguments) {
    using namespace ringcast;
    constexpr std::string_view tls_suffix = "-tls";
    std::string_view name = count > 1 ? arguments[1] : "";
    const bool is_tls = name.ends_with(tls_suffix);
    if (is_tls) name.remove_suffix(tls_suffix.size());
    if (name == "uring") {
        sockets::way() = {.io = Io::uring, .features = "all"};
    } else if (name == "uring-6.1") {
        sockets::way() = {.io = Io::uring, .features = "6.1"};
    } else if (name == "uring-direct") {
        sockets::way() = {.io = Io::uring, .direct_descriptors = DirectDescriptors::on};
    } else if (name == "epoll") {
        sockets::way() = {.io = Io::epoll, .features = "all"};
    } else {
        std::fprintf(stderr,
                     "usage: (uring|uring-6.1|uring-direct|epoll)[-tls] [options of doctest]\n");
        return 1;
    }
    std::optional<CertificateFile> certificate;
    if (is_tls) sockets::way().certificate_file = certificate.emplace().path();
    Server probe{sockets::settings()};
    if (const auto started = probe.start(); !started) {
        std::printf("skipped: %s\n", started.error().c_str());
        return 77;
    }
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's sockets know no MSG_NOSIGNAL.
    doctest::Context context{count - 1, arguments + 1};
    return context.run();
}

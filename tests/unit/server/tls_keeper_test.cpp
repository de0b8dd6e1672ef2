// Certificates from files, and the thread that keeps them and the ticket keys up to date.

#include "server/tls_keeper.hpp"

#include <condition_variable>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "server/tls_files.hpp"
#include "support/folder.hpp"
#include "support/tls_certificates.hpp"

using namespace ringcast;
using namespace ringcast::server;
using ringcast::test::Folder;

namespace {

bool names(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// What a keeper publishes, for a test that waits for it.
class Published {
public:
    TlsKeeper::Publish function() {
        return [this](const shard::TlsMaterial& material) {
            const std::lock_guard lock{mutex_};
            expiries.push_back(material.context.expires_at());
            keys.push_back(material.ticket_keys.current());
            changed_.notify_all();
        };
    }
    void wait_for(std::size_t count) {
        std::unique_lock lock{mutex_};
        REQUIRE(changed_.wait_for(lock, std::chrono::seconds{20},
                                  [&] { return expiries.size() >= count; }));
    }

    std::vector<std::chrono::sys_seconds> expiries;
    std::vector<tls::TicketKey> keys;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
};

const test::Certified& first_certificate() {
    static const test::Certified made = test::issue({.names = "DNS:a.example"});
    return made;
}

}  // namespace

TEST_CASE("a directory holds certificates in several forms, in the order of their names") {
    const Folder folder;
    for (const char* name :
         {"b.crt", "b.key", "c/fullchain.pem", "c/privkey.pem", "d.key", "README", "e/other.pem"})
        folder.write(name, "x");
    folder.write("a.pem", first_certificate().key_pem());
    const auto found = find_certificates(
        {.certificates = {{.certificate_file = "first.crt"}}, .directory = folder.path()});
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 4);
    CHECK((*found)[0].certificate_file == "first.crt");
    CHECK((*found)[1].certificate_file == folder.path("a.pem"));
    CHECK((*found)[1].key_file == "");
    CHECK((*found)[2].certificate_file == folder.path("b.crt"));
    CHECK((*found)[2].key_file == folder.path("b.key"));
    CHECK((*found)[3].certificate_file == folder.path("c/fullchain.pem"));
    CHECK((*found)[3].key_file == folder.path("c/privkey.pem"));
}

TEST_CASE("the key of NAME.crt or NAME.pem is NAME.key or NAME-key.pem beside it, or in it") {
    const Folder folder;
    const auto find = [&] { return find_certificates({.directory = folder.path()}); };
    for (const char* name : {"a+4.pem", "a+4-key.pem", "b.crt", "b-key.pem"})
        folder.write(name, "x");
    const auto found = find();
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 2);
    CHECK((*found)[0].certificate_file == folder.path("a+4.pem"));
    CHECK((*found)[0].key_file == folder.path("a+4-key.pem"));
    CHECK((*found)[1].certificate_file == folder.path("b.crt"));
    CHECK((*found)[1].key_file == folder.path("b-key.pem"));

    folder.write("b.key", "x");  // Which one is it?
    const auto twice = find();
    REQUIRE_FALSE(twice.has_value());
    for (const char* name : {"b.crt", "b.key", "b-key.pem"})
        CHECK(names(twice.error(), folder.path(name)));
    std::filesystem::remove(folder.path("b.key"));

    folder.write("c-key.pem", first_certificate().key_pem());  // Of none: a certificate by its end.
    REQUIRE(find().has_value());
    CHECK(find()->back().certificate_file == folder.path("c-key.pem"));

    const std::string alone = folder.write("d.pem", first_certificate().certificate_pem());
    const auto keyless = find();
    REQUIRE_FALSE(keyless.has_value());
    for (const char* name : {"d.pem", "d.key", "d-key.pem"})
        CHECK(names(keyless.error(), folder.path(name)));
}

TEST_CASE("a folder with half a certificate, or one that cannot be looked at, is an error") {
    const Folder folder;
    folder.write("x/fullchain.pem", "x");
    folder.write("x/privkey.pem", "x");
    folder.write("y/cert.pem", "x");
    const auto find = [&](const std::string& path) {
        return find_certificates({.directory = path});
    };
    const auto expect_error = [&](const std::string& path, std::string_view part) {
        const auto found = find(path);
        REQUIRE_FALSE(found.has_value());
        CHECK(names(found.error(), part));
    };
    REQUIRE(find(folder.path()).has_value());
    CHECK(find(folder.path())->size() == 1);  // With neither of the two it holds something else.

    for (const char* half : {"y/fullchain.pem", "y/privkey.pem"}) {
        const std::string path = folder.write(half, "x");
        expect_error(folder.path(), path);
        expect_error(folder.path("y"), path);
        std::filesystem::remove(path);
    }
    // Not even root can follow it.
    std::filesystem::create_symlink("loop", folder.path("loop"));
    expect_error(folder.path(), folder.path("loop"));
    expect_error(folder.path("loop"), folder.path("loop"));
}

TEST_CASE("a link that leads nowhere is a file that cannot be read, not one that is not there") {
    const Folder folder;
    folder.write("x/fullchain.pem", first_certificate().certificate_pem());
    folder.write("x/privkey.pem", first_certificate().key_pem());
    CHECK(load_tls({.directory = folder.path()}).has_value());
    std::filesystem::create_directory(folder.path("y"));
    for (const char* name : {"y/fullchain.pem", "y/privkey.pem"})
        std::filesystem::create_symlink("nowhere", folder.path(name));
    const auto loaded = load_tls({.directory = folder.path()});
    REQUIRE_FALSE(loaded.has_value());
    CHECK(names(loaded.error(), folder.path("y/fullchain.pem")));
}

TEST_CASE("what is wrong with the files is said in a sentence that names one") {
    const Folder folder;
    const test::Certified& server = first_certificate();
    const std::string certificate = folder.write("a.crt", server.certificate_pem());
    const std::string key = folder.write("a.key", server.key_pem());
    const std::string other = folder.write("other.key", test::issue({}).key_pem());
    const std::string empty = folder.write("empty.crt", "");
    CHECK(load_tls({.certificates = {{certificate, key}}}).has_value());
    const auto error_of = [](const TlsSettings& settings) {
        const auto loaded = load_tls(settings);
        REQUIRE_FALSE(loaded.has_value());
        return loaded.error();
    };
    CHECK(names(error_of({.certificates = {{folder.path("none"), key}}}), folder.path("none")));
    CHECK(names(error_of({.certificates = {{certificate, folder.path()}}}), folder.path()));
    CHECK(names(error_of({.certificates = {{certificate, other}}}), other));
    CHECK(names(error_of({.certificates = {{empty, key}}}), empty));
    CHECK(names(error_of({.certificates = {{certificate, key}}, .client_ca_file = empty}), empty));
    CHECK(names(error_of({.directory = folder.path("none")}), folder.path("none")));
    CHECK(error_of({.certificates = {{certificate, key}}, .ciphers = "NONE"}) ==
          "--tls-ciphers: no known cipher in: NONE");
    CHECK(error_of({.certificates = {{certificate, key}}, .cipher_suites = "NONE"}) ==
          "--tls-cipher-suites: no list of TLS 1.3 cipher suites: NONE");
    CHECK(names(error_of({}), "certificate"));
}

TEST_CASE("certificates are read again when somebody asks, and stay if they are of no use") {
    const Folder folder;
    const std::string path = folder.write(
        "a.pem", first_certificate().certificate_pem() + first_certificate().key_pem());
    shard::LogQueue log{shard::LogRecord::no_shard, shard::LogLevel::info};
    TlsKeeper keeper{{.certificates = {{path}}}, log};
    REQUIRE(keeper.load().has_value());
    const auto expiry_before = keeper.material().context.expires_at();
    Published published;
    REQUIRE(keeper.start(published.function()).has_value());

    const test::Certified later = test::issue({.names = "DNS:a.example", .days = 300});
    folder.write("a.pem", later.certificate_pem() + later.key_pem());
    keeper.reload();
    published.wait_for(1);
    CHECK(published.expiries[0] > expiry_before);

    folder.write("a.pem", "nothing");
    keeper.reload();
    keeper.stop();  // What was asked for may be left undone; what is published is good.
    CHECK(published.expiries.back() == published.expiries[0]);
    shard::LogRecord record;
    REQUIRE(log.pop(record));
    CHECK(std::string_view{record.event} == "tls_reloaded");
    if (log.pop(record)) CHECK(std::string_view{record.event} == "tls_reload_failed");
}

TEST_CASE("ticket keys change by themselves, each with notice of one interval") {
    const Folder folder;
    const std::string path = folder.write(
        "a.pem", first_certificate().certificate_pem() + first_certificate().key_pem());
    shard::LogQueue log{shard::LogRecord::no_shard, shard::LogLevel::info};
    TlsKeeper keeper{{.certificates = {{path}}, .ticket_lifetime = std::chrono::milliseconds{2}},
                     log};
    REQUIRE(keeper.load().has_value());
    Published published;
    REQUIRE(keeper.start(published.function()).has_value());
    published.wait_for(3);
    keeper.stop();
    CHECK(published.keys[0].name != published.keys[1].name);
    CHECK(published.keys[1].name != published.keys[2].name);
}

#include "advice/host.hpp"

#include <doctest/doctest.h>

#include "unit/advice/host_kit.hpp"

using namespace ringcast;
using namespace ringcast::advice;

using Cpus = std::vector<std::uint32_t>;

TEST_CASE("numbers are read only from files that have nothing else") {
    const Host host = test::host_of({{"one", "17\n"},
                                     {"three", "1\t2   3\n"},
                                     {"none", "\n"},
                                     {"word", "17 files\n"},
                                     {"negative", "-1\n"},
                                     {"huge", "18446744073709551616\n"}});
    CHECK(read_number(host, "one") == 17);
    CHECK(read_numbers(host, "three") == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(read_number(host, "three") == 1);
    for (const char* path : {"none", "word", "negative", "huge", "absent"}) {
        CAPTURE(path);
        CHECK(read_number(host, path) == std::nullopt);
    }
}

TEST_CASE("a field is what stands behind its whole name") {
    const Host host = test::host_of({{"status", "Seccomp_filters:\t3\nSeccomp:\t2 \nLast:"}});
    CHECK(read_field(host, "status", "Seccomp") == "2");
    CHECK(read_field(host, "status", "Last") == "");
    CHECK(read_field(host, "status", "Name") == std::nullopt);
    CHECK(read_field(host, "absent", "Name") == std::nullopt);
}

TEST_CASE("limits are numbers, or none") {
    const Host host = test::host_of(test::good_files());
    const auto files = read_limit(host, "Max open files");
    REQUIRE(files.has_value());
    CHECK(files->soft == 1024);
    CHECK(files->hard == 1'048'576);
    CHECK(read_limit(host, "Max locked memory")->hard == UINT64_MAX);
    CHECK_FALSE(read_limit(host, "Max pending signals").has_value());
    for (const char* text : {"", "Max open files", "Max open files 12", "Max open files a b"}) {
        CAPTURE(text);
        const Host broken = test::host_of({{"/proc/self/limits", text}});
        CHECK_FALSE(read_limit(broken, "Max open files").has_value());
    }
}

TEST_CASE("a list of CPUs has ranges and single ones") {
    CHECK(parse_cpu_list("0") == Cpus{0});
    CHECK(parse_cpu_list("0-3,8,10-11") == Cpus{0, 1, 2, 3, 8, 10, 11});
    for (const char* text : {"", ",", "a", "3-1", "1-", "-1", "0-99999999", "1,,2", "1 2"}) {
        CAPTURE(text);
        CHECK(parse_cpu_list(text) == std::nullopt);
    }
}

TEST_CASE("the machine's memory is in kB") {
    CHECK(read_memory(test::host_of({{"/proc/meminfo", "MemTotal: 2 kB\n"}})) == 2048);
    for (const char* text : {"", "MemTotal: 2\n", "MemTotal: kB\n",
                             "MemTotal: 18446744073709551615 kB\n", "MemFree: 2 kB\n"}) {
        CAPTURE(text);
        CHECK(read_memory(test::host_of({{"/proc/meminfo", text}})) == std::nullopt);
    }
}

TEST_CASE("this machine can be looked at") {
    const Host host = this_host();
    CHECK(read_limit(host, "Max open files").has_value());
    CHECK_FALSE(read_cpus(host).value_or(Cpus{}).empty());
    CHECK(read_memory(host).value_or(0) > 0);
    CHECK(read_line(host, "/proc/sys/kernel/osrelease") == ring::kernel_release());
}

#!/usr/bin/python3
"""The law of the house: who may include whom, and who may touch what outside the program.

Reads every C++ file below src, include, tests and bench, prints one line per breach and exits non-zero if there is one.
To change the law, change the tables below and say why in the commit. `--self-test` feeds breaches to the checks and
sees each one caught.
"""

import re
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Layer(NamedTuple):
    includes: str  # The folders of src that it may include, besides itself.
    powers: str    # What it may touch beyond plain C++: names of POWERS.


LAYERS = {
    #                 may include                                            powers
    "base":    Layer("",                                                     "xxhash"),
    "simd":    Layer("base",                                                 "intrinsics simdjson"),
    "http":    Layer("base simd",                                            ""),
    "ws":      Layer("base simd http",                                       ""),
    "dialect": Layer("base simd http ws",                                    "protozero"),
    "hub":     Layer("base",                                                 ""),
    "tls":     Layer("base",                                                 "crypto"),
    "auth":    Layer("base",                                                 "crypto simdjson"),
    "ring":    Layer("base",                                                 "kernel process clock"),
    "shard":   Layer("base simd http ws dialect hub tls auth ring",          "fmt"),
    "api":     Layer("base http ws dialect hub auth shard public",           "fmt"),
    "server":  Layer("base simd http ws dialect hub tls auth ring shard api public",
                     "process clock threads atomics entropy environment files streams crypto settings logging fmt"),
    "advice":  Layer("base http ws hub tls ring shard server public",        "process fmt"),
    "main":    Layer("advice server api base public",                        "process streams fmt"),
    "public":  Layer("",                                                     ""),  # include/ringcast
}

# Powers that single files have and their folder has not.
FILE_POWERS = {
    "src/base/spsc_*.hpp":       "atomics",      # The queues between two shards.
    "src/base/shared_payload.*": "atomics",      # Payloads that several shards read.
    "src/base/counter.hpp":      "atomics",      # Numbers that one thread writes and any reads.
    "src/base/doorbell.hpp":     "atomics",      # Which queues to look at, and whether the shard sleeps.
    "src/base/shard_affinity.*": "threads",      # Which thread this is; starts none.
    "src/base/assert.cpp":       "streams",      # The last words of a failed assert.
    "src/shard/publisher_lane.*": "atomics",     # The lane of a thread that is no shard.
    "src/shard/inbox.*":         "atomics",      # What other threads hand to a shard.
    "src/shard/client_limits.*": "atomics",      # What one client has, on all shards together.
    "src/shard/permessage_deflate.cpp": "heap",  # Gives back what crowds have left free.
    "src/ws/handshake.cpp":      "crypto",       # SHA-1 of the key (RFC 6455 section 4.2.2).
    "src/ws/deflate.cpp":        "compression",  # permessage-deflate (RFC 7692), sent.
    "src/ws/inflate.cpp":        "compression",  # And received.
}

# Headers of include/ringcast that are vocabulary: words that the public API and every layer share.
VOCABULARY = {"ringcast/close_code.hpp", "ringcast/compression.hpp", "ringcast/message.hpp",
              "ringcast/topic.hpp"}


class Power(NamedTuple):
    headers: str  # Headers that bring the power, as patterns; the first power that matches a header owns it.
    code: str     # Code that uses the power without a telling header, as a regular expression; "" for none.


POWERS = {
    "entropy":     Power("random sys/random.h openssl/rand.h",
                         r"\bstd::random_device\b|\bs?rand\(|\bgetrandom\(|\bgetentropy\("),
    "threads":     Power("thread mutex shared_mutex condition_variable future semaphore latch barrier stop_token "
                         "pthread.h threads.h", r"\bstd::j?thread\b|\bthread_local\b"),
    "atomics":     Power("atomic stdatomic.h", r"\bstd::atomic\w*|\b__atomic_\w+|\b__sync_\w+"),
    "process":     Power("sys/resource.h sys/utsname.h sys/prctl.h sys/wait.h sys/signalfd.h sys/eventfd.h sched.h "
                         "signal.h csignal unistd.h fcntl.h poll.h sys/stat.h sys/syscall.h", ""),
    "kernel":      Power("liburing.h liburing/* linux/* sys/* netinet/* arpa/* net/* netdb.h", ""),
    "clock":       Power("time.h ctime", r"_clock::now\b|\bclock_gettime\(|\bgettimeofday\("),
    "environment": Power("", r"\b(secure_)?getenv\(|\bsetenv\(|\benviron\b"),
    "files":       Power("fstream filesystem", r"\bfopen\("),
    "streams":     Power("iostream cstdio stdio.h ostream istream sstream syncstream iomanip", ""),
    "crypto":      Power("openssl/*", ""),
    "compression": Power("zlib.h libdeflate.h", ""),
    "heap":        Power("malloc.h", ""),
    "intrinsics":  Power("immintrin.h emmintrin.h x86intrin.h cpuid.h arm_neon.h", r"\b__builtin_cpu_\w+"),
    "simdjson":    Power("simdjson.h", ""),
    "protozero":   Power("protozero/*", ""),
    "xxhash":      Power("xxhash.h xxh3.h", ""),
    "settings":    Power("CLI/* toml++/*", ""),
    "logging":     Power("spdlog/*", ""),
    "fmt":         Power("fmt/*", ""),
}

# Everything else of the standard library carries no power. A header in neither table is a breach: give it a power.
PLAIN = set("""
    algorithm any array bit bitset cassert cctype cerrno cfloat charconv chrono cinttypes climits cmath compare concepts cstdarg
    cstddef cstdint cstdlib cstring cwchar deque exception expected forward_list functional initializer_list iterator limits
    list map memory memory_resource new numbers numeric optional queue ranges ratio set source_location span stack stdexcept
    string string_view system_error tuple type_traits typeindex typeinfo unordered_map unordered_set utility variant vector
    version
""".split())

# Code that no layer may contain, and where the exceptions are.
FORBIDDEN = [
    (r"\bthrow\b", "src", "what can fail is a value, what cannot is an assert"),
    (r"\bstd::(shared|weak)_ptr\b", "src", "every object has one owner"),
    (r"\bdynamic_cast\b", "src", "the type is known where the object is made"),
    (r"_clock::now\b|\bstd::random_device\b", "tests/sim", "a seed must reproduce a run"),
]

LINES_MAX = 600
COLUMNS_MAX = 100

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
NOT_CODE = re.compile(r'R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*(?:.|\n)*?\*/')


def code_lines(text):
    """The lines of `text` with comments and string literals blanked; #include lines keep theirs."""
    def blank(match):
        line_start = text.rfind("\n", 0, match.start()) + 1
        if match[0].startswith('"') and INCLUDE.match(text[line_start:match.end()]):
            return match[0]
        return "\n" * match[0].count("\n")
    return NOT_CODE.sub(blank, text).split("\n")


def layer_of(path):
    """The layer that the file `path` (relative to the root) belongs to; None outside src and include."""
    parts = path.split("/")
    if parts[0] == "include":
        return "public"
    if parts[0] == "src":
        return parts[1] if len(parts) > 2 else "main"
    return None


def power_of(header):
    """The power that the system header brings; None for plain ones."""
    for name, power in POWERS.items():
        for pattern in power.headers.split():
            if header == pattern or pattern.endswith("/*") and header.startswith(pattern[:-1]):
                return name
    return None


def powers_of(path, layer):
    powers = set(LAYERS[layer].powers.split())
    for pattern, names in FILE_POWERS.items():
        if fnmatch(path, pattern):
            powers.update(names.split())
    return powers


def include_breach(path, layer, bracket, header):
    """What is wrong with that #include in a file of that layer; None if nothing is."""
    if header.startswith("ringcast/"):
        allowed = header in VOCABULARY or layer == "public" or "public" in LAYERS[layer].includes.split()
        return None if allowed else f"{layer} may include of the public API only its vocabulary, not {header}"
    if bracket == '"':
        folder, slash, _ = header.partition("/")
        if not slash or folder not in LAYERS:
            return f'an include names its layer: "{header}" does not'
        if folder != layer and folder not in LAYERS[layer].includes.split():
            return f"{layer} may not include {folder} ({header})"
        return None
    power = power_of(header)
    if power is None:
        return None if header in PLAIN else f"<{header}> is in no table of scripts/layers.py"
    return None if power in powers_of(path, layer) else f"{layer} has no power over {power} (<{header}>)"


def breaches(path, text):
    """Yields (line number, what is wrong) for the C++ file `path`, relative to the root, with the content `text`."""
    layer = layer_of(path)
    if layer is not None and layer not in LAYERS:
        yield 1, f"the folder {layer} has no row in the table of scripts/layers.py"
        return
    if path.endswith(".hpp") and "#pragma once" not in text.split("\n"):
        yield 1, "a header needs #pragma once"
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    if len(lines) > LINES_MAX:
        yield len(lines), f"{len(lines)} lines; {LINES_MAX} are the limit"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns; {COLUMNS_MAX} are the limit"
    for number, line in enumerate(code_lines(text), 1):
        yield from ((number, what) for what in line_breaches(path, layer, line))


def line_breaches(path, layer, line):
    """Yields what is wrong with one line of code, comments and strings blanked."""
    include = INCLUDE.match(line)
    if include and layer:
        what = include_breach(path, layer, include[1], include[2])
        if what:
            yield what
    if include:
        return
    if layer:
        for name, power in POWERS.items():
            if power.code and name not in powers_of(path, layer) and (used := re.search(power.code, line)):
                yield f"{layer} has no power over {name} ({used[0]})"
    for pattern, folder, reason in FORBIDDEN:
        if path.startswith(folder + "/") and (used := re.search(pattern, line)):
            yield f"no {used[0]} in {folder}: {reason}"
    if path.endswith(".hpp") and re.search(r"^\s*using\s+namespace\b", line):
        yield "no using-directive in a header"


def check_tree():
    count = 0
    failures = 0
    for folder in ("src", "include", "tests", "bench"):
        for file in sorted((ROOT / folder).rglob("*.[ch]pp")):
            if "node_modules" in file.parts:
                continue
            count += 1
            path = file.relative_to(ROOT).as_posix()
            for number, what in breaches(path, file.read_text(encoding="utf-8")):
                failures += 1
                print(f"{path}:{number}: {what}")
    print(f"layers: {count} files, {failures} breaches")
    return failures == 0


# (path, content, part of the message expected; "" for no breach). Headers get their #pragma once from self_test.
SELF_TESTS = [
    ("src/base/a.hpp", '#include <vector>\n#include "base/b.hpp"\n#include "ringcast/close_code.hpp"', ""),
    ("src/base/a.hpp", '#include "simd/mask.hpp"', "base may not include simd"),
    ("src/http/a.cpp", '#include "ws/frame.hpp"', "http may not include ws"),
    ("src/hub/a.cpp", '#include "ws/frame.hpp"', "hub may not include ws"),
    ("src/ring/a.cpp", '#include "ws/frame.hpp"', "ring may not include ws"),
    ("src/tls/a.cpp", '#include "ring/ring.hpp"', "tls may not include ring"),
    ("src/api/a.cpp", '#include "ring/ring.hpp"', "api may not include ring"),
    ("src/shard/a.cpp", '#include "server/log.hpp"', "shard may not include server"),
    ("src/shard/a.cpp", '#include "ringcast/server.hpp"', "only its vocabulary"),
    ("src/api/a.cpp", '#include "ringcast/server.hpp"', ""),
    ("src/ws/a.cpp", '#include "frame.hpp"', "names its layer"),
    ("src/ws/a.cpp", '#include "../ws/frame.hpp"', "names its layer"),
    ("src/cluster/a.cpp", "", "no row in the table"),
    ("src/ws/a.cpp", "#include <liburing.h>", "no power over kernel"),
    ("src/ring/a.cpp", "#include <liburing.h>\n#include <sys/socket.h>\n#include <netinet/in.h>", ""),
    ("src/shard/a.cpp", "#include <sys/socket.h>", "no power over kernel"),
    ("src/server/a.cpp", "#include <sys/socket.h>", "no power over kernel"),
    ("src/server/a.cpp", "#include <sys/resource.h>\n#include <sched.h>\n#include <signal.h>", ""),
    ("src/shard/a.cpp", "#include <unistd.h>", "no power over process"),
    ("src/shard/a.cpp", "#include <atomic>", "no power over atomics"),
    ("src/shard/mesh.hpp", "#include <atomic>", "no power over atomics"),
    ("src/base/shared_payload.hpp", "#include <atomic>", ""),
    ("src/base/spsc_queue.hpp", "#include <atomic>", ""),
    ("src/base/spsc_bytes.hpp", "#include <atomic>", ""),
    ("src/base/doorbell.hpp", "#include <atomic>", ""),
    ("src/base/slab.hpp", "#include <atomic>", "no power over atomics"),
    ("src/shard/a.cpp", "std::atomic<int> a;", "no power over atomics"),
    ("src/hub/a.cpp", "__atomic_store_n(&a, 1, 0);", "no power over atomics"),
    ("src/api/a.cpp", "#include <thread>", "no power over threads"),
    ("src/api/a.cpp", "#include <mutex>", "no power over threads"),
    ("src/shard/a.cpp", "#include <condition_variable>", "no power over threads"),
    ("src/base/a.cpp", "#include <random>", "no power over entropy"),
    ("src/base/a.cpp", "int a = rand();", "no power over entropy"),
    ("src/shard/a.cpp", "#include <fstream>", "no power over files"),
    ("src/shard/a.cpp", "#include <filesystem>", "no power over files"),
    ("src/shard/a.cpp", "#include <iostream>", "no power over streams"),
    ("src/simd/a.cpp", 'auto a = std::getenv("A");', "no power over environment"),
    ("src/server/a.cpp", 'auto a = std::getenv("A");', ""),
    ("src/shard/a.cpp", "auto a = std::chrono::steady_clock::now();", "no power over clock"),
    ("src/ring/a.cpp", "auto a = std::chrono::steady_clock::now();", ""),
    ("src/shard/a.cpp", "clock_gettime(CLOCK_MONOTONIC, &a);", "no power over clock"),
    ("src/ws/a.cpp", "#include <openssl/sha.h>", "no power over crypto"),
    ("src/ws/handshake.cpp", "#include <openssl/sha.h>", ""),
    ("src/ws/handshake.hpp", "#include <openssl/sha.h>", "no power over crypto"),
    ("src/ws/a.cpp", "#include <zlib.h>", "no power over compression"),
    ("src/ws/deflate.cpp", "#include <zlib.h>", ""),
    ("src/ws/inflate.cpp", "#include <zlib.h>", ""),
    ("src/ws/inflate.hpp", "#include <zlib.h>", "no power over compression"),
    ("src/ws/a.cpp", "#include <immintrin.h>", "no power over intrinsics"),
    ("src/simd/a.cpp", "#include <immintrin.h>\n#include <simdjson.h>", ""),
    ("src/http/a.cpp", "#include <simdjson.h>", "no power over simdjson"),
    ("src/dialect/centrifuge/a.cpp", "#include <protozero/pbf_reader.hpp>", ""),
    ("src/ws/a.cpp", "#include <protozero/pbf_reader.hpp>", "no power over protozero"),
    ("src/hub/a.cpp", "#include <xxhash.h>", "no power over xxhash"),
    ("src/shard/a.cpp", "#include <spdlog/spdlog.h>", "no power over logging"),
    ("src/api/a.cpp", "#include <CLI/CLI.hpp>", "no power over settings"),
    ("src/ring/a.cpp", "#include <toml++/toml.h>", "no power over settings"),
    ("src/ws/a.cpp", "#include <fmt/format.h>", "no power over fmt"),
    ("include/ringcast/a.hpp", "#include <fmt/format.h>", "no power over fmt"),
    ("include/ringcast/a.hpp", "#include <liburing.h>", "no power over kernel"),
    ("include/ringcast/a.hpp", '#include "shard/shard.hpp"', "public may not include shard"),
    ("include/ringcast/a.hpp", '#include "ringcast/server.hpp"', ""),
    ("src/ws/a.cpp", "#include <boost/asio.hpp>", "in no table"),
    ("src/ws/a.cpp", "throw 1;", "no throw in src"),
    ("src/ws/a.cpp", 'auto a = "throw";  // We throw nothing.\n/* std::atomic\n */', ""),
    ("src/ws/a.cpp", "std::shared_ptr<int> a;", "no std::shared_ptr in src"),
    ("src/ws/a.hpp", "using namespace std;", "no using-directive"),
    ("src/ws/a.cpp", "int a;\n" * 601, "600 are the limit"),
    ("tests/unit/a.cpp", "//" + "x" * 99, "100 are the limit"),
    ("tests/unit/a.cpp", "#include <thread>\nstd::thread a;", ""),
    ("tests/sim/a.cpp", "auto a = std::chrono::steady_clock::now();", "a seed must reproduce"),
]


def self_test():
    failed = 0
    for path, text, expected in SELF_TESTS:
        if path.endswith(".hpp"):
            text = "#pragma once\n" + text
        found = [what for _, what in breaches(path, text)]
        if bool(expected) != bool(found) or expected and not any(expected in what for what in found):
            failed += 1
            print(f"self test: {path}: {text[:70]!r}: expected {expected or 'no breach'!r}, found {found}")
    if not any("#pragma once" in what for _, what in breaches("src/ws/a.hpp", "int a;\n")):
        failed += 1
        print("self test: a header without #pragma once was not noticed")
    total = len(SELF_TESTS) + 1
    print(f"{total - failed} passed, {failed} failed, 0 skipped")
    return failed == 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--self-test"]):
        sys.exit(__doc__)
    sys.exit(0 if (self_test() if sys.argv[1:] else check_tree()) else 1)

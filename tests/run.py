#!/usr/bin/python3
"""Builds ringcast, runs every test and counts: the last line is `N passed, N failed, N skipped`.

    scripts/test            all steps, in this order
    scripts/test --quick    layers and unit tests only
    scripts/test STEP...    some steps: layers format server edge interop headers aarch64 tests install sanitized tsan
                            (edge and interop use what `server` has built, install what `tests` has)

A doctest test case counts as one test; so does every line of a runner, every check of the sources and every
build. A crash or a time-out is a failure. Exit code 77 means skipped.
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = 77
OUTPUT_LINES_MAX = 60  # Of a failed test; its end is what tells.

DOCTEST_SUMMARY = re.compile(r"^\[doctest\] test cases: +(\d+) +\| +(\d+) passed +\| +(\d+) failed +\| +(\d+) skipped",
                             re.MULTILINE)
PLAIN_SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)

# What the sanitizers shall do. (Their builds run fewer of the simulator's seeds: scripts/configure.) Of topics a tenth of
# the load is enough for the order of two accesses to show.
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    "TOPICS_PERCENT": "10",
}
SANITIZER_PATIENCE = 5  # Times as long as the same test may take without.


class Counts(NamedTuple):
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Counts(*(a + b for a, b in zip(self, other)))

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


PASSED, FAILED, ONE_SKIPPED = Counts(1, 0, 0), Counts(0, 1, 0), Counts(0, 0, 1)


class Run(NamedTuple):
    name: str
    counts: Counts
    output: str
    seconds: float


def count(output, exit_code):
    """What a test program that printed `output` and ended with `exit_code` says."""
    if exit_code == SKIPPED:
        return ONE_SKIPPED
    if found := DOCTEST_SUMMARY.findall(output):
        counts = Counts(*map(int, found[-1][1:]))
    elif found := PLAIN_SUMMARY.findall(output):
        counts = Counts(*map(int, found[-1]))
    else:
        return PASSED if exit_code == 0 else FAILED
    # It says that all is well, and yet ended badly: a leak, a crash at exit, a sanitizer's finding.
    return counts + FAILED if exit_code != 0 and counts.failed == 0 else counts


def run(name, command, timeout, environment=None):
    """Runs a test program to its end, or kills it and all it started after `timeout` seconds."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environment or {})}, text=True, errors="replace",
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
        counts = count(output, process.returncode)
        if process.returncode not in (0, SKIPPED):
            output += f"\nexit code {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        counts = count(output, 0)._replace(failed=0) if PLAIN_SUMMARY.search(output) else Counts()
        counts += FAILED
        output += f"\nno end after {timeout} s"
    return Run(name, counts, output, time.monotonic() - started)


def report(done):
    """One line for what passed, and what is not about success at the end of the output for what did not."""
    verdict = "FAILED" if done.counts.failed else "ok" if done.counts.passed else "skipped"
    lines = done.output.rstrip().split("\n")
    details = ([line for line in lines if not line.startswith("ok ")][-OUTPUT_LINES_MAX:] if done.counts.failed
               else [line for line in lines if line.startswith("skip ")])
    lines = [f"  {verdict:8}{done.name}: {done.counts} ({done.seconds:.1f} s)", *(f"          {line}" for line in details)]
    print("\n".join(lines), flush=True)  # At once: steps run beside each other.
    return done.counts


def check(name, command, timeout=300, environment=None):
    return report(run(name, list(map(str, command)), timeout, environment))


def configure(kind):
    """Sets build-`kind` up. Counts as a test only when that fails."""
    done = run(f"set up build-{kind}", [str(ROOT / "scripts/configure"), kind], 120)
    return report(done) if done.counts.failed else Counts()


def build(kind, *targets):
    """Brings the targets of build-`kind` up to date; all of them if none are named."""
    counts = configure(kind)
    if counts.failed:
        return counts
    return check(f"build-{kind}", ["ninja", "-C", ROOT / f"build-{kind}", "-k", "0", "--quiet", *targets], 1800)


def meson_tests(kind, suites=None):
    """The tests that build-`kind` knows, of these suites (all if None), in the order of meson.build."""
    listing = subprocess.run(["meson", "introspect", "--tests", ROOT / f"build-{kind}"], capture_output=True, text=True)
    tests = json.loads(listing.stdout) if listing.returncode == 0 else []
    return [test for test in tests if suites is None or suites & {name.split(":")[-1] for name in test["suite"]}]


def targets_of(kind, tests):
    """What ninja has to build for them: the executables, not the scripts."""
    paths = [os.path.relpath(test["cmd"][0], ROOT / f"build-{kind}") for test in tests]
    return [path for path in paths if not path.startswith("..")]


def run_tests(tests, patience=1, environment=None):
    """Runs test programs, as many at a time as there are CPUs where they allow company."""
    def run_one(test):
        return run(test["name"], test["cmd"], test["timeout"] * patience, {**test["env"], **(environment or {})})

    counts = Counts()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(run_one, (test for test in tests if test["is_parallel"])):
            counts += report(done)
    for test in tests:
        if not test["is_parallel"]:
            counts += report(run_one(test))
    return counts


def cpp_files(*folders):
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.[ch]pp")
                  if "node_modules" not in file.parts)


def layers():
    script = ROOT / "scripts/layers.py"
    return check("self test of layers.py", [script, "--self-test"]) + check("layers", [script])


def formatting():
    return check("clang-format", ["clang-format-19", "--dry-run", "--Werror",
                                  *cpp_files("src", "include", "tests", "bench")])


# Of these build-test compiles some at a time as one.
JOINED = {ROOT / folder for folder in ("tests/unit/shard", "tests/sockets", "tests/conformance", "bench/load")}
FIRST_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(.*)", re.MULTILINE)


def included_first(source):
    """The header that a source file includes before anything else: whoever compiles the file has compiled that alone."""
    directive = FIRST_DIRECTIVE.search(source.read_text())
    found = directive and re.fullmatch(r'include "(.+)"', directive[1].rstrip())
    candidates = [ROOT / folder / found[1] for folder in ("src", "include", "tests")] if found else []
    return next((header for header in candidates if header.exists()), None)


def headers():
    """Every header compiles alone: those that no source file of the builds includes first are tried here."""
    def compile_alone(header):
        return run(str(header.relative_to(ROOT)),
                   ["g++", "-std=c++23", "-fsyntax-only", "-Wno-pragma-once-outside-header", "-I", "src", "-I", "include",
                    "-I", "tests", "-x", "c++", str(header)], 120)

    started = time.monotonic()
    files = [file for file in cpp_files("src", "include", "tests/model", "tests/support", "tests/sim")
             if file.suffix == ".hpp"]
    built = {included_first(file) for file in cpp_files("src", "tests", "bench")
             if file.suffix == ".cpp" and file.parent not in JOINED}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        alone = list(pool.map(compile_alone, [file for file in files if file not in built]))
    failed = [done for done in alone if done.counts.failed]
    output = "\n".join(done.output for done in failed)
    counts = Counts(len(files) - len(failed), len(failed), 0)
    return report(Run("headers that compile alone", counts, output, time.monotonic() - started))


def aarch64():
    """The kernels compile for 64-bit ARM and use its vectors. There is no libc of that machine here, so this one's
    headers have to do, but for what they say of the size of a word; nothing is linked or run."""
    triple = subprocess.run(["g++", "-dumpmachine"], capture_output=True, text=True, check=True).stdout.strip()
    version = subprocess.run(["g++", "-dumpversion"], capture_output=True, text=True, check=True).stdout.strip()
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("bits/wordsize.h", "#define __WORDSIZE 64\n"), ("gnu/stubs-32.h", "")):
            path = Path(folder) / name
            path.parent.mkdir()
            path.write_text(text)
        systems = [folder, f"/usr/include/c++/{version}", f"/usr/include/{triple}/c++/{version}", f"/usr/include/{triple}"]
        for source in sorted((ROOT / "src/simd").glob("*.cpp")):
            target = Path(folder) / (source.name + ".s")
            counts += check(f"{source.name} for aarch64",
                            ["clang++-19", "--target=aarch64-linux-gnu", "-std=c++23", "-O2", "-Wall", "-Wextra", "-Werror",
                             "-nostdinc++", *(word for system in systems for word in ("-isystem", system)),
                             "-I", "src", "-I", "include", "-S", source, "-o", target])
        assembly = Path(folder) / "mask_kernels.cpp.s"
        uses_vectors = assembly.exists() and re.search(r"\beor\s+v\d+\.16b", assembly.read_text()) is not None
        return counts + report(Run("masking for aarch64 uses vectors", PASSED if uses_vectors else FAILED, "", 0.0))


def build_and_run(kind, tests, *more_targets, patience=1, environment=None):
    return (build(kind, *more_targets, *targets_of(kind, tests)) + run_tests(tests, patience, environment))


def unit_tests():
    return configure("test") + build_and_run("test", meson_tests("test", {"unit"}))


def all_tests():
    return build("test") + run_tests(meson_tests("test"))


def server():
    """What the steps that wait need, so that they begin before the tests are compiled."""
    return build("test", "ringcast", "tests/edge/without_io_uring")


def interop():
    return check("real clients", [ROOT / "tests/interop/run.py", ROOT / "build-test/ringcast"], 1800)


def edge():
    return check("the edge binary", [ROOT / "tests/edge/run.py", ROOT / "build-test/ringcast",
                                     ROOT / "build-test/tests/edge/without_io_uring"], 600)


def install():
    return check("installed tree", [ROOT / "tests/install/run.py", ROOT / "build-test"], 300)


def sanitized():
    """All suites but `plain`, whose tests cannot run this way."""
    return configure("sanitized") + build_and_run(
        "sanitized", meson_tests("sanitized", {"unit", "fuzz", "sim"}),
        patience=SANITIZER_PATIENCE, environment=SANITIZER_ENVIRONMENT)


def tsan():
    """The tests of what threads share, and servers with two and four shards under load."""
    counts = configure("tsan")
    names = {"unit-base", "unit-ring", "unit-shard", "unit-api", "sockets-topics-uring", "sockets-topics-epoll"}
    tests = [test for test in meson_tests("tsan") if test["name"] in names]
    counts += build_and_run("tsan", tests, "ringcast", patience=SANITIZER_PATIENCE, environment=SANITIZER_ENVIRONMENT)
    return counts + check("two shards under load",
                          [ROOT / "tests/interop/run.py", ROOT / "build-tsan/ringcast", "--crowd"],
                          300, SANITIZER_ENVIRONMENT)


STEPS = {
    "layers": layers,
    "format": formatting,
    "server": server,
    "edge": edge,
    "interop": interop,
    "headers": headers,
    "aarch64": aarch64,
    "tests": all_tests,
    "install": install,
    "sanitized": sanitized,
    "tsan": tsan,
}
# They mostly wait, for clients and for time to pass. Their lines come when they are done.
WAITING_STEPS = {"edge", "interop"}
QUICK_STEPS = {"layers": layers, "unit": unit_tests}


def main(arguments):
    known = {**STEPS, **QUICK_STEPS}
    if arguments == ["--quick"]:
        steps = QUICK_STEPS
    elif all(name in known for name in arguments):
        steps = {name: known[name] for name in arguments} or STEPS
    else:
        sys.exit(__doc__)
    counts = Counts()
    with concurrent.futures.ThreadPoolExecutor(len(WAITING_STEPS)) as pool:
        waiting = []
        for name, step in steps.items():
            if name in WAITING_STEPS:
                print(f"== {name}, beside what follows", flush=True)
                waiting.append(pool.submit(step))
            else:
                print(f"== {name}", flush=True)
                counts += step()
        counts = sum((step.result() for step in waiting), counts)
    print(counts)
    return 1 if counts.failed or not counts.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The micro benchmarks: Google Benchmark programs, one after the other, on one CPU; those of two threads on two."""

import json
import subprocess
import sys

RUN_SECONDS_MAX = 300


class MicroBenchmarks:
    """All results so far, and what failed: a program that is not built or dies, a benchmark that gives itself up. A result
    is name, nanoseconds of CPU time (of real time where two threads wait for each other), and octets per second where it
    counts them."""

    def __init__(self, sources, build, quick):
        """`sources` is the folder of theirs, which says what there should be."""
        names = (path.stem.removesuffix("_bench") for path in sources.glob("*_bench.cpp"))
        self._programs = sorted(build / "bench/micro" / f"bench-{name}" for name in names)
        self._build = build
        self._seconds_min = 0.01 if quick else 0.2
        self.results = []
        self.failures = []

    def run(self, cpu, other_cpu):
        absent = [program.name for program in self._programs if not program.is_file()]
        if absent:
            self._fail(f"not built: {', '.join(absent)} (ninja -C {self._build} micro-benchmarks)")
        for program in self._programs:
            if program.is_file():
                self._run(program, str(cpu), "-two_threads")
                self._run(program, f"{cpu},{other_cpu}", "two_threads")

    def _run(self, program, cpus, name_filter):
        """Those benchmarks whose names match; those that do not, if the filter begins with a minus."""
        command = ["taskset", "-c", cpus, str(program), "--benchmark_format=json", f"--benchmark_filter={name_filter}",
                   f"--benchmark_min_time={self._seconds_min}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX)
            if done.returncode != 0:
                return self._fail(f"{program.name}: exit code {done.returncode}: {done.stderr.strip()[-400:]}")
            entries = json.loads(done.stdout or '{"benchmarks": []}')["benchmarks"]  # Nothing is said where nothing matches.
        except subprocess.TimeoutExpired:
            return self._fail(f"{program.name}: not done after {RUN_SECONDS_MAX} s")
        except json.JSONDecodeError as error:
            return self._fail(f"{program.name}: what it says is no JSON: {error}")
        for entry in entries:
            self._take(program, entry)

    def _take(self, program, entry):
        if entry.get("error_occurred"):  # Its times are zeros.
            return self._fail(f"{program.name}: {entry['name']}: {entry['error_message']}")
        time = entry["real_time" if entry["name"].endswith("/real_time") else "cpu_time"]
        self.results.append({"program": program.name, "name": entry["name"],
                             "cpu_ns": time * {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[entry["time_unit"]],
                             "bytes_per_second": entry.get("bytes_per_second")})

    def _fail(self, what):
        self.failures.append(f"micro benchmarks: {what}")
        print(f"bench: {self.failures[-1]}", file=sys.stderr)


def micro_markdown(results):
    lines = ["| micro benchmark | CPU ns | GB/s |", "|---|---|---|"]
    for result in results:
        rate = result["bytes_per_second"]
        lines.append(f"| {result['program'].removeprefix('bench-')}: {result['name']} | {result['cpu_ns']:.1f} "
                     f"| {f'{rate / 1e9:.1f}' if rate else '-'} |")
    return "\n".join(lines)

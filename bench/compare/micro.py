"""The micro benchmarks: Google Benchmark programs, one after the other, on one CPU; those of two threads on two."""

import json
import subprocess
import sys

RUN_SECONDS_MAX = 300


def micro_benchmarks(build, cpu, other_cpu, quick):
    """Name, nanoseconds of CPU time (of real time where two threads wait for each other), and octets per second where it
    counts them, of each benchmark that is built."""
    results = []
    for program in sorted((build / "bench/micro").glob("bench-*")):
        if program.is_file():
            results += run(program, str(cpu), "-two_threads", quick)
            results += run(program, f"{cpu},{other_cpu}", "two_threads", quick)
    return results


def run(program, cpus, name_filter, quick):
    """What the benchmarks whose names match say; those that do not, if the filter begins with a minus."""
    command = ["taskset", "-c", cpus, str(program), "--benchmark_format=json", f"--benchmark_filter={name_filter}",
               f"--benchmark_min_time={0.01 if quick else 0.2}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=True)
    except subprocess.SubprocessError as error:
        print(f"bench: {program.name}: {error}", file=sys.stderr)
        return []
    results = []
    for entry in json.loads(done.stdout or '{"benchmarks": []}')["benchmarks"]:  # Nothing is said where nothing matches.
        time = entry["real_time" if entry["name"].endswith("/real_time") else "cpu_time"]
        results.append({"program": program.name, "name": entry["name"],
                        "cpu_ns": time * {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[entry["time_unit"]],
                        "bytes_per_second": entry.get("bytes_per_second")})
    return results


def micro_markdown(results):
    lines = ["| micro benchmark | CPU ns | GB/s |", "|---|---|---|"]
    for result in results:
        rate = result["bytes_per_second"]
        lines.append(f"| {result['program'].removeprefix('bench-')}: {result['name']} | {result['cpu_ns']:.1f} "
                     f"| {f'{rate / 1e9:.1f}' if rate else '-'} |")
    return "\n".join(lines)

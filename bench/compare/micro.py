"""The micro benchmarks: Google Benchmark programs, each pinned to a CPU, one after the other."""

import json
import subprocess
import sys

RUN_SECONDS_MAX = 300


def micro_benchmarks(build, cpu, quick):
    """Name, nanoseconds of CPU time, and octets per second where it counts them, of each benchmark that is built."""
    results = []
    for program in sorted((build / "bench/micro").glob("bench-*")):
        if not program.is_file():
            continue
        command = ["taskset", "-c", str(cpu), str(program), "--benchmark_format=json",
                   f"--benchmark_min_time={0.01 if quick else 0.2}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=True)
        except subprocess.SubprocessError as error:
            print(f"bench: {program.name}: {error}", file=sys.stderr)
            continue
        for entry in json.loads(done.stdout)["benchmarks"]:
            results.append({"program": program.name, "name": entry["name"],
                            "cpu_ns": entry["cpu_time"] * {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[entry["time_unit"]],
                            "bytes_per_second": entry.get("bytes_per_second")})
    return results


def micro_markdown(results):
    lines = ["| micro benchmark | CPU ns | GB/s |", "|---|---|---|"]
    for result in results:
        rate = result["bytes_per_second"]
        lines.append(f"| {result['program'].removeprefix('bench-')}: {result['name']} | {result['cpu_ns']:.1f} "
                     f"| {f'{rate / 1e9:.1f}' if rate else '-'} |")
    return "\n".join(lines)

"""Brings what is measured up to date: old programs would give figures without a word."""

import subprocess
import sys

MICRO_TARGET = "micro-benchmarks"


def update(root, with_micro):
    """Builds the release, with the micro benchmarks if they are to run. Exits where that fails, which has been said."""
    folder = root / "build"
    run([root / "scripts/configure", "release"])
    targets = ["ringcast", "ringcast-bench", "bench/bare-echo"]
    if with_micro:
        targets.append(MICRO_TARGET)
        if not knows(folder, MICRO_TARGET):  # The folder is older than Google Benchmark on this machine.
            run(["meson", "setup", "--reconfigure", folder])
    run(["ninja", "-C", folder, "--quiet", *targets])


def knows(folder, target):
    return subprocess.run(["ninja", "-C", folder, "-t", "query", target], capture_output=True).returncode == 0


def run(command):
    """Standard output is the table alone, so what the command prints goes to the other."""
    if subprocess.run(command, stdout=sys.stderr).returncode != 0:
        sys.exit("bench: there is nothing to measure: the build failed")

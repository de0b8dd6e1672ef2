#!/usr/bin/env python3
"""Compiles compile_fails.cpp once per case: case 0 must compile, each other must fail, with the
words that its comment promises. Arguments: the source, then the compiler with its options."""

import re
import subprocess
import sys


def main() -> int:
    source, *compiler = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        text = file.read()
    cases = re.findall(r"^#(?:el)?if CASE == (\d+)(?: +// (.*))?$", text, re.MULTILINE)
    failures = 0
    for number, words in cases:
        result = subprocess.run([*compiler, f"-DCASE={number}", "-fsyntax-only", source],
                                capture_output=True, text=True, check=False)
        if number == "0":
            is_right = result.returncode == 0
        else:
            is_right = result.returncode != 0 and words != "" and words in result.stderr
        if not is_right:
            failures += 1
            print(f"case {number} ({words or 'must compile'}):\n{result.stderr[:3000]}")
    print(f"{len(cases)} cases, {failures} failures")
    return 1 if failures or len(cases) != text.count("CASE ==") else 0


if __name__ == "__main__":
    sys.exit(main())

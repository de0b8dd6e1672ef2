"""From single runs to figures: the ratio that counts is the median of per-round ratios, because absolute times drift from
minute to minute on any machine while the servers of one round see the same weather."""

import statistics
from typing import NamedTuple


class Run(NamedTuple):
    case: str
    round: int
    server: str
    report: dict  # The load generator's.


class Spread(NamedTuple):
    median: float
    least: float
    most: float


def spread(values):
    """Median and range of the numbers among `values`; None if there are none."""
    numbers = [value for value in values if value is not None]
    return Spread(statistics.median(numbers), min(numbers), max(numbers)) if numbers else None


def paired_ratios(runs, case, server, base, key):
    """The figure of `server` over that of `base`, for each round in which both were measured."""
    figures = {(run.round, run.server): run.report.get(key) for run in runs if run.case == case}
    rounds = sorted({round_number for round_number, _ in figures})
    pairs = [(figures.get((number, server)), figures.get((number, base))) for number in rounds]
    return [ours / theirs for ours, theirs in pairs if ours is not None and theirs]


def summarise(runs, case, server, base):
    """All figures of one server in one case, or None if it has no run."""
    reports = [run.report for run in runs if run.case == case.name and run.server == server]
    if not reports:
        return None

    def over_rounds(key):
        return spread(report.get(key) for report in reports)

    return {
        "case": case.name,
        "server": server,
        "unit": case.unit,
        "rounds": len(reports),
        "figure": over_rounds(case.figure),
        "ratio": spread(paired_ratios(runs, case.name, server, base, case.figure)),
        "syscalls": over_rounds(case.syscalls_figure),
        "latency_us_p50": over_rounds("latency_us_p50"),
        "latency_ratio": spread(paired_ratios(runs, case.name, server, base, "latency_us_p50")),
        "latency_us_p99": over_rounds("latency_us_p99"),
        "client_cpu_us": over_rounds(case.figure.replace("server", "client", 1)),
        "client_utilisation": over_rounds("client_utilisation"),
    }


def number(value):
    """Three to four significant digits, never in scientific notation."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    decimals = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{decimals}f}"


def with_range(value, form=number):
    return f"{form(value.median)} ({form(value.least)} to {form(value.most)})" if value else "-"


def median_of(value):
    return number(value.median) if value else "-"


def markdown(summaries, base):
    """The table of all cases, one row per server."""
    ratio = "{:.2f}".format
    lines = [f"| case | server | server CPU us (memory: bytes) | ratio to {base} | system calls | p50 us | its ratio |"
             " p99 us | client CPU us |",
             "|---|---|---|---|---|---|---|---|---|"]
    for entry in summaries:
        lines.append(" | ".join([
            f"| {entry['case']}", entry["server"], with_range(entry["figure"]),
            "base" if entry["server"] == base else with_range(entry["ratio"], ratio),
            median_of(entry["syscalls"]), median_of(entry["latency_us_p50"]),
            ratio(entry["latency_ratio"].median) if entry["latency_ratio"] else "-",
            median_of(entry["latency_us_p99"]), median_of(entry["client_cpu_us"])]) + " |")
    return "\n".join(lines)

#!/usr/bin/python3
"""Measures what servers cost beside each other: server on one CPU, load generator on another, servers in turn, the order
reversed each round. Prints a table of medians and of per-round ratios to the base; every single run goes to a JSON file,
and the figures to a page beside it.

    scripts/bench                                      micro benchmarks, then ringcast beside servers that are installed
    scripts/bench --peer 'other=/opt/other {port}' --base other
    scripts/bench --peer 'other=/opt/echo {port}' --peer 'other/fanout=/opt/fan {port}'
    scripts/bench --quick --cases 'c50|handshake'
    scripts/bench --ablation                           ringcast with one thing less each time
    scripts/bench --curves                             what a message costs as connections, and topics, become more
    scripts/bench --bare --cases '20 B c(50|1000)$'    what WebSocket adds to an echo of bytes on the same ring
    scripts/bench --flags 'small=--buffers-count 2'    ringcast as it is and with other flags

A peer is any program that echoes WebSocket messages on ws://127.0.0.1:{port}/echo. Others may be named for further
protocols: NAME/fanout subscribes a connection to ws://127.0.0.1:{port}/topics/NAME to that topic and publishes what it
sends there; NAME/tls echoes over TLS, with the certificate {folder}/cert.pem and its {folder}/key.pem; NAME/shared,
NAME/dedicated and NAME/fanout-shared compress. All of one name are one row of the table, and whoever does not speak what
a case needs is not in it. Only ratios within one run mean something; on two CPUs anything else that runs is noise.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import build
from cases import ABLATION_CASES, BARE_CASES, CASES, PROTOCOLS, SPEECHES, Lengths, length_arguments
from curves import CONNECTIONS_MAX, CURVE_CASES
from micro import MicroBenchmarks, micro_markdown
from servers import (Server, ServerError, ablated_peers, bare_peers, flagged_peers, is_shell, named_peers, obstacle,
                     package_peers, ringcast_peers, roomy_peer)
from summary import Run, markdown, summarise

ROOT = Path(__file__).resolve().parent.parent.parent
RUN_SECONDS_EXTRA = 60  # Beyond its planned length, before a run of the load generator counts as hung.
BUSY_LOAD = 0.7  # Other people's work on the machine, as a load average, from which on figures are doubtful.
QUICK_ROUNDS = 3
QUICK_LENGTHS = Lengths(warmup=0.1, measured=0.3, syscalls=0.1, hold=0.2)


def regular_expression(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no regular expression: {error}") from None


def within(kind, least, most):
    """The type of a flag that is a number between these two."""
    def parse(text):
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least} and {most}")
        return value
    parse.__name__ = kind.__name__  # argparse names it where `text` is no number.
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME[/PROTOCOL]=COMMAND",
                        help="another server; {port} and {folder} in the command are replaced; the protocol is echo unless "
                             f"it is one of {', '.join(PROTOCOLS[1:])} (repeatable)")
    parser.add_argument("--packages", choices=("installed", "none"),
                        help="servers from packages (scripts/deps --peers); default: installed, with --quick none")
    parser.add_argument("--ablation", action="store_true",
                        help="what each feature of io_uring, io_uring itself and SIMD are worth: ringcast without them, "
                             "in place of other servers")
    parser.add_argument("--curves", action="store_true",
                        help="the cost of a message from 1 to 50,000 connections, and from 1 to 100,000 topics, in place of "
                             "the other cases")
    parser.add_argument("--bare", action="store_true",
                        help="ringcast beside servers on its rings that send every byte back and know nothing of WebSocket, "
                             "in place of other servers; echo only")
    parser.add_argument("--flags", action="append", default=[], metavar="NAME=FLAGS",
                        help="ringcast with these flags, beside ringcast without them, in place of other servers; they take "
                             "the place of those that it is measured with, as --shards 1 (repeatable)")
    parser.add_argument("--micro", choices=("on", "off", "only"),
                        help="micro benchmarks first; default: on, unless cases, flags, --ablation, --curves or --bare are chosen")
    parser.add_argument("--only", metavar="REGEXP", type=regular_expression,
                        help="measure only servers whose name matches (and the base)")
    parser.add_argument("--base", metavar="NAME",
                        help="what ratios refer to; default: the first peer, else ringcast-uring; with --bare bare-uring")
    parser.add_argument("--cases", metavar="REGEXP", type=regular_expression, help="only cases whose name matches")
    parser.add_argument("--rounds", type=within(int, 1, 1000), help="default 5, at least 1")
    parser.add_argument("--seconds", type=within(float, 0.01, 3600), help="length of one measurement, default 2")
    parser.add_argument("--quick", action="store_true", help="three short rounds, to see whether anything is far off")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where ringcast and ringcast-bench are")
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--client-cpu", type=int, default=1)
    parser.add_argument("--output", type=Path, help="the JSON file; default: bench/results/ with the time in its name")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    parser.add_argument("--update", action="store_true", help=argparse.SUPPRESS)  # Of scripts/bench: build first.
    options = parser.parse_args()
    refuse_contradictions(parser, options)
    return options


def refuse_contradictions(parser, options):
    """Nothing that was asked for is left out without a word."""
    series = [flag for flag in ("ablation", "curves", "bare", "flags") if getattr(options, flag)]
    if len(series) > 1:
        parser.error(f"--{series[0]} and --{series[1]} are measured apart")
    if series and options.packages == "installed":
        parser.error(f"--{series[0]} measures no --packages")
    if options.ablation and options.peer:
        parser.error("--ablation measures no --peer")
    if options.server_cpu == options.client_cpu:
        parser.error(f"--server-cpu and --client-cpu are both {options.server_cpu}: server and client need a CPU each")
    if options.output and (options.output.suffix == ".html" or options.output.is_dir()):
        parser.error(f"--output is the JSON file, and the page goes beside it as .html; got '{options.output}'")


def named_flags(options):
    """The flags of each variant of ringcast on the command line."""
    variants = {}
    for text in options.flags:
        name, _, flags = text.partition("=")
        if not name or not is_shell(flags):
            sys.exit(f"bench: --flags needs NAME=FLAGS, got '{text}'")
        if name in variants:
            sys.exit(f"bench: --flags names two variants {name}: give one of them another name")
        variants[name] = flags
    return variants


def choose_cases(options):
    cases = (CURVE_CASES if options.curves else BARE_CASES if options.bare
             else ABLATION_CASES if options.ablation and not options.cases else CASES)
    cases = [case for case in cases if not options.cases or options.cases.search(case.name)]
    return cases or sys.exit(f"bench: no case matches '{options.cases.pattern}'")


def candidates(options, named):
    if options.ablation:
        return ablated_peers(options.build)
    if options.curves:
        return [*named, roomy_peer(options.build, CONNECTIONS_MAX)]
    if options.bare:
        return named + bare_peers(options.build) + ringcast_peers(options.build)
    if options.flags:
        return named + flagged_peers(options.build, named_flags(options))
    packages = options.packages or ("none" if options.quick else "installed")
    return named + ringcast_peers(options.build) + (package_peers() if packages == "installed" else [])


def choose_peers(options):
    """What is to be measured, and the name of the base. Exits with a sentence where that is contradictory."""
    named = named_peers(options.peer)
    peers = candidates(options, named)
    names = [peer.name for peer in peers]
    for name in names:
        if names.count(name) > 1:  # Rows of one name would be one row.
            sys.exit(f"bench: there are two servers {name}: give yours another name")
    base = options.base or ("bare-uring" if options.bare else named[0].name if named else "ringcast-uring")
    if base not in names:
        sys.exit(f"bench: there is no server {base} for --base; there are {', '.join(names)}")
    if options.only:
        if not any(options.only.search(name) for name in names):
            sys.exit(f"bench: no server matches '{options.only.pattern}'; there are {', '.join(names)}")
        peers = [peer for peer in peers if peer.name == base or options.only.search(peer.name)]
    return peers, base


def choose_installed(peers, base):
    """Those that are here. Exits where the base is not: ratios to anything else are not what was asked for."""
    installed = []
    for peer in peers:
        reason = peer.missing()
        if not reason:
            installed.append(peer)
        elif peer.name == base or not peer.is_optional:
            sys.exit(f"bench: {peer.name} cannot be measured: {reason}")
        else:
            print(f"bench: skipping {peer.name}: {reason}", file=sys.stderr)
    return installed


def measure(options, case, lengths, server):
    """One run of the load generator; its report, or a RuntimeError that says what went wrong."""
    command = ["taskset", "-c", str(options.client_cpu), str(options.build / "ringcast-bench"), *case.arguments,
               *length_arguments(case, lengths), "--url", case.url(server.port, server.speech), "--pid", str(server.pid),
               "--json"]
    if case.protocol.startswith("fanout"):
        command += SPEECHES[server.speech].arguments
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=sum(lengths) + RUN_SECONDS_EXTRA)
    except subprocess.TimeoutExpired:
        raise RuntimeError("the load generator hangs") from None
    if done.returncode != 0:
        died = "" if server.is_alive() else f"; the server died: {server.output()}"
        raise RuntimeError((done.stderr.strip() or f"exit code {done.returncode}") + died)
    return json.loads(done.stdout)


class Comparison:
    """All runs of all cases, and what failed."""

    def __init__(self, options, peers, rounds, lengths):
        self._options = options
        self._peers = peers
        self._rounds = rounds
        self._lengths = lengths
        self.runs = []
        self.failures = []

    def run_case(self, case):
        """Rounds of one case. Servers are new for each case; they stay for its rounds unless it wants them fresh."""
        reason = obstacle(case.protocol)
        if reason:
            return self._fail(f"{case.name}: {reason}")
        servers = {}
        peers = [peer for peer in self._peers if case.protocol in peer.commands]
        try:
            for round_number in range(self._rounds):
                order = peers if round_number % 2 == 0 else peers[::-1]
                for peer in order:
                    self._run_once(case, round_number, peer, servers)
        finally:
            for server in servers.values():
                server.stop()

    def _run_once(self, case, round_number, peer, servers):
        try:
            if peer.name not in servers:
                servers[peer.name] = Server(peer, case.protocol, self._options.server_cpu)
            report = measure(self._options, case, self._lengths, servers[peer.name])
            report |= {"load_average": os.getloadavg()[0], **case.place}
            self.runs.append(Run(case.name, round_number, peer.name, report))
            broken = False
        except (ServerError, RuntimeError) as error:
            self._fail(f"{case.name}, round {round_number}, {peer.name}: {error}")
            broken = True
        if (broken or case.fresh_server) and peer.name in servers:
            servers.pop(peer.name).stop()

    def _fail(self, what):
        self.failures.append(what)
        print(f"bench: {what}", file=sys.stderr)


def commit_name():
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def cpu_model():
    with open("/proc/cpuinfo") as lines:
        names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        return next(names, platform.machine())


def results_path(options, started):
    """Where results go. Exits with a sentence where nothing can: before anything is measured."""
    path = options.output or ROOT / "bench" / "results" / f"compare-{started:%Y%m%d-%H%M%S}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"bench: --output: {error}")
    return path if os.access(path.parent, os.W_OK) else sys.exit(f"bench: --output: {path.parent} may not be written to")


def write_results(options, peers, base, comparison, summaries, micro, started, path):
    """The JSON file, and, if any run succeeded, the page of the same name."""
    document = {
        "started": started.isoformat(timespec="seconds"),
        "commit": commit_name(),
        "kernel": platform.release(),
        "cpus": os.cpu_count(),
        "cpu_model": cpu_model(),
        "base": base,
        "micro": micro.results,
        "servers": {peer.name: peer.commands for peer in peers},
        "summary": [{key: value._asdict() if hasattr(value, "_asdict") else value for key, value in entry.items()}
                    for entry in summaries],
        "failures": micro.failures + comparison.failures,
        "runs": [run._asdict() for run in comparison.runs],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"\nbench: every run is in {path}", file=sys.stderr)
    if comparison.runs:
        page = path.with_suffix(".html")
        done = subprocess.run([options.build / "ringcast-bench", "report", path, "--output", page],
                              stdout=subprocess.DEVNULL)
        print(f"bench: {'charts are in' if done.returncode == 0 else 'there is no page'} {page}", file=sys.stderr)


def wants_micro(options):
    is_special = options.cases or options.ablation or options.curves or options.bare or options.flags
    return (options.micro or ("off" if is_special else "on")) != "off"


def run_micro(options, micro):
    """Prints its table even if it is interrupted."""
    print("bench: micro benchmarks", file=sys.stderr)
    try:
        micro.run(options.server_cpu, options.client_cpu)
    finally:
        if micro.results:
            print(micro_markdown(micro.results) + "\n", flush=True)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Likewise an interruption: no server is left behind.
    options = parse_arguments()
    cases = choose_cases(options)
    if options.list:
        print("\n".join(case.name for case in cases))
        return 0
    peers, base = choose_peers(options)
    if options.update and options.build == ROOT / "build":
        build.update(ROOT, wants_micro(options))
    if not (options.build / "ringcast-bench").exists():
        sys.exit(f"bench: {options.build / 'ringcast-bench'} is not built")
    peers = choose_installed(peers, base)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick or options.curves else 5)
    lengths = QUICK_LENGTHS if options.quick else Lengths(warmup=0.5, measured=2.0, syscalls=0.5, hold=1.0)
    if options.seconds:
        lengths = lengths._replace(measured=options.seconds)
    if options.server_cpu not in os.sched_getaffinity(0) or options.client_cpu not in os.sched_getaffinity(0):
        sys.exit("bench: --server-cpu and --client-cpu must be CPUs that this process may use: "
                 f"{', '.join(map(str, sorted(os.sched_getaffinity(0))))}")

    if os.getloadavg()[0] > BUSY_LOAD:
        print(f"bench: this machine is busy (load {os.getloadavg()[0]:.1f}): expect noise", file=sys.stderr)
    started = datetime.datetime.now()
    path = results_path(options, started)
    micro = MicroBenchmarks(ROOT / "bench/micro", options.build, options.quick)
    comparison = Comparison(options, peers, rounds, lengths)
    summaries = []
    interrupted = False
    try:
        if wants_micro(options):
            run_micro(options, micro)
        for case in cases if options.micro != "only" else []:
            print(f"bench: {case.name}", file=sys.stderr)
            comparison.run_case(case)
            entries = (summarise(comparison.runs, case, peer.name, base) for peer in peers)
            summaries += [entry for entry in entries if entry]
    except KeyboardInterrupt:
        interrupted = True
        print("bench: interrupted; what was measured so far:", file=sys.stderr)
    if summaries:
        print(markdown(summaries, base))
    elif options.micro != "only" and not interrupted and not comparison.failures:
        comparison.failures.append("no server speaks what the cases need")
        print(f"bench: {comparison.failures[-1]}", file=sys.stderr)
    if any(value is None for run in comparison.runs for key, value in run.report.items() if "syscalls" in key):
        print("\nbench: system calls were not counted; as root: mount -t tracefs tracefs /sys/kernel/tracing",
              file=sys.stderr)
    write_results(options, peers, base, comparison, summaries, micro, started, path)
    return 130 if interrupted else 1 if micro.failures + comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())

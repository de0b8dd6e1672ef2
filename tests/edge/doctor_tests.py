"""`ringcast doctor` and what the edge binary says of its commands. Run by run.py."""

import json
import resource
import subprocess
import tempfile

from admin_tests import rings
from kit import BINARY, PATIENCE_SECONDS, Skip, WITHOUT_IO_URING, clean_environment, expect_one_line_error, run


def examine(*flags, wrapper=(), **more):
    """Exit code and the answer for machines."""
    done = subprocess.run([*wrapper, BINARY, "doctor", "--json", *flags], env=clean_environment(), text=True,
                          capture_output=True, timeout=PATIENCE_SECONDS, **more)
    assert done.stderr == "" and done.stdout.count("\n") == 1, done
    answer = json.loads(done.stdout)
    answer["checks"] = {check["name"]: check for check in answer["checks"]}
    return done.returncode, answer


def lower_files(limit):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def test_the_doctor_looks_at_this_host_and_changes_nothing():
    code, text, errors = run("doctor", "--connections-max", "100")
    assert code in (0, 1) and errors == "", errors
    assert "\nok       open files" in text, text
    lines = text.splitlines()
    verdicts = [line.split()[0] for line in lines if line and line[0].islower() and len(line) > 8 and line[8] == " "]
    assert len(verdicts) >= 15 and set(verdicts) <= {"ok", "note", "unknown", "warning", "problem"}, verdicts


def test_the_doctor_says_what_the_server_says_of_open_files():
    code, answer = examine("--connections-max", "5000", preexec_fn=lower_files(256))
    assert code == 1 and answer["verdict"] == "problem", answer
    assert answer["checks"]["open files"]["verdict"] == "problem"
    files = int(answer["paste"]["systemd"][0].removeprefix("LimitNOFILE="))
    assert f"ulimit -n {files}" in answer["paste"]["shell"]
    listen = ["--echo", "--listen", "ws://127.0.0.1:0", "--connections-max", "5000"]
    expect_one_line_error(run(*listen, preexec_fn=lower_files(256)), f"LimitNOFILE={files}")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= files:  # Who pastes it is served.
        assert examine("--connections-max", "5000", preexec_fn=lower_files(files))[1]["checks"]["open files"]["verdict"] == "ok"
        assert examine("--connections-max", "5000", preexec_fn=lower_files(files - 1))[0] == 1


def test_the_doctor_knows_that_io_uring_is_filtered():
    if "uring" not in rings():
        raise Skip("it is refused here in any case")
    code, answer = examine("--io", "uring", "--connections-max", "100", wrapper=[WITHOUT_IO_URING])
    assert code == 1 and answer["checks"]["io_uring"]["verdict"] == "problem", answer
    assert "seccomp" in answer["checks"]["io_uring"]["what"], answer
    assert any("seccomp=" in line for line in answer["paste"]["docker"]), answer
    answer = examine("--connections-max", "100", wrapper=[WITHOUT_IO_URING])[1]
    assert answer["checks"]["io_uring"]["verdict"] == "warning", answer
    answer = examine("--io", "epoll", "--connections-max", "100", wrapper=[WITHOUT_IO_URING])[1]
    assert answer["checks"]["io_uring"]["verdict"] == "ok", answer


def test_the_doctor_reads_the_environment_and_the_file_of_the_server():
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write('connections-max = 123\nlisten-backlog = 65535\n')
        file.flush()
        _, text, _ = run("doctor", "--config", file.name, environment={"RINGCAST_SHARDS": "3"})
    assert "3 shards and up to 123 connections" in text.splitlines()[0], text
    assert "--listen-backlog 65535" in text, text


def test_the_doctor_knows_what_is_listened_on():
    _, answer = examine("--listen", "ws://127.0.0.1:0", "--connections-max", "100")
    assert answer["checks"]["low ports"]["verdict"] in ("ok", "unknown")


def test_mistakes_with_commands_get_one_clear_line():
    expect_one_line_error(run("doctor", "--no-such-flag"), "--no-such-flag")
    expect_one_line_error(run("doctor", "--jsom"), "--jsom", "did you mean --json?")
    expect_one_line_error(run("doctor", "--shards", "many"), "shards", "many")
    expect_one_line_error(run("doctor", "now"), "'now'")
    expect_one_line_error(run("doctor", "--config", "/no/such/file"), "/no/such/file")
    expect_one_line_error(run("doctr"), "'doctr'", "did you mean doctor?")
    expect_one_line_error(run("--echo", "doctor"), "'doctor'", "ringcast doctor")
    expect_one_line_error(run("doctor", environment={"RINGCAST_SHARDS": "0"}), "RINGCAST_SHARDS")


def test_help_names_the_commands_and_each_explains_itself():
    code, text, _ = run("--help")
    assert code == 0
    for command in ("doctor", "capacity"):
        assert f"\n  {command} " in text, text
        for flag in ("--help", "-h"):
            code, help_text, errors = run(command, flag)
            assert code == 0 and errors == "" and f"Usage: ringcast {command}" in help_text, help_text
            assert all(len(line) <= 100 for line in help_text.splitlines()), help_text


def test_an_answer_that_cannot_be_printed_is_no_success():
    with open("/dev/full", "w") as full:
        assert subprocess.run([BINARY, "doctor", "--connections-max", "100"], stdout=full,
                              env=clean_environment()).returncode == 1

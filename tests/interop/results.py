"""What the clients written in Python share: how a test is run, and the line it prints (see run.py)."""

import asyncio

TEST_SECONDS_MAX = 60
MESSAGE_BYTES_MAX = 64 * 1024  # The server's default.
SIZES = [0, 1, 2, 125, 126, 127, 128, 1000, 65535, 65536]


def pattern(size):
    """Bytes that no shifted or wrongly masked copy equals."""
    return bytes((i * 31 + (i >> 8) * 7 + 5) & 0xFF for i in range(size))


class Skip(Exception):
    """A test that this client cannot do here, and why."""


def expect_equal(found, expected):
    if found != expected:
        raise AssertionError(f"expected {expected!r:.300}, found {found!r:.300}")


def one_line(error):
    return f"{type(error).__name__} {error}".replace("\n", " ")


def print_result(name, error):
    if error is None:
        print(f"ok {name}", flush=True)
    elif isinstance(error, Skip):
        print(f"skip {name}: {error}", flush=True)
    else:
        print(f"FAILED {name}: {one_line(error)}", flush=True)


async def run_tests(tests):
    """Runs {name: coroutine function} one after the other."""
    for name, test in tests.items():
        try:
            await asyncio.wait_for(test(), TEST_SECONDS_MAX)
            print_result(name, None)
        except Exception as error:  # Whatever it is, it is this test's result.
            print_result(name, error)

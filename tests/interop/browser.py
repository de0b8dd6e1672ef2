"""A headless Chromium, which tests steer over its DevTools protocol (see run.py)."""

import subprocess
import tempfile
import time
from pathlib import Path

CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-extensions", "--no-proxy-server", "--remote-debugging-port=0"]
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60


class Browser:
    """One run of it, with a profile of its own. Both are gone when the `with` ends."""

    def __init__(self, *flags):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.process = subprocess.Popen([*CHROMIUM, *flags, f"--user-data-dir={self.profile.name}", "about:blank"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.profile.cleanup()

    def devtools_url(self):
        """The address that the browser writes to a file when it is up. Raises RuntimeError if it does not come up."""
        port_file = Path(self.profile.name) / "DevToolsActivePort"
        for _ in range(START_SECONDS_MAX * 20):
            if port_file.exists() and len(lines := port_file.read_text().split("\n")) >= 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            if self.process.poll() is not None:
                raise RuntimeError(f"chromium ended with exit code {self.process.returncode}")
            time.sleep(0.05)  # A file that appears has no event; this waits for nothing that is tested.
        raise RuntimeError("chromium did not come up")

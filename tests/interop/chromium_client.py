"""Chromium as a client of the server: URL SCENARIO PID_OF_SERVER (see run.py).

run.py has started it, headless, and it is steered by python3-websockets at DEVTOOLS_URL. The tests are chromium_tests.js
and, with npm's Centrifuge client and its own EventSource, chromium_centrifuge.js and chromium_events.js. They run in a page of the server's own origin (its 404 answer
is one), since pages of others may be refused; the scenario `origin` sees that.
"""

import asyncio
import http.server
import json
import os
import sys
import threading
from pathlib import Path

import websockets
from browser import Page
from line import Line
from results import Skip, expect_equal, one_line, print_result, run_tests

FOLDER = Path(__file__).parent
# The same global name in each; what chromium_centrifuge.js calls them.
LIBRARIES = {"JsonCentrifuge": FOLDER / "node_modules/centrifuge/dist/centrifuge.js",
             "ProtobufCentrifuge": FOLDER / "node_modules/centrifuge/dist/centrifuge.protobuf.js"}
url, scenario = sys.argv[1:3]


class EmptyPage(http.server.BaseHTTPRequestHandler):
    """Answers everything with an empty page."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Stays silent."""


async def run_in_page(page, page_url, scripts, tests):
    """Runs the tests of an object in the page of that address, once it has these scripts."""
    await page.go_to(page_url)
    expect_equal(await page.evaluate("location.origin + '/'"), page_url)
    for script in scripts:
        await page.evaluate(script)
    names = await page.evaluate(f"Object.keys({tests})")

    def in_page(name):
        return lambda: page.evaluate(f"({tests})[{json.dumps(name)}]({url!r})")

    await run_tests({name: in_page(name) for name in names})


async def publish(topic, values):
    """As another client does it; returns when the topic has them."""
    async with websockets.connect(f"{url}/topics/{topic}") as socket:
        for value in values:
            await socket.send(value)
        for _ in values:
            await socket.recv()


async def run_centrifuge(page):
    """By a line that is cut where a test wants that."""
    if not all(path.exists() for path in LIBRARIES.values()):
        print_result("centrifuge", Skip("not fetched from npm"))
        return
    async with Line(url) as line:
        async def cut(wanted):
            line.hold()
            await publish(wanted["topic"], wanted["values"])
            line.let_go()
            await page.evaluate("cutEnds.shift()()")

        cuts = set()  # Tasks under way: nobody else keeps them.
        await page.offer("cut", lambda text: cuts.add(asyncio.create_task(cut(json.loads(text)))))
        libraries = [f"{path.read_text()}\nvar {name} = Centrifuge;" for name, path in LIBRARIES.items()]
        tests = [(FOLDER / name).read_text() for name in ("chromium_centrifuge.js", "chromium_events.js")]
        await run_in_page(page, f"http://127.0.0.1:{line.port}/", [*libraries, *tests],
                          "Object.assign({}, centrifugeTests, eventTests)")


async def main():
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    plain = [(FOLDER / "chromium_tests.js").read_text()]
    try:
        async with websockets.connect(os.environ["DEVTOOLS_URL"], max_size=None, ping_interval=None) as socket:
            page = Page(socket)
            await page.open()
            if scenario == "history":
                await run_centrifuge(page)
            else:
                await run_in_page(page, "http" + url.removeprefix("ws") + "/", plain, f"scenarios[{scenario!r}]")
            if scenario == "origin":
                await run_in_page(page, f"http://127.0.0.1:{pages.server_port}/", plain, "scenarios['foreign origin']")
    except Exception as error:  # The browser's trouble is a result, too.
        print_result("chromium runs", AssertionError(one_line(error)))


asyncio.run(main())

"""Chromium as a client of the server: URL SCENARIO PID_OF_SERVER (see run.py).

run.py has started it, headless, and it is steered by python3-websockets at DEVTOOLS_URL. The tests are chromium_tests.js. They run in a page
of the server's own origin (its 404 answer is one), since pages of others may be refused; the scenario `origin` sees that.
"""

import asyncio
import http.server
import json
import os
import sys
import threading
from pathlib import Path

import websockets
from results import expect_equal, one_line, print_result, run_tests

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


class DevTools:
    """One page of the browser."""

    def __init__(self, socket):
        self.socket = socket
        self.last_id = 0
        self.session = {}

    async def call(self, method, **parameters):
        self.last_id += 1
        await self.socket.send(json.dumps({"id": self.last_id, "method": method, "params": parameters, **self.session}))
        while True:
            answer = json.loads(await self.socket.recv())
            if answer.get("id") == self.last_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    async def open_page(self):
        """A page that shares no cookie, cache or connection with those of other clients, and goes when this one does."""
        context = await self.call("Target.createBrowserContext", disposeOnDetach=True)
        target = await self.call("Target.createTarget", url="about:blank", browserContextId=context["browserContextId"])
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = {"sessionId": attached["sessionId"]}

    async def go_to(self, address):
        """Loads the page; False if there is none."""
        await self.call("Page.enable")
        navigated = await self.call("Page.navigate", url=address)
        if "errorText" in navigated:
            return False
        return await self.evaluate("new Promise(done => document.readyState === 'complete' ? done(true)"
                                   " : addEventListener('load', () => done(true)))")

    async def evaluate(self, expression):
        """The value of a JavaScript expression in the page, awaited if it is a promise."""
        result = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")


async def run_in_page(page, page_url, group):
    """Runs that group of chromium_tests.js in the page of that address."""
    if not await page.go_to(page_url):
        raise RuntimeError(f"{page_url} shows no page")
    expect_equal(await page.evaluate("location.origin + '/'"), page_url)
    await page.evaluate((Path(__file__).parent / "chromium_tests.js").read_text())
    names = await page.evaluate(f"Object.keys(scenarios[{group!r}])")

    def in_page(name):
        return lambda: page.evaluate(f"scenarios[{group!r}][{json.dumps(name)}]({url!r})")

    await run_tests({name: in_page(name) for name in names})


async def main():
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    try:
        async with websockets.connect(os.environ["DEVTOOLS_URL"], max_size=None, ping_interval=None) as socket:
            page = DevTools(socket)
            await page.open_page()
            await run_in_page(page, "http" + url.removeprefix("ws") + "/", scenario)
            if scenario == "origin":
                await run_in_page(page, f"http://127.0.0.1:{pages.server_port}/", "foreign origin")
    except Exception as error:  # The browser's trouble is a result, too.
        print_result("chromium runs", AssertionError(one_line(error)))


asyncio.run(main())

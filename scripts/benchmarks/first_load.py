"""How long a page takes to be ready on a slow phone on a slow network, and how much of it travels.

A browser with an empty cache opens each page over 400 kbit/s with 300 ms latency, slowed down four times. A page is
ready when its map is painted, its document is complete and its scripts have run. The server is `commonweal serve`; the
pages show presence of 63 areas over 24 hours, protected and published for real.

It needs Chromium, and Playwright, which is among the packages for tests: ``scripts/install test``.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer

from web import published

BITS = 400_000
"""A second, each way."""
LATENCY = 300
"""Milliseconds that the network adds to each request."""
SLOWER = 4
"""How many times slower the phone is than this machine."""
AIM = 2.5
"""Seconds until the overview is ready."""
LARGEST = 100
"""Kilobytes (1,000 bytes) that its first load may weigh."""
PAGES = {"overview": "/", "presence": "/mobility/presence", "flows": "/mobility/flows", "catalog": "/catalog"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WATCH = """
const look = () => {
  if (document.querySelector("main") && (document.querySelector(".map") || document.readyState === "complete")) {
    requestAnimationFrame(() => { window.painted = performance.now(); });
  } else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
READY = """() => {
  const [begun] = performance.getEntriesByType("navigation");
  return window.painted && begun.domContentLoadedEventEnd
    ? {painted: window.painted, complete: begun.domContentLoadedEventEnd, answered: begun.responseStart}
    : null;
}"""


@dataclass(frozen=True)
class Loaded:
    """What one load took: seconds until the answer began, until the map was painted, until scripts had run."""

    answered: float
    painted: float
    complete: float
    size: float
    requests: list[tuple[str, float, float, int]]

    @property
    def ready(self) -> float:
        """Seconds until the page could be read and used."""
        return max(self.painted, self.complete)


def main(runs: int = 5, waterfall: bool = False) -> None:
    """Print seconds and kilobytes of each page; with --waterfall when each file of it began and ended."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("this needs Playwright: run scripts/install test, then this again") from None
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        raise SystemExit(f"this needs one of these programs: {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as address, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        _load(browser, address + "/", slow=False)  # what the server reads once is not the network's
        print(f"{BITS // 1000} kbit/s, {LATENCY} ms latency, {SLOWER} times slower; median of {runs} loads (the best)")
        print(f"{'page':<12}{'KB sent':>9}{'files':>7}{'answer, s':>11}{'map, s':>9}{'scripts, s':>12}{'ready, s':>15}")
        for name, path in PAGES.items():
            loads = [_load(browser, address + path) for _ in range(runs)]
            middle = sorted(loads, key=lambda load: load.ready)[len(loads) // 2]
            ready = statistics.median(load.ready for load in loads)
            best = min(load.ready for load in loads)
            print(
                f"{name:<12}{middle.size / 1000:>9.1f}{len(middle.requests):>7}{middle.answered:>11.2f}"
                f"{middle.painted:>9.2f}{middle.complete:>12.2f}{f'{ready:.2f} ({best:.2f})':>15}"
            )
            if waterfall:
                for path_of_file, begun, ended, size in middle.requests:
                    print(f"  {begun:>6.2f} – {ended:>5.2f} s  {size / 1000:>6.1f} KB  {path_of_file}")
            if name == "overview":
                met = "met" if ready <= AIM and middle.size <= LARGEST * 1000 else "missed"
                print(f"  aim: ready within {AIM:g} s and at most {LARGEST} KB: {met}")
        browser.close()


def _load(browser: Any, address: str, slow: bool = True) -> Loaded:
    """Open a page with an empty cache, on a phone's screen."""
    context = browser.new_context(viewport={"width": 360, "height": 800})
    context.add_init_script(WATCH)
    tab = context.new_page()
    session = context.new_cdp_session(tab)
    session.send("Network.enable")
    begun: dict[str, tuple[str, float]] = {}
    ended: dict[str, tuple[float, int]] = {}
    session.on(
        "Network.requestWillBeSent",
        lambda event: begun.setdefault(event["requestId"], (event["request"]["url"], event["timestamp"])),
    )
    session.on(
        "Network.loadingFinished",
        lambda event: ended.setdefault(event["requestId"], (event["timestamp"], int(event["encodedDataLength"]))),
    )
    if slow:
        session.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": LATENCY, "downloadThroughput": BITS / 8, "uploadThroughput": BITS / 8},
        )
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    tab.goto(address, wait_until="load", timeout=60_000)
    took = tab.wait_for_function(READY, timeout=60_000).json_value()
    tab.wait_for_load_state("networkidle")
    context.close()
    first = min(at for _, at in begun.values())
    requests = sorted(
        (
            (urlsplit(url).path, at - first, ended[number][0] - first, ended[number][1])
            for number, (url, at) in begun.items()
            if number in ended
        ),
        key=lambda request: request[1],
    )
    size = sum(size for *_, size in requests)
    return Loaded(took["answered"] / 1000, took["painted"] / 1000, took["complete"] / 1000, size, requests)


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Publish something, and serve it by `commonweal serve`; give the address."""
    home = published(folder)
    home.database.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-c", "from commonweal.cli import main; main()"]
    arguments = ["--data", str(home.settings.data), "serve", "--port", str(port)]
    environment = os.environ | {"COMMONWEAL_OPEN_READING": "true"}
    process = subprocess.Popen([*command, *arguments], env=environment, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    typer.run(main)

"""Pictures of the main pages for the documentation, from a site that is really served."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
COMMONWEAL = [sys.executable, "-c", "from commonweal.cli import main; main()"]
BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NAME, PASSWORD = "pictures", "a picture of every page"


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Parameters
    ----------
    name
        Of the file.
    address
        Of the page; ``{day}`` is the middle day of what is published.
    width, height
        Of the window, CSS pixels; the picture is as tall as the page, at most `height`.
    signed_in
        Whether an administrator looks.
    options
        Of the browser: colour scheme, language.
    """

    name: str
    address: str
    width: int = 1200
    height: int = 1150
    signed_in: bool = False
    options: dict[str, Any] = field(default_factory=dict)


PICTURES = (
    Picture("overview", "/", height=1500),
    Picture("presence", "/mobility/presence?day={day}&at=18&layer=flows"),
    Picture("inside", "/mobility/inside?day={day}&at=18&centre=-13.1,8.4&radius=60"),
    Picture("flows", "/mobility/flows?day={day}", height=1000),
    Picture("forecast", "/mobility/forecast", height=1000),
    Picture("homes-phone", "/mobility/homes", 390, 1400, options={"locale": "fr-FR"}),
    Picture("catalog", "/catalog/mobility.presence", height=1000),
    Picture("job", "/jobs/1", height=1100, signed_in=True),
    Picture("people", "/administration", height=1000, signed_in=True),
    Picture("audit", "/administration/audit", height=1000, signed_in=True),
)


def main() -> None:
    """Serve the data directory and take every picture."""
    data = Path(sys.argv[1])
    with _served(data) as address, sync_playwright() as started:
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER)
        session = _sign_in(browser, address, _link(data))
        for picture in PICTURES:
            _take(browser, address, picture, session if picture.signed_in else None)
        browser.close()


@contextmanager
def _served(data: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([*COMMONWEAL, "--data", data, "serve", "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def _link(data: Path) -> str:
    """Make the administrator, or give them a new link."""
    environment = os.environ | {"COLUMNS": "500"}
    create = [*COMMONWEAL, "--data", str(data), "people", "create", NAME, "--role", "administrator"]
    again = [*COMMONWEAL, "--data", str(data), "people", "link", NAME]
    for command in (create, again):
        answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if found := re.search(r"/welcome/[\w-]+", answer.stdout):
            return found[0]
    raise SystemExit(f"no link for {NAME}: {answer.stderr}")


def _sign_in(browser: Browser, address: str, link: str) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address + link)
    for label in ("password", "again"):
        page.fill(f"#{label}", PASSWORD)
    page.click("main form button")
    page.wait_for_url(f"{address}/")
    return context.storage_state()


def _take(browser: Browser, address: str, picture: Picture, session: Any) -> None:
    size = {"width": picture.width, "height": picture.height}
    context = browser.new_context(viewport=size, storage_state=session, **picture.options)  # type: ignore[arg-type]
    page = context.new_page()
    days = page.request.get(f"{address}/mobility/flows.json").json()["flows"]["days"]
    page.goto(address + picture.address.format(day=days[len(days) // 2]))
    page.wait_for_load_state("networkidle")
    tall = min(page.evaluate("document.documentElement.scrollHeight"), picture.height)
    page.screenshot(path=IMAGES / f"{picture.name}.png", clip={"x": 0, "y": 0, "width": picture.width, "height": tall})
    context.close()


if __name__ == "__main__":
    main()

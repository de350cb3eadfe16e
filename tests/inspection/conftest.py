"""A real browser for the pages that this package writes."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use("agg")

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass
class OpenedPage:
    """A page in the browser, with what it asked for and complained of."""

    page: object
    requests: list[str]
    complaints: list[str]

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


@pytest.fixture(scope="module")  # its event loop would be in the way of the tests of the cluster
def _chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(_chromium):
    """Open a file in a window of a given width."""
    opened = []

    def open_file(path: Path, width: int = 1280) -> OpenedPage:
        page = _chromium.new_page(viewport={"width": width, "height": 900})
        opened.append(page)
        found = OpenedPage(page, [], [])
        page.on("request", lambda request: found.requests.append(request.url))
        page.on("console", lambda message: found.complaints.append(message.text))
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.goto(path.as_uri())
        return found

    yield open_file
    for page in opened:
        page.close()

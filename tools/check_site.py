"""Does the built site work in a browser?

Command, from the repository root, after ``nox -s docs`` (whose last step it is)::

    python tools/check_site.py [--screenshots FOLDER] [--skip-without-browser]

Opens every page of build/site in headless Chromium (Debian's: ``apt-get install chromium``) over
HTTP on this machine, follows every internal link with its anchor, and fails on an error in the
console, a request that fails or goes to another host, an example without a picture of its own, and
a page that is wider than a narrow window.
"""

import argparse
import functools
import http.server
import shutil
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse

from playwright.sync_api import sync_playwright

SITE = Path(__file__).resolve().parents[1] / "build" / "site"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: Pages of which pictures are taken, wide and narrow.
PICTURED = (
    "index", "columns", "map", "gallery/index", "gallery/plot_02_table_with_temperature",
    "api/cromel_sklearn.CroMELRegressor",
)  # fmt: skip


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""


def serve(folder: Path) -> http.server.ThreadingHTTPServer:
    """Serve a folder on a free port of this machine."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Visit:
    """One look at the whole site: what its pages hold, and what is wrong with them."""

    def __init__(self, root: str):
        self.root = root
        self.where = ""
        self.problems: set[str] = set()
        self.anchors: dict[str, set[str]] = {}
        self.links: set[tuple[str, str]] = set()

    def note(self, problem: str) -> None:
        """Keep what is wrong with the present page."""
        self.problems.add(f"{self.where}: {problem}")

    def listen(self, page) -> None:
        """Note what the browser reports."""

        def on_console(message):
            if message.type == "error":
                self.note(message.text)

        def on_request(request):
            if not request.url.startswith((self.root, "data:", "blob:")):
                self.note(f"asks {request.url}")

        def on_response(answer):
            if answer.status >= 400:
                self.note(f"no {answer.url}")

        page.on("console", on_console)
        page.on("pageerror", lambda error: self.note(str(error)))
        page.on("request", on_request)
        page.on("response", on_response)

    def open(self, page, name: str) -> None:
        """Open a page; keep its anchors and links."""
        self.where = name
        page.goto(self.root + name, wait_until="load")
        ids = page.eval_on_selector_all("[id]", "nodes => nodes.map(node => node.id)")
        self.anchors[name] = set(ids)
        found = page.eval_on_selector_all("a[href]", "n => n.map(a => a.getAttribute('href'))")
        self.links |= {(name, urljoin(self.root + name, href)) for href in found}
        if name.startswith("gallery/plot_") and not page.locator("img[src*='_001.']").count():
            self.note("draws nothing: its picture in the gallery is a placeholder")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > NARROW["width"] + 1:
            self.note(f"{width} px wide in a window of {NARROW['width']}")

    def follow(self) -> None:
        """Note internal links that lead nowhere."""
        for source, target in sorted(self.links):
            address, anchor = urldefrag(target)
            if not address.startswith(self.root):
                continue
            self.where = source
            name = unquote(urlparse(address).path.lstrip("/")) or "index.html"
            if name in self.anchors:
                if anchor and unquote(anchor) not in self.anchors[name]:
                    self.note(f"no anchor #{anchor} in {name}")
            elif not (SITE / name).is_file():
                self.note(f"no page {name}")


def check(screenshots: Path | None, browser_path: str) -> Visit:
    """Open every page, take pictures of some, follow the links."""
    server = serve(SITE)
    visit = Visit(f"http://127.0.0.1:{server.server_port}/")
    pages = sorted(SITE.rglob("*.html"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        page = browser.new_page(viewport=NARROW)
        visit.listen(page)
        for path in pages:
            if "_static" not in path.parts:
                visit.open(page, path.relative_to(SITE).as_posix())
        for name in PICTURED if screenshots else ():
            for size, window in {"wide": WIDE, "narrow": NARROW}.items():
                page.set_viewport_size(window)
                page.goto(f"{visit.root}{name}.html", wait_until="load")
                page.screenshot(path=screenshots / f"{name.replace('/', '-')}-{size}.png")
        browser.close()
    server.shutdown()
    visit.follow()
    return visit


def main() -> None:
    """Check, and say what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--screenshots", type=Path, help="Folder for pictures of some pages.")
    parser.add_argument("--browser", help="Path of Chromium; by default the one on PATH.")
    parser.add_argument(
        "--skip-without-browser", action="store_true", help="Say so and end well, do not fail."
    )
    options = parser.parse_args()
    if not any(SITE.rglob("*.html")):
        sys.exit(f"No pages in {SITE}: nox -s docs builds them.")
    browser = options.browser or next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        words = "The site was NOT looked at: no Chromium on PATH (apt-get install chromium)."
        if options.skip_without_browser:
            print(words)
            return
        sys.exit(words)
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    visit = check(options.screenshots, browser)
    n_internal = sum(target.startswith(visit.root) for _, target in visit.links)
    print(f"{len(visit.anchors)} pages, {n_internal} internal links")
    for problem in sorted(visit.problems):
        print(problem)
    sys.exit(bool(visit.problems))


if __name__ == "__main__":
    main()

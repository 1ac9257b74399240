# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes until a dashboard of 20 panels is drawn, with services that answer after 0 and after 50 ms; against the same page when
one query is asked after the other, in turn in the same run. Needs Chromium, no lab."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import ROOT, median, table

sys.path[:0] = [str(ROOT), str(ROOT / "tests/dashboards/preview")]
import browser as chromium  # noqa: E402 (the path is set above)
from doubles import Double  # noqa: E402 (the path is set above)

from dashboards import checks, load, render  # noqa: E402 (the path is set above)
from dashboards.preview import ask, bundle, charts  # noqa: E402 (the path is set above)
from dashboards.preview.ask import Estate  # noqa: E402 (the path is set above)
from dashboards.preview.pages import Pages  # noqa: E402 (the path is set above)
from dashboards.preview.queries import selection, window  # noqa: E402 (the path is set above)
from dashboards.preview.server import Server  # noqa: E402 (the path is set above)
from dashboards.preview.sources import Login, Source  # noqa: E402 (the path is set above)

RUNS, PANELS = 5, 20


def prepared(directory: Path) -> tuple[bundle.Bundle, str]:
    """A bundle of everything, and the dashboard whose number of panels is nearest to 20."""
    content = load.everything()
    whole = checks.everywhere(content)
    render.write(render.bundle(content, whole), whole, directory)
    found = bundle.read(directory)
    return found, min(found.boards, key=lambda uid: abs(sum(bool(p.targets) for p in found.boards[uid].panels.values()) - PANELS))


@contextmanager
def served(found: bundle.Bundle, service: Double, at_once: int):
    ask.AT_ONCE = at_once
    estate = Estate({"": {name: Source(name, service.url, Login()) for name in ("prometheus", "loki", "jaeger")}})
    server = Server(("127.0.0.1", 0), Pages(found, charts.library()), estate, quiet=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.url, estate
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def slow(service: Double, seconds: float) -> None:
    usual = service.data
    service.data = lambda path, query: (time.sleep(seconds), usual(path, query))[1]


def main() -> None:
    if not chromium.PROGRAM:
        print("the preview was not measured: it needs Chromium (apt-get install chromium)")
        return
    many = ask.AT_ONCE
    rows = [("until drawn", "delay, ms", "seconds", "one by one", "ratio")]
    with TemporaryDirectory(prefix="psf-bench-") as work:
        found, uid = prepared(Path(work, "bundle"))
        board = found.boards[uid]
        queries = sum(len(panel.targets) for panel in board.panels.values())
        browser = chromium.Browser()
        try:
            for delay in (0.0, 0.05):
                with Double() as service:
                    slow(service, delay)
                    seconds: dict[int, list[float]] = {many: [], 1: []}
                    asked: dict[int, list[float]] = {many: [], 1: []}
                    for _run in range(RUNS):
                        for at_once in (many, 1):
                            with served(found, service, at_once) as (url, estate):
                                browser.open(f"{url}dashboards/{uid}.html")
                                seconds[at_once].append(int(browser.value("document.documentElement.dataset.ready")) / 1000)
                                started = time.monotonic()
                                at = window("now-1h", "now", 400)
                                list(estate.panels(board, [p.id for p in board.panels.values() if p.targets], selection(board, {}), at))
                                asked[at_once].append(time.monotonic() - started)
                for what, figures in (("page in the browser", seconds), ("answers alone, all rows", asked)):
                    here, baseline = median(figures[many]), median(figures[1])
                    rows.append((what, int(delay * 1000), here, baseline, here / baseline))
        finally:
            browser.close()
    table(f"{board.title} ({uid}): {len(board.panels)} panels, {queries} queries, medians of {RUNS}", rows)


if __name__ == "__main__":
    main()

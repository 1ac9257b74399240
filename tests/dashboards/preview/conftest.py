"""A bundle of everything in a directory, doubles of the three services, and a preview that serves the one from the others."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path

import pytest

from dashboards import checks, load, naming, render
from dashboards.preview import charts
from dashboards.preview.ask import Estate
from dashboards.preview.bundle import read
from dashboards.preview.pages import Pages
from dashboards.preview.server import Server
from dashboards.preview.sources import Login, Source

sys.path[:0] = [str(Path(__file__).parent)]


@pytest.fixture(scope="session")
def directory(tmp_path_factory):

    content = load.everything()
    out = tmp_path_factory.mktemp("preview") / "bundle"
    estate = checks.everywhere(content)
    render.write(render.bundle(content, estate), estate, out)
    return out


@pytest.fixture(scope="session")
def few(directory, tmp_path_factory):
    """The bundle with three of its dashboards, for what takes longer with many."""
    out = tmp_path_factory.mktemp("few") / "bundle"
    shutil.copytree(directory, out)
    manifest = json.loads((out / "manifest.json").read_text())
    kept = tuple(naming.dashboard_path(uid) for uid in (naming.LANDING, "psf-node-overview", "psf-psf_web-vitals"))
    manifest["files"] = [row for row in manifest["files"] if row["kind"] != "grafana_dashboard" or row["path"] in kept]
    (out / "manifest.json").write_text(json.dumps(manifest))
    return out


@pytest.fixture(scope="session")
def bundle(directory):

    return read(directory)


@pytest.fixture
def service():
    """A double of Prometheus, Loki and Jaeger at one address."""
    from doubles import Double  # noqa: PLC0415 (the path is set above)

    with Double() as double:
        yield double


@pytest.fixture
def estate(service):

    login = Login("reader", "s3cret-of-the-test")
    return Estate({"": {name: Source(name, service.url, login) for name in ("prometheus", "loki", "jaeger")}})


@pytest.fixture
def served(bundle, estate):
    """A running preview with a library that draws nothing."""

    library = {"dist/uPlot.iife.min.js": "var uPlot;", "dist/uPlot.min.css": "", "LICENSE": "MIT"}
    yield from running(Server(("127.0.0.1", 0), Pages(bundle, library), estate, quiet=True))


def running(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def live(bundle, estate):
    """A running preview with the real charting library."""

    yield from running(Server(("127.0.0.1", 0), Pages(bundle, charts.library()), estate, quiet=True))

"""`observatory preview`: options, and pages with recorded data."""

from __future__ import annotations

import json
import re

import pytest

from dashboards import cli, naming
from dashboards.preview import charts
from dashboards.preview import cli as preview
from dashboards.preview.bundle import read

LIBRARY = {"dist/uPlot.iife.min.js": "var uPlot;", "dist/uPlot.min.css": "", "LICENSE": "MIT"}


@pytest.fixture
def run(few, service, monkeypatch):
    monkeypatch.setattr(charts, "library", lambda: LIBRARY)
    monkeypatch.setenv("OBSERVATORY_USERNAME", "reader")
    monkeypatch.setenv("OBSERVATORY_PASSWORD", "s3cret-of-the-test")
    sources = [word for name in ("prometheus", "loki", "jaeger") for word in (f"--{name}", service.url)]
    return lambda *words, given=sources: cli.main(["preview", "--bundle", str(few), *given, *map(str, words)])


def recorded(path):
    return json.loads(re.search(r'id="recorded">(.*?)</script>', path.read_text())[1])


def test_pages_with_their_data(run, few, tmp_path, capsys):
    bundle = read(few)
    assert run("--out", tmp_path / "pages") == 0
    assert f"{len(bundle.boards)} dashboards, recorded" in capsys.readouterr().out
    for uid, board in bundle.boards.items():
        data = recorded(tmp_path / "pages/dashboards" / f"{uid}.html")
        assert {line["id"] for line in data["frames"] if "id" in line} == {key for key, panel in board.panels.items() if panel.targets}
    assert set(recorded(tmp_path / "pages/index.html")["alerts"]) == {board.system for board in bundle.boards.values()}
    assert (tmp_path / "pages/runbooks/node.html").is_file()
    assert not [path for path in (tmp_path / "pages").rglob("*.html") if "s3cret" in path.read_text()]


def test_what_is_recorded_can_be_chosen(run, service, tmp_path):
    assert run("--out", tmp_path / "pages", "--variable", "region=eu", "--since", "6h") == 0
    data = recorded(tmp_path / "pages/dashboards" / f"{naming.LANDING}.html")
    assert data["variables"]["region"] == ["eu"]
    assert data["frames"][0]["window"]["end"] - data["frames"][0]["window"]["start"] == pytest.approx(6 * 3600, abs=120)
    assert any('region=~"eu"' in query.get("query", "") for _path, query in service.asked)


def test_recorded_text_cannot_end_its_element(run, tmp_path):
    run("--out", tmp_path / "pages")
    page = (tmp_path / "pages/dashboards" / f"{naming.LANDING}.html").read_text()
    assert "<img src=x" not in page and "a line with <b>" not in page


def test_pages_are_replaced_and_nothing_else_is(run, tmp_path, capsys):
    run("--out", tmp_path / "pages")
    (tmp_path / "pages/old.html").write_text("")
    assert run("--out", tmp_path / "pages") == 0
    assert not (tmp_path / "pages/old.html").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("kept")
    assert run("--out", tmp_path / "mine") == 1
    assert "was not written by this command" in capsys.readouterr().err
    assert (tmp_path / "mine/file").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "pages"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "give --serve"),
        (["--out", "x", "--variable", "moon=1"], "'moon=1' is not NAME=VALUE"),
        (["--out", "x", "--since", "long"], "--since: 'long'"),
        (["--serve", "here"], "'here' is not ADDRESS:PORT"),
        (["--serve", "127.0.0.1:99999"], "is not ADDRESS:PORT"),
        (["--out", "x", "--loki", "ftp://x"], "given twice"),
        (["--out", "x", "--ca", "/none"], None),
        (["--serve", "--scrape-interval", "0"], "--scrape-interval"),
    ],
)
def test_wrong_options(run, tmp_path, monkeypatch, capsys, words, problem):
    monkeypatch.chdir(tmp_path)
    if problem is None:  # --ca is read for https alone
        assert run("--out", "x", "--ca", "/none", given=["--prometheus", "https://127.0.0.1:1"]) == 1
        problem = "--ca, --cert, --key: /none"
    else:
        assert run(*words) == 1
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["--prometheus", "localhost:9090"], "not an http"),
        (["--prometheus", "http://me:pw@h"], "not in the URL"),
        (["--prometheus", "eu=http://h", "--loki", "http://h"], "of every URL"),
    ],
)
def test_wrong_addresses(run, capsys, given, problem):
    assert run("--out", "x", given=given) == 1
    assert problem in capsys.readouterr().err


def test_places(directory):
    parser = cli.parser()
    options = parser.parse_args(
        ["preview", "--bundle", "b", "--prometheus", "eu=http://a/p?x=y", "--prometheus", "us=http://b", "--loki", "us=http://c"]
    )
    assert {place: sorted(sources) for place, sources in preview.places(options, preview.Login()).items()} == {
        "eu": ["prometheus"],
        "us": ["loki", "prometheus"],
    }

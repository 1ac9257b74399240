"""`observatory preview --diff` and recordings: what is written, what is drawn of it, what is asked for it."""

from __future__ import annotations

import gzip
import json
import shutil

import browser as chromium
import pytest
from test_cli import LIBRARY, recorded

from dashboards import cli
from dashboards.preview import charts, tape

UID = "psf-node-overview"


@pytest.fixture
def old(few):
    return few


@pytest.fixture
def new(old, tmp_path):
    """The bundle with a changed query, a changed threshold, and a panel less."""
    out = tmp_path / "new"
    shutil.copytree(old, out)
    path = out / f"grafana/dashboards/{UID}.json"
    data = json.loads(path.read_text())
    by_title = {item["title"]: item for item in data["panels"] if item["type"] != "row"}
    by_title["Memory in use"]["targets"][0]["expr"] = "sum by (host) (node_other)"
    by_title["Processor in use"]["fieldConfig"]["defaults"]["thresholds"]["steps"] = [
        {"value": None, "color": "green"},
        {"value": 0.5, "color": "red"},
    ]
    data["panels"].remove(by_title["Network traffic"])
    path.write_text(json.dumps(data))
    return out


@pytest.fixture
def run(service, monkeypatch):
    monkeypatch.setattr(charts, "library", lambda: LIBRARY)
    monkeypatch.setenv("OBSERVATORY_USERNAME", "reader")
    monkeypatch.setenv("OBSERVATORY_PASSWORD", "s3cret-of-the-test")
    live = [word for name in ("prometheus", "loki", "jaeger") for word in (f"--{name}", service.url)]
    return lambda *words, given=live: cli.main(["preview", *map(str, words), *given])


def frames(path):
    return {line["id"]: line for line in recorded(path)["frames"] if "id" in line}


def test_only_what_differs_is_asked_for_and_drawn_on_both_sides(run, service, old, new, tmp_path, capsys):
    assert run("--diff", old, new, "--out", tmp_path / "out") == 0
    assert "dashboards: 1 changed · panels: 2 changed, 1 removed" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out/dashboards").iterdir()] == [f"{UID}.html"]
    made = frames(tmp_path / f"out/dashboards/{UID}.html")
    assert len(made) == 5 and sum(key < 0 for key in made) == 3  # the removed one has no side after
    asked = [query["query"] for _path, query in service.asked if "query" in query]
    assert any("node_other" in expr for expr in asked) and not any("node_load1" in expr for expr in asked)
    text = (tmp_path / "out/summary.md").read_text()
    assert "| Memory in use | query A |" in text and "| Network traffic | **removed** |" in text
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


def test_in_words_alone_without_data(run, old, new, tmp_path):
    assert run("--diff", old, new, "--out", tmp_path / "out", given=[]) == 0
    assert frames(tmp_path / f"out/dashboards/{UID}.html") == {}
    assert "query A" in (tmp_path / "out/summary.md").read_text()


def test_a_panel_that_loses_its_data_is_told(run, service, old, new, tmp_path):
    usual = service.data
    service.data = lambda path, query: (
        {"status": "success", "data": {"resultType": "matrix", "result": []}}
        if "node_other" in query.get("query", "")
        else usual(path, query)
    )
    run("--diff", old, new, "--out", tmp_path / "out")
    assert "| Memory in use | data | `drawn` | `no data, and should have some` |" in (tmp_path / "out/summary.md").read_text()


def test_recordings_are_drawn_again_without_a_service(run, service, old, new, tmp_path):
    assert run("--bundle", old, "--out", tmp_path / "first") == 0
    service.answer = (503, "gone")
    assert run("--bundle", old, "--recorded", tmp_path / "first", "--out", tmp_path / "again", given=[]) == 0
    for path in (tmp_path / "first/dashboards").iterdir():
        sides = frames(path), frames(tmp_path / "again/dashboards" / path.name)
        for side in sides:
            for line in side.values():
                line.pop("asked")
        assert sides[0] == sides[1]
    assert run("--diff", old, new, "--recorded", tmp_path / "first", "--out", tmp_path / "out", given=[]) == 0
    made = frames(tmp_path / f"out/dashboards/{UID}.html")
    assert [line["error"].partition(":")[0] for line in made.values() if line["error"]] == ["not recorded"]  # the changed query
    assert "| data |" not in (tmp_path / "out/summary.md").read_text()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--diff", "OLD", "NEW"], "give --out DIR"),
        (["--diff", "OLD", "NEW", "--out", "x", "--serve"], "no --serve"),
        (["--diff", "OLD", "/none", "--out", "x"], "manifest.json: cannot be read"),
        (["--bundle", "OLD", "--diff", "OLD", "NEW", "--out", "x"], "--bundle DIR, or --diff OLD NEW"),
        (["--out", "x"], "--bundle DIR, or --diff OLD NEW"),
        (["--bundle", "OLD", "--recorded", "/none", "--out", "x"], "--recorded /none: cannot be read"),
        (["--bundle", "OLD", "--recorded", "TAPE", "--serve"], "shows live data"),
        (["--bundle", "OLD", "--recorded", "TAPE", "--since", "6h", "--out", "x"], "its own time"),
        (["--bundle", "OLD", "--recorded", "TAPE", "--prometheus", "http://x", "--out", "x"], "one or the other"),
        (["--bundle", "OLD", "--recorded", "DAMAGED", "--out", "x"], "is damaged"),
    ],
)
def test_wrong_options(run, old, new, tmp_path, monkeypatch, capsys, words, problem):
    monkeypatch.chdir(tmp_path)
    tape.Tape().write(tmp_path / "tape.gz")
    (tmp_path / "damaged.gz").write_bytes(gzip.compress(b'{"format": 1, "windows": {"u": [1]}}'))
    names = {"OLD": old, "NEW": new, "TAPE": tmp_path / "tape.gz", "DAMAGED": tmp_path / "damaged.gz"}
    assert run(*(names.get(word, word) for word in words), given=[]) == 1
    assert problem in capsys.readouterr().err


@pytest.mark.skipif(not chromium.PROGRAM, reason="Chromium is not installed (apt-get install chromium)")
def test_pages_in_the_browser(run, old, new, tmp_path, monkeypatch, capsys):
    monkeypatch.undo()
    monkeypatch.setenv("OBSERVATORY_USERNAME", "reader")
    assert run("--diff", old, new, "--out", tmp_path / "out") == 0
    browser = chromium.Browser()
    try:
        browser.open(f"file://{tmp_path}/out/index.html")
        href = browser.value('document.querySelector(".card .hits a").getAttribute("href")')
        assert browser.problems() == [] and href.startswith(f"dashboards/{UID}.html#pair-")
        browser.open(f"file://{tmp_path}/out/{href}")
        assert browser.value('[...document.querySelectorAll(".panel")].filter((panel) => panel.dataset.state !== "drawn").length') == 0
        assert browser.value('document.querySelectorAll(".panel .chart canvas").length') == 5
        assert browser.value('document.querySelector(".absent").innerText') == "not there any more"
        assert "node_other" in browser.value('[...document.querySelectorAll(".changes ins")].map((one) => one.innerText).join()')
        assert (browser.problems(), browser.value("observatory.errors")) == ([], [])
    finally:
        browser.close()

"""The bundle: whole, the same twice, all or nothing; what is damaged is told."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from example_content import content

from dashboards import checks, load, render
from dashboards.estate import Estate
from dashboards.model import ContentError

ESTATE = Estate("lab", ("eu", "us"), ("observatory", "shop"), ("web", "platform"))
FILES = render.bundle(content(), ESTATE)


def tree(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_every_file_and_nothing_else():
    kinds = {file.path: (file.kind, file.owner) for file in FILES}
    assert list(kinds) == sorted(kinds)
    assert kinds["prometheus/rules/shop.yml"] == ("prometheus_rules", "shop") and kinds["prometheus/tests/shop.yml"] == ("prometheus_tests",
                                                                                                                         "shop")
    assert kinds["loki/rules/shop.yml"] == ("loki_rules", "shop") and kinds["loki/tests/shop.json"] == ("loki_tests", "shop")
    assert kinds["grafana/dashboards/psf-shop-overview.json"] == ("grafana_dashboard", "shop") and kinds["runbooks/shop.md"] == ("runbook",
                                                                                                                                 "shop")
    assert {"alertmanager/inhibit_rules.yml", "queries.json", "pages/index.html", "pages/runbooks/shop.html",
            "pages/dashboards/psf-shop-overview.html"} <= set(kinds)


def test_equal_input_gives_equal_bytes(tmp_path):
    for name in ("one", "two"):
        assert render.write(render.bundle(content(), ESTATE), ESTATE, tmp_path / name)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_the_real_bundle_is_the_same_twice(bundle):
    everything = load.everything()
    assert bundle == {file.path: file.text for file in render.bundle(everything, checks.everywhere(everything))}


def test_manifest(tmp_path):
    render.write(FILES, ESTATE, tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle/manifest.json").read_text())
    assert (manifest["format"], manifest["environment"]) == (1, "lab")
    files = tree(tmp_path / "bundle")
    assert {row["path"]: row["sha256"] for row in manifest["files"]} == {
        path: hashlib.sha256(data).hexdigest() for path, data in files.items() if path != "manifest.json"}


def test_a_second_write_changes_nothing(tmp_path):
    out = tmp_path / "bundle"
    assert render.write(FILES, ESTATE, out) is True
    before = out.stat().st_ino
    assert render.write(FILES, ESTATE, out) is False and out.stat().st_ino == before
    (out / "runbooks/shop.md").write_text("changed by hand")
    assert render.write(FILES, ESTATE, out) is True and render.damaged(out) == []


def test_what_is_gone_goes(tmp_path):
    out = tmp_path / "bundle"
    render.write(FILES, ESTATE, out)
    render.write(FILES[:-1], ESTATE, out)
    assert not (out / FILES[-1].path).exists() and [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize("broken", ["write_text", "rename"])
def test_all_or_nothing(tmp_path, monkeypatch, broken):
    out = tmp_path / "bundle"
    render.write(FILES, ESTATE, out)
    before = tree(out)
    calls = []

    def full(*arguments, **options):
        calls.append(arguments)
        if len(calls) == (5 if broken == "write_text" else 2):
            raise OSError(28, "No space left on device")
        return real(*arguments, **options)
    target = Path if broken == "write_text" else render.os
    if broken == "rename":  # a kernel that cannot have two directories take each other's place
        monkeypatch.setattr(render.ctypes, "CDLL", lambda *_arguments, **_options: object())
    real = getattr(target, broken)
    monkeypatch.setattr(target, broken, full)
    with pytest.raises(OSError, match="No space left"):
        render.write([replace(file, text=file.text + "\n") for file in FILES], ESTATE, out)
    monkeypatch.undo()
    assert tree(out) == before and [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.skipif(not hasattr(render.ctypes.CDLL(None), "renameat2"), reason="Linux has the exchange")
def test_no_moment_is_without_a_bundle(tmp_path, monkeypatch):
    out = tmp_path / "bundle"
    render.write(FILES, ESTATE, out)
    monkeypatch.setattr(render.os, "rename", lambda *arguments: pytest.fail(f"a step between two moves: {arguments}"))
    assert render.write(FILES[:-1], ESTATE, out) and render.damaged(out) == []
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_without_an_exchange_the_new_one_takes_the_place_all_the_same(tmp_path, monkeypatch):
    out = tmp_path / "bundle"
    render.write(FILES, ESTATE, out)
    monkeypatch.setattr(render.ctypes, "CDLL", lambda *_arguments, **_options: object())
    assert render.write(FILES[:-1], ESTATE, out) and render.damaged(out) == []
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_directory_that_is_no_bundle_is_not_touched(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ContentError, match="is there and is not a bundle; give another --out"):
        render.write(FILES, ESTATE, tmp_path)
    assert tree(tmp_path) == {"notes.txt": b"mine"}
    (tmp_path / "empty").mkdir()
    assert render.write(FILES, ESTATE, tmp_path / "empty")


def test_damage_is_told(tmp_path):
    out = tmp_path / "bundle"
    render.write(FILES, ESTATE, out)
    (out / "runbooks/shop.md").unlink()
    (out / "extra.txt").write_text("x")
    (out / "queries.json").write_text("[]")
    assert render.damaged(out) == ["runbooks/shop.md is missing", "extra.txt is not in the manifest",
                                   "queries.json is not what the manifest says"]
    with pytest.raises(ContentError, match="manifest.json: cannot be read"):
        render.damaged(tmp_path)


def test_systems_that_are_absent_leave_no_trace(bundle):
    everything = load.everything()
    only = render.bundle(everything, replace(checks.everywhere(everything), systems=("node",)))
    assert {file.owner for file in only} <= {"node", "observatory"}
    assert not [file.path for file in only if "loki/rules" in file.path and "node" not in file.path] and len(only) < len(bundle)


@pytest.mark.parametrize(("estate", "says"), [
    (replace(ESTATE, systems=("shop", "nosuch")), "there is no folder dashboards/systems/nosuch"),
    (replace(ESTATE, owners=("platform",)), "owner 'web' is not known to the estate"),
    (replace(ESTATE, thresholds={"nosuch": {"x": 1.0}}), "estate: thresholds: there is no system nosuch"),
    (replace(ESTATE, thresholds={"shop": {"length": 1.0}}), "length is not a threshold of this system"),
])
def test_an_estate_that_does_not_fit_is_refused(estate, says):
    with pytest.raises(ContentError, match=says):
        render.bundle(content(), estate)


def test_queries_are_ready_to_run(bundle):
    rows = json.loads(bundle["queries.json"])
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert set(row) >= {"id", "owner", "dashboard", "panel", "title", "datasource", "expr", "instant", "may_be_empty"}
        assert row["datasource"] in ("prometheus", "loki", "jaeger")
        if row["datasource"] != "jaeger":  # a service may be the choice of a variable
            assert not re.search(r"\$(?:__|\{|[a-z]\w*)", row["expr"]), row
        assert row["may_be_empty"] is None or len(row["may_be_empty"]) > 10


def test_one_query_of_a_panel_may_be_empty_for_its_own_reason(bundle):
    reasons = {row["id"]: row["may_be_empty"] for row in json.loads(bundle["queries.json"])}
    panel = "psf-otel_collector-overview/batch-reason/"
    assert "full" in reasons[panel + "A"] and reasons[panel + "B"] is None

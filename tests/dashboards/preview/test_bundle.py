"""Reading a bundle: every dashboard that we render, and errors that say what is wrong."""

from __future__ import annotations

import json
import shutil

import pytest

from dashboards import naming
from dashboards.model import ContentError
from dashboards.preview import bundle as bundles


def test_every_dashboard_is_read_the_landing_page_first(directory, bundle):
    assert next(iter(bundle.boards)) == naming.LANDING
    assert {f"{uid}.json" for uid in bundle.boards} == {path.name for path in (directory / "grafana/dashboards").iterdir()}
    for board in bundle.boards.values():
        raw = json.loads((directory / "grafana/dashboards" / f"{board.uid}.json").read_text())
        wanted = [inner["id"] for panel in raw["panels"] for inner in [panel, *panel.get("panels", ())] if inner["type"] != "row"]
        assert sorted(board.panels) == sorted(wanted)
        json.dumps(bundles.spec(board, bundle))


def test_a_panel_knows_its_alerts_its_runbook_and_why_it_may_be_empty(bundle):
    specs = [bundles.spec(board, bundle) for board in bundle.boards.values()]
    panels = [panel for spec in specs for row in spec["rows"] for panel in row["panels"]]
    assert any(panel["alerts"] for panel in panels) and any(panel["reason"] for panel in panels)
    assert not any("Alerts:" in panel["description"] for panel in panels)
    assert all(spec["runbook"] in bundle.runbooks for spec in specs if spec["runbook"])


def test_text_lets_no_html_through(bundle):
    board = next(iter(bundle.boards.values()))
    raw = {
        **board.data,
        "panels": [
            {
                "type": "text",
                "id": 1,
                "title": "T",
                "gridPos": {"x": 0, "y": 0, "w": 1, "h": 1},
                "options": {"content": "# Hi <script>alert(1)</script> [x](javascript:alert(1))"},
            }
        ],
    }
    html = bundles.spec(bundles.board(raw, "x", {}, "f"), bundle)["rows"][0]["panels"][0]["html"]
    assert "<h1>" in html and "<script" not in html and "href" not in html


@pytest.fixture
def broken(directory, tmp_path):
    shutil.copytree(directory, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_no_bundle(tmp_path):
    with pytest.raises(ContentError, match="manifest.json: cannot be read"):
        bundles.read(tmp_path)


def test_a_missing_file(broken):
    (broken / "grafana/dashboards" / f"{naming.LANDING}.json").unlink()
    with pytest.raises(ContentError, match=f"{naming.LANDING}.json: cannot be read.*render"):
        bundles.read(broken)


def test_a_newer_format(broken):
    (broken / "manifest.json").write_text(json.dumps({"format": 2, "files": []}))
    with pytest.raises(ContentError, match="format: 2 is not 1"):
        bundles.read(broken)


def change(broken, **more):
    path = broken / "grafana/dashboards" / f"{naming.LANDING}.json"
    data = json.loads(path.read_text())
    data |= more
    path.write_text(json.dumps(data))


def test_two_dashboards_of_one_uid(broken):
    change(broken, uid="psf-node-overview")
    with pytest.raises(ContentError, match="psf-node-overview is that of another"):
        bundles.read(broken)


def test_an_unknown_panel(broken):
    change(broken, panels=[{"type": "piechart", "id": 1, "title": "Pie", "gridPos": {}}])
    with pytest.raises(ContentError, match="panel 'Pie': type 'piechart' cannot be drawn; known are timeseries"):
        bundles.read(broken)


def test_a_variable_of_another_kind(broken):
    change(broken, templating={"list": [{"type": "query", "name": "x", "query": "metrics(a)"}]})
    with pytest.raises(ContentError, match=r"variable x: 'metrics\(a\)' is not label_values"):
        bundles.read(broken)


def test_truncated_json(broken):
    path = broken / "grafana/dashboards" / f"{naming.LANDING}.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(ContentError, match="is not JSON"):
        bundles.read(broken)

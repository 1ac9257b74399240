"""The estate file: every refusal names the key, and says what would be right."""

from __future__ import annotations

import json

import pytest

from dashboards import estate
from dashboards.model import ContentError

GOOD = {"format": 1, "environment": "lab", "regions": ["eu", "us"], "systems": ["node"], "owners": ["platform"],
        "thresholds": {"node": {"filesystem_free": 0.1}}, "urls": {"pages": None, "grafana": "https://grafana.example/"},
        "scrape_interval": "15s", "evaluation_interval": "1m", "slo_period": "30d"}


def test_read():
    found = estate.parse(GOOD, "estate.json")
    assert (found.regions, found.systems, found.owners) == (("eu", "us"), ("node",), ("platform",))
    assert (found.pages, found.grafana) == ("", "https://grafana.example"), "no slash at the end"
    assert found.thresholds == {"node": {"filesystem_free": 0.1}} and found.evaluation_interval == "1m"


def test_what_may_be_left_out():
    found = estate.parse({key: GOOD[key] for key in ("format", "environment", "regions", "systems", "owners")}, "estate.json")
    assert (found.scrape_interval, found.slo_period, found.pages, found.thresholds) == ("15s", "30d", "", {})


@pytest.mark.parametrize(("change", "says"), [
    ({"format": 2}, "estate.json: format: 2 is not 1"),
    ({"format": None}, "estate.json: format: None is not 1"),
    ({"colour": "blue"}, "estate.json: unknown keys colour; known are format, environment"),
    ({"regions": []}, "estate.json: regions: must be a list of at least one name"),
    ({"systems": "node"}, "estate.json: systems: must be a list"),
    ({"owners": [1]}, "estate.json: owners: must be a list"),
    ({"environment": ""}, "estate.json: environment: must be a name"),
    ({"environment": 5}, "estate.json: environment: must be a name"),
    ({"urls": {"wiki": "https://x.example"}}, "estate.json: urls.wiki: unknown; known are pages, grafana"),
    ({"urls": {"pages": "ftp://x.example"}}, "estate.json: urls.pages: 'ftp://x.example' is not an http"),
    ({"urls": {"pages": "/relative"}}, "estate.json: urls.pages: '/relative' is not an http"),
    ({"urls": {"grafana": "https://x.example/a b"}}, "estate.json: urls.grafana: 'https://x.example/a b' is not an http"),
    ({"urls": ["https://x.example"]}, "estate.json: urls: must be an object"),
    ({"thresholds": []}, "estate.json: thresholds: must be an object"),
    ({"thresholds": {"node": {"free": float("inf")}}}, "estate.json: thresholds.node.free: inf is not a number"),
    ({"thresholds": {"node": {"free": float("nan")}}}, "estate.json: thresholds.node.free: nan is not a number"),
    ({"scrape_interval": 15}, "estate.json: scrape_interval: 15 is not a duration"),
    ({"thresholds": {"node": 5}}, "estate.json: thresholds.node: must map threshold ids to numbers"),
    ({"thresholds": {"node": {"free": "0.1"}}}, "estate.json: thresholds.node.free: '0.1' is not a number"),
    ({"thresholds": {"node": {"free": True}}}, "estate.json: thresholds.node.free: True is not a number"),
    ({"scrape_interval": "15"}, "estate.json: scrape_interval: '15' is not a duration such as 15s"),
    ({"slo_period": "month"}, "estate.json: slo_period: 'month' is not a duration"),
])
def test_refused(change, says):
    with pytest.raises(ContentError) as caught:
        estate.parse({**GOOD, **change}, "estate.json")
    assert str(caught.value).startswith(says)


def test_files(tmp_path):
    path = tmp_path / "estate.json"
    with pytest.raises(ContentError, match="cannot be read: No such file"):
        estate.read(path)
    path.write_text("{")
    with pytest.raises(ContentError, match="is not JSON"):
        estate.read(path)
    path.write_text("[" * 100_000)
    with pytest.raises(ContentError, match="is not JSON"):
        estate.read(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ContentError, match="is not UTF-8"):
        estate.read(path)
    path.write_text("[]")
    with pytest.raises(ContentError, match="must be an object"):
        estate.read(path)
    path.write_text(json.dumps(GOOD))
    assert estate.read(path) == estate.parse(GOOD, "x")


@pytest.mark.parametrize(("text", "value"), [("500ms", 0.5), ("15s", 15), ("2m", 120), ("1h", 3600), ("7d", 604800), ("4w", 2419200)])
def test_seconds(text, value):
    assert estate.seconds(text, "x") == value

"""Grafana's JSON of every kind of panel, and what ties a dashboard together: variables, links, exemplars, thresholds of alerts."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from example_content import LATENCY, QUEUE, RATE, content, dashboard

from dashboards import checks, grafana, naming, panels
from dashboards.model import Kind, Variable

PROM = panels.prom("shop_queue", "{{host}}")
INSTANT = panels.prom("shop_queue", "Waiting", instant=True)
KINDS = {
    "timeseries": panels.timeseries("x", "X", "A graph.", "bytes", PROM, stack=True, min=0, max=5, decimals=1, calcs=("mean", "max")),
    "stat": panels.stat("x", "X", "A number.", "short", INSTANT, values=panels.UP_DOWN, calc="max"),
    "gauge": panels.gauge("x", "X", "A gauge.", "percentunit", INSTANT, min=0, max=1, steps=((None, "green"), (0.9, "red"))),
    "bargauge": panels.bargauge("x", "X", "Bars.", "short", INSTANT),
    "table": panels.table("x", "X", "A table.", "short", INSTANT, columns={"host": "Host"}, hide=("instance",), units={"Waiting": "s"},
                          links={"Host": ("Go", "/d/psf-shop-overview")}),
    "heatmap": panels.heatmap("x", "X", "Buckets.", "s", panels.prom("sum by (le) (rate(shop_latency_seconds_bucket[$__rate_interval]))",
                                                                     "{{le}}")),
    "state-timeline": panels.states("x", "X", "States.", panels.prom("up")),
    "logs": panels.logs("x", "X", "Lines.", '{service_name="shop"}'),
    "traces": panels.traces("x", "X", "Traces.", "shop"),
    "nodeGraph": panels.service_graph("x", "X", "Who calls whom."),
    "text": panels.text("x", "X", "Words.", "# Hello"),
}


def made(*more, **changes):
    return checks.rendered(content(dashboards=(dashboard(*more, **changes),)))[-1].data


def by_key(data, key):
    number = naming.panel_id(key)
    every = [inner for panel in data["panels"] for inner in (panel, *panel.get("panels", ()))]
    return next(panel for panel in every if panel["id"] == number)


def test_every_kind_has_an_example():
    assert set(KINDS) == set(get_args(Kind)) and {panel.kind for panel in KINDS.values()} == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_shape(kind):
    panel = by_key(made(KINDS[kind]), "x")
    assert (panel["type"], panel["title"]) == (kind, "X") and panel["description"].endswith(".")
    assert set(panel["gridPos"]) == {"x", "y", "w", "h"} and set(panel["fieldConfig"]) == {"defaults", "overrides"}
    for target in panel["targets"]:
        assert target["refId"] == "A" and target["datasource"]["uid"] == f"${{{target['datasource']['type']}}}"
    assert bool(panel["targets"]) == (kind != "text")


def test_timeseries():
    panel = by_key(made(KINDS["timeseries"]), "x")
    defaults = panel["fieldConfig"]["defaults"]
    assert (defaults["unit"], defaults["min"], defaults["max"], defaults["decimals"]) == ("bytes", 0, 5, 1)
    assert defaults["custom"]["stacking"]["mode"] == "normal" and panel["options"]["legend"]["calcs"] == ["mean", "max"]
    target = panel["targets"][0]
    assert (target["range"], target["instant"], target["legendFormat"]) == (True, False, "{{host}}")


def test_stat_and_gauge():
    data = made(KINDS["stat"], replace(KINDS["gauge"], key="y"))
    stat = by_key(data, "x")
    assert stat["options"]["reduceOptions"]["calcs"] == ["max"]
    assert stat["fieldConfig"]["defaults"]["mappings"][0]["options"]["0"] == {"text": "down", "color": "red", "index": 1} or len(
        stat["fieldConfig"]["defaults"]["mappings"]) == 2
    assert by_key(data, "y")["fieldConfig"]["defaults"]["thresholds"]["steps"] == [{"value": None, "color": "green"},
                                                                                   {"value": 0.9, "color": "red"}]


def test_table():
    panel = by_key(made(KINDS["table"]), "x")
    organize = next(row for row in panel["transformations"] if row["id"] == "organize")["options"]
    assert organize["renameByName"] == {"host": "Host", "Value": "Waiting"} and organize["excludeByName"]["instance"] is True
    assert panel["targets"][0]["format"] == "table" and panel["targets"][0]["instant"] is True
    properties = {row["matcher"]["options"]: row["properties"][0] for row in panel["fieldConfig"]["overrides"]}
    assert properties["Waiting"] == {"id": "unit", "value": "s"} and properties["Host"]["value"][0]["url"] == "/d/psf-shop-overview"


def test_lines_traces_graph_and_text():
    logs = by_key(made(KINDS["logs"]), "x")["targets"][0]
    assert logs["expr"] == '{service_name="shop", region=~"$region"}' and logs["queryType"] == "range"
    assert by_key(made(KINDS["traces"]), "x")["targets"][0]["service"] == "shop"
    assert by_key(made(KINDS["nodeGraph"]), "x")["targets"][0]["queryType"] == "dependencyGraph"
    assert by_key(made(KINDS["text"]), "x")["options"] == {"mode": "markdown", "content": "# Hello"}


def test_exemplars_on_latency_of_buckets_only():
    data = made()
    assert by_key(data, "latency")["targets"][0]["exemplar"] is True
    assert "exemplar" not in by_key(data, "rate")["targets"][0]


def test_rates_and_latencies_lead_to_lines_and_traces():
    data = made()
    for key in ("rate", "latency"):
        links = by_key(data, key)["fieldConfig"]["defaults"]["links"]
        assert [link["title"] for link in links] == ["Logs of this time", "Traces of this time"]
        assert all(link["url"].startswith("/d/psf-shop-overview?viewPanel=") for link in links)
    assert by_key(data, "queue")["fieldConfig"]["defaults"]["links"] == []


def test_queries_are_narrowed_to_the_choice():
    data = made()
    assert by_key(data, "rate")["targets"][0]["expr"] == RATE.replace(
        "shop_requests_total", 'shop_requests_total{region=~"$region", instance=~"$instance"}')
    assert 'shop_latency_seconds_bucket{region=~"$region", instance=~"$instance"}' in by_key(data,
                                                                                             "latency")["targets"][0]["expr"] and LATENCY


def test_an_alert_is_drawn_on_its_panel():
    panel = by_key(made(), "queue")
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:] == [{"value": 10, "color": "orange"}]
    assert panel["description"].endswith(f"Alerts: {QUEUE.name}")


def test_variables_narrow_those_after_them():
    data = made(variables=(Variable("code", "code", "shop_requests_total", "Code"),))
    rows = {row["name"]: row for row in data["templating"]["list"]}
    assert list(rows) == ["prometheus", "loki", "jaeger", "region", "code", "instance"]
    assert rows["code"]["query"]["query"] == 'label_values(shop_requests_total{region=~"$region"}, code)'
    assert rows["region"]["includeAll"] is True and rows["region"]["multi"] is True
    assert "code=~\"$code\"" in by_key(data, "rate")["targets"][0]["expr"] and "$code" not in by_key(data, "queue")["targets"][0]["expr"]


def test_panels_keep_their_numbers_when_others_come():
    before, after = made(), made(KINDS["stat"])
    assert by_key(before, "queue")["id"] == by_key(after, "queue")["id"]


def test_places_do_not_overlap():
    cells = set()
    for panel in made(*(replace(KINDS["timeseries"], key=f"k-{number}", width=width) for number,
                        width in enumerate((8, 12, 24, 4, 4)))).get("panels"):
        place = panel["gridPos"]
        own = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not own & cells, panel["title"]
        cells |= own


def test_a_collapsed_row_holds_its_panels():
    row = next(panel for panel in made()["panels"] if panel["title"] == "Runbook")
    assert row["collapsed"] is True and [panel["type"] for panel in row["panels"]] == ["text"]


def test_frame():
    data = made()
    assert (data["schemaVersion"], data["graphTooltip"], data["editable"], data["uid"]) == (42, 1, False, "psf-shop-overview")
    assert data["tags"] == ["psf", "shop"] and 'ALERTS{system="shop"' in data["annotations"]["list"][0]["expr"]
    assert grafana.dump(data) == grafana.dump(made())


def test_panels_stand_as_high_as_they_can_and_on_nothing():
    """Grafana moves a panel up until it meets another: what is declared is what is seen."""
    sizes = ((4, 4), (4, 4), (8, 8), (8, 8), (8, 6), (16, 4), (24, 3), (12, 5))
    data = made(*(panels.timeseries(f"p{index}", "P", "A graph.", "short", PROM, width=wide, height=high)
                  for index, (wide, high) in enumerate(sizes)))
    spots = [by_key(data, f"p{index}")["gridPos"] for index in range(len(sizes))]
    taken = [{(x, y) for x in range(spot["x"], spot["x"] + spot["w"]) for y in range(spot["y"], spot["y"] + spot["h"])} for spot in spots]
    assert len(set.union(*taken)) == sum(map(len, taken))
    top = min(spot["y"] for spot in spots)
    for spot in spots:
        above = {(x, spot["y"] - 1) for x in range(spot["x"], spot["x"] + spot["w"])}
        assert spot["y"] == top or above & set.union(*taken), spot

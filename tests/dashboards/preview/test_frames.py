"""Answers of the services as what is drawn; tables are joined as Grafana joins them."""

from __future__ import annotations

import math

import pytest
from doubles import Double
from hypothesis import given
from hypothesis import strategies as st

from dashboards.preview import frames
from dashboards.preview.bundle import Panel, Target
from dashboards.preview.queries import Window

AT = Window(1200, 1320, 60)
RANGE, INSTANT = Target("A", "prometheus", "range", "e"), Target("A", "prometheus", "instant", "e")


def panel(kind="timeseries", **data):
    return Panel(1, kind, "P", data, ())


def matrix(*rows):
    return {"resultType": "matrix", "result": [{"metric": labels, "values": values} for labels, values in rows]}


def vector(*rows):
    return {"resultType": "vector", "result": [{"metric": labels, "value": [1320, value]} for labels, value in rows]}


def test_samples_find_their_place_and_gaps_stay_gaps():
    made = frames.frame(panel(), [(RANGE, matrix(({"a": "1"}, [[1200, "1"], [1320.001, "3"], [5000, "9"]])))], AT)
    assert made["series"][0]["values"] == [1, None, 3]
    assert not made["empty"]


def test_what_cannot_be_drawn_is_no_value():
    made = frames.frame(panel(), [(RANGE, matrix(({}, [[1200, "NaN"], [1260, "+Inf"]])))], AT)
    assert made["series"][0]["values"] == [None, None, None]
    assert made["empty"]


def test_names_of_series():
    rows = [{"__name__": "up", "job": "x", "instance": "a"}, {"__name__": "up", "job": "x", "instance": "b"}]
    assert frames.legend(rows[0], "{{job}} {{ instance }} {{none}}") == "x a"
    assert frames.legend(rows[0], "__auto", rows) == 'up{instance="a"}'
    assert frames.legend({}, "__auto") == "value"
    assert sorted(["p95", "p5", "p50", "p9"], key=frames.natural) == ["p5", "p9", "p50", "p95"]


@given(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=8))
def test_reducers(values):
    there = [value for value in values if value is not None]
    assert frames.reduce(values, "lastNotNull") == (there[-1] if there else None)
    assert frames.reduce(values, "max") == (max(there) if there else None)
    assert frames.reduce(values, "mean") == (pytest.approx(math.fsum(there) / len(there), rel=1e-5, abs=1e-9) if there else None)
    assert frames.reduce(values, "count") == len(there)


def test_buckets_are_taken_apart():
    rows = [({"le": le}, [[1200, value]]) for le, value in (("+Inf", "10"), ("0.1", "2"), ("1", "9"), ("5", "9"))]
    made = frames.frame(panel("heatmap"), [(RANGE, matrix(*rows))], AT)
    assert made["bounds"] == ["0.1", "1", "5", "+Inf"]
    assert [row[0] for row in made["values"]] == [2, 7, 0, 1]


def transformed(*titles, hide=()):
    return [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {"excludeByName": {"Time": True, "__name__": True, **dict.fromkeys(hide, True)}, "renameByName": dict(titles)},
        },
    ]


def test_tables_are_joined_and_named():
    table = panel(
        "table",
        transformations=transformed(("Value #A", "Up"), ("Value #B", "Targets"), ("system", "System")),
        fieldConfig={
            "defaults": {"unit": "percentunit"},
            "overrides": [{"matcher": {"id": "byName", "options": "Targets"}, "properties": [{"id": "unit", "value": "short"}]}],
        },
    )
    other = Target("B", "prometheus", "instant", "e")
    made = frames.frame(
        table, [(INSTANT, vector(({"system": "x"}, "1"), ({"system": "y"}, "0.5"))), (other, vector(({"system": "y"}, "4")))], AT
    )
    assert [(column["name"], column.get("unit")) for column in made["columns"]] == [
        ("System", None),
        ("Up", "percentunit"),
        ("Targets", "short"),
    ]
    assert made["rows"] == [["x", 1, None], ["y", 0.5, 4]]


def test_rows_that_differ_in_a_column_of_both_stay_apart_as_in_grafana():
    first, second = Target("A", "prometheus", "instant", "e"), Target("B", "prometheus", "instant", "e")
    answers = [(first, vector(({"__name__": "a_info", "host": "h"}, "1"))), (second, vector(({"__name__": "b_info", "host": "h"}, "2")))]
    assert len(frames.frame(panel("table", transformations=transformed()), answers, AT)["rows"]) == 2


@given(st.lists(st.lists(st.fixed_dictionaries({"h": st.sampled_from("xy"), "r": st.sampled_from("pq")}), max_size=4), max_size=3))
def test_merging_loses_no_value(parts):
    columns = [
        (["Time", "h", "r", f"Value #{i}"], [{"Time": 1, **labels, f"Value #{i}": i * 10 + n} for n, labels in enumerate(rows)])
        for i, rows in enumerate(parts)
    ]
    made = frames.merge(columns)
    values = {value for row in made for key, value in row.items() if key.startswith("Value")}
    assert values == {row[f"Value #{i}"] for i, (_names, rows) in enumerate(columns) for row in rows}


def test_a_row_that_fits_several_is_put_into_each():
    first, second = Target("A", "prometheus", "instant", "e"), Target("B", "prometheus", "instant", "e")
    answers = [
        (first, vector(({"host": "h", "group": "x"}, "1"), ({"host": "h", "group": "y"}, "2"))),
        (second, vector(({"host": "h"}, "3"))),
    ]
    assert frames.frame(panel("table", transformations=transformed()), answers, AT)["rows"] == [["x", "h", 1, 3], ["y", "h", 2, 3]]


def test_columns_stand_as_they_are_ordered_and_have_their_own_colors():
    steps = {"id": "thresholds", "value": {"steps": [{"value": None, "color": "red"}]}}
    ordered = transformed(("b", "Second"), ("Value", "Number"))
    ordered[1]["options"]["indexByName"] = {"Value": 0, "b": 1}
    table = panel(
        "table",
        transformations=ordered,
        fieldConfig={"defaults": {}, "overrides": [{"matcher": {"id": "byName", "options": "Number"}, "properties": [steps]}]},
    )
    made = frames.frame(table, [(INSTANT, vector(({"a": "x", "b": "y"}, "1")))], AT)
    assert [column["name"] for column in made["columns"]] == ["Number", "Second", "a"]
    assert made["rows"] == [[1, "y", "x"]]
    assert made["columns"][0]["thresholds"] == steps["value"] and "thresholds" not in made["columns"][1]


def test_lines_are_the_latest_first():
    answer = {
        "result": [
            {"stream": {"level": "a"}, "values": [["1000000000", "old"]]},
            {"stream": {}, "values": [["3000000000", "new"], ["2000000000", "mid"]]},
        ]
    }
    made = frames.frame(panel("logs"), [(RANGE, answer)], AT)
    assert [line["line"] for line in made["lines"]] == ["new", "mid", "old"]
    assert made["lines"][2]["t"] == 1000


def test_a_trace_is_a_tree():
    made = frames.trace(Double.trace("web", 10_000))
    assert [(row[0], row[1], row[4], row[5]) for row in made["spans"]] == [
        ("web", "GET /", 0, False),
        ("catalog", "Get", 1, False),
        ("catalog", "query", 2, True),
    ]
    assert (made["duration"], made["errors"], made["count"]) == (0.005, 1, 3)


def test_a_span_whose_parent_is_missing_is_shown():
    data = Double.trace("web", 10_000)
    data["spans"][1]["references"] = [{"refType": "CHILD_OF", "spanID": "gone"}]
    assert len(frames.trace(data)["spans"]) == 3


def test_who_calls_whom():
    made = frames.frame(panel("nodeGraph"), [(RANGE, [{"parent": "b", "child": "a", "callCount": 3}])], AT)
    assert made["nodes"] == ["a", "b"]
    assert frames.frame(panel("nodeGraph"), [(RANGE, [])], AT)["empty"]


def test_when_an_alert_fired():
    at = Window(0, 600, 60)
    answer = matrix(
        ({"alertname": "A", "severity": "critical"}, [[0, "1"], [60, "1"], [300, "1"], [360, "1"]]),
        ({"alertname": "B", "severity": "info"}, [[600, "1"]]),
    )
    found = frames.alerts(answer, at)
    assert found["A"] == {"severity": "critical", "firing": 0, "spans": [[0, 60], [300, 360]]}
    assert found["B"]["firing"] == 1

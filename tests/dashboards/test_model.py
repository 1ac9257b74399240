"""Declarations refuse what is wrong when they are made, and say what would be right."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from example_content import FATAL, QUEUE, SYSTEM, dashboard, panel

from dashboards import panels
from dashboards.model import ContentError, Dashboard, LogProof, Metric, Proof, Threshold


@pytest.mark.parametrize(("make", "says"), [
    (lambda: Metric("x", "counter", "", "y"), "metric x: needs a unit and a help text"),
    (lambda: Metric("x", "counter", "y", ""), "metric x: needs a unit and a help text"),
    (lambda: Metric("x", "counter", "y", "z", ("job", "code")), r"metric x: labels \['job'\] are those of every target"),
    (lambda: Threshold("Big", 1, "x", "y"), "threshold 'Big': an id is lower case"),
    (lambda: Threshold("big", 1, "", "y"), "threshold big: needs a unit and a meaning"),
    (lambda: LogProof({"a": "b"}, (), ("x",)), "needs lines that fire and lines that stay silent"),
    (lambda: replace(QUEUE, name="shop_queue_long"), "alert shop_queue_long: a name is in CamelCase"),
    (lambda: replace(QUEUE, severity="page"), "severity 'page' is not one of critical, warning, info"),
    (lambda: replace(QUEUE, severity="info", summary="The valueless queue humanizes"), r"summary must say the value"),
    (lambda: replace(FATAL, elsewhere=True), "only Prometheus can tell other regions"),
    (lambda: replace(QUEUE, summary="Too long"), r"summary must say the value \(\{\{ \$value \}\}\)"),
    (lambda: replace(QUEUE, description=""), "needs a description"),
    (lambda: replace(QUEUE, panel="queue"), "panel is '<dashboard key>/<panel key>'"),
    (lambda: replace(QUEUE, source="loki"), "a Loki alert needs a LogProof"),
    (lambda: replace(FATAL, proof=Proof({}, {})), "a Loki alert needs a LogProof"),
    (lambda: panel("up", "Big Key"), "panel Big Key: a key is lower case"),
    (lambda: replace(panel("up"), title=""), "panel extra: needs a title and a description"),
    (lambda: replace(panel("up"), unit=""), r"panel extra: needs a unit \(short, if it has none\)"),
    (lambda: replace(panel("up"), queries=()), "panel extra: needs a query"),
    (lambda: replace(panel("up"), width=25), "panel extra: width 25 is not 1 to 24"),
    (lambda: dashboard(panel("up"), panel("up")), "dashboard overview: panel keys used twice: extra"),
    (lambda: Dashboard("a_b", "x", "y", ()), "dashboard a_b: a key is lower case"),
    (lambda: Dashboard("a", "x", "y", ()), "dashboard a: needs a description and rows"),
    (lambda: replace(SYSTEM, id="My-Shop"), "system 'My-Shop': an id is lower case"),
    (lambda: replace(SYSTEM, owner=""), "system shop: needs title, owner and description"),
])
def test_refused(make, says):
    with pytest.raises(ContentError, match=says):
        make()


def test_frozen():
    for declared in (QUEUE, SYSTEM, panel("up"), dashboard()):
        with pytest.raises(FrozenInstanceError):
            declared.title = "other"


def test_series_of_a_metric():
    histogram = Metric("x_seconds", "histogram", "seconds", "y", ("code",))
    assert histogram.series() == {"x_seconds_bucket": ("code", "le"), "x_seconds_sum": ("code",), "x_seconds_count": ("code",)}
    assert all(histogram.counts(name) for name in histogram.series())
    summary = Metric("x", "summary", "seconds", "y")
    assert [summary.counts(name) for name in ("x", "x_sum", "x_count")] == [False, True, True]
    assert Metric("x_total", "counter", "x", "y").counts("x_total") and not Metric("x", "gauge", "x", "y").counts("x")


def test_what_needs_no_unit_or_query():
    assert panels.text("t", "Text", "A text.", "hello").unit == "" and panels.logs("l", "Lines", "All lines.", '{a="b"}').unit == ""

"""PromQL: what an expression uses, the labels of its result, thresholds, and selectors put into its text."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards import promql
from dashboards.model import ContentError

NAMES = ("a_total", "b_bytes", "job:c:rate5m")
KNOWN = {"a_total": {"region", "code"}, "b_bytes": {"region", "host"}, "job:c:rate5m": {"job"}}
MATCHERS = st.lists(st.sampled_from(['code="200"', 'host=~"a|b"', 'x!="}{"', 'region="eu"', "y!~'z'"]), max_size=3, unique=True)
SELECTOR = st.tuples(st.sampled_from(NAMES), MATCHERS, st.sampled_from(["", " ", ","])).map(
    lambda part: part[0] + (f"{{{','.join(part[1])}{part[2] if part[1] or part[2] != ',' else ''}}}" if part[1] else ""))
EXPRESSION = st.recursive(
    st.one_of(SELECTOR, SELECTOR.map(lambda one: f"rate({one}[$__rate_interval])"), st.sampled_from(["1", "time()"]),
              SELECTOR.map(lambda one: f"max_over_time({one}[1h] offset 5m)")),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["sum", "max by (region)", "count without (host)"]), inner).map(lambda part: f"{part[0]} ({part[1]})"),
        st.tuples(inner, st.sampled_from(["+", "/", "> bool", "* on (region) group_left (code)"]), inner).map(" ".join),
        inner.map(lambda one: f"abs({one})"), inner.map(lambda one: f'label_replace({one}, "region", "$1", "code", "(.*)")')), max_leaves=5)


def selectors(name):
    return {"region": '=~"$region"'} if "region" in KNOWN.get(name, ()) else {}


def taken(expr):
    """Some generated texts are no PromQL (a number where series must be); those say nothing here."""
    try:
        promql.parse(expr, "generated")
    except ContentError:
        return False
    return True


@given(EXPRESSION.filter(taken))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_scoped_text_parses_and_every_selector_has_the_label(expr):
    scoped = promql.scoped(expr, selectors)
    before, after = promql.use(expr, "before"), promql.use(scoped, "after")
    assert [name for name, _matchers in after.selectors] == [name for name, _matchers in before.selectors]
    for (name, old), (_name, new) in zip(before.selectors, after.selectors, strict=True):
        assert ("region" in new) == ("region" in KNOWN[name] or "region" in old)
        assert {key: value for key, value in new.items() if key in old} == old, "what was matched stays matched"
    assert promql.scoped(scoped, selectors) == scoped


@pytest.mark.parametrize(("expr", "scoped"), [
    ("a_total", 'a_total{region=~"$region"}'),
    ('a_total{code="200"}', 'a_total{code="200", region=~"$region"}'),
    ('a_total{region="eu"}', 'a_total{region="eu"}'),
    ("a_total{}", 'a_total{region=~"$region"}'),
    ("sum by (region) (rate(a_total[5m]))", 'sum by (region) (rate(a_total{region=~"$region"}[5m]))'),
    ('job:c:rate5m / 2 # a_total', "job:c:rate5m / 2 # a_total"),
    ('label_replace(b_bytes, "x", "a_total", "y", "")', 'label_replace(b_bytes{region=~"$region"}, "x", "a_total", "y", "")'),
    ("time() - b_bytes offset 5m", 'time() - b_bytes{region=~"$region"} offset 5m'),
])
def test_scoped(expr, scoped):
    assert promql.scoped(expr, selectors) == scoped


@given(st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True), st.floats(-1e12, 1e12), min_size=1, max_size=4))
def test_thresholds_are_put_in_as_numbers(values):
    expr = " + ".join(f"${name}" for name in values)
    parts = promql.thresholds(expr, values, "here").split(" + ")
    assert [float(part) for part in parts] == list(values.values())
    promql.parse("a_total > " + parts[0], "here")


def test_an_unknown_threshold_is_refused_with_those_that_are():
    with pytest.raises(ContentError, match="here: 'gone' in 'x > \\$gone' is not one of its thresholds \\(near, far\\)"):
        promql.thresholds("x > $gone", {"near": 1, "far": 2}, "here")
    with pytest.raises(ContentError, match="it has none"):
        promql.thresholds("x > $gone", {}, "here")


def test_use():
    found = promql.use('histogram_quantile(0.9, sum by (le, zone) (rate(x_bucket{a="b"}[5m]))) / on (zone) group_left (team) '
                       'label_replace(y offset 1h, "zone", "$1", "dc", "(.*)") > bool sum(z[30m:1m])'.replace("sum(z", "max_over_time(z"),
                       "here")
    assert found.names() == {"x_bucket", "y", "z"}
    assert found.functions == [("rate", "x_bucket"), ("max_over_time", "z")]
    assert found.windows == [("rate", 300.0), ("max_over_time", 1800.0)]
    assert sorted(found.ranges) == [300.0, 1800.0]
    assert not found.quantiles_without_le


def test_what_is_no_promql_says_where():
    with pytest.raises(ContentError, match=r"here: is not PromQL: .*sum\(up"):
        promql.use("sum(up", "here")


@pytest.mark.parametrize(("expr", "labels"), [
    ("a_total", {"region", "code"}), ("unknown", None), ("sum(a_total)", set()), ("sum by (region, zone) (a_total)", {"region"}),
    ("sum without (code) (a_total)", {"region"}), ("topk by (region) (3, a_total)", {"region", "code"}),
    ('count_values("v", a_total)', {"v"}),
    ("a_total > 5", {"region", "code"}), ("5 < a_total", {"region", "code"}), ("a_total and on (region) unknown", {"region", "code"}),
    ("a_total or b_bytes", {"region", "code", "host"}), ("a_total / on (region) b_bytes", {"region"}),
    ("a_total / ignoring (code) b_bytes", {"region"}), ("a_total * on (region) group_left (host) b_bytes", {"region", "code", "host"}),
    ("a_total * on (region) group_right () b_bytes", {"region", "host"}), ('absent(a_total{code="200", region=~"e.*"})', {"code"}),
    ('absent(up{job="a"}) or absent(up{job="b"})', {"job"}), ("vector(1)", set()), ("time() - b_bytes", {"region", "host"}),
    ("scalar(a_total)", set()), ("a_total * scalar(b_bytes)", {"region", "code"}),
    ("max_over_time(rate(a_total[5m])[1h:1m])", {"region", "code"}),
    ("unknown or a_total", None), ("sum by (x) (unknown)", {"x"}),
])
def test_labels_of_the_result(expr, labels):
    assert promql.result_labels(expr, "here", KNOWN) == labels


@pytest.mark.parametrize(("expr", "says"), [
    ("sum by (code, host) (a_total)", ["groups by host, which its series do not have (code, region)"]),
    ("max by (host) (sum by (region) (b_bytes))", ["groups by host, which its series do not have (region)"]),
    ("sum without (code) (sum(a_total))", ["groups by code, which its series do not have (they have no labels)"]),
    ("sum by (code) (b_bytes) / on (region) sum by (region) (a_total)", ["matches on region", "groups by code"]),
    ("a_total * on (region) group_left (host) b_bytes", []), ("a_total * on (region) group_left (code) b_bytes", ["takes over code"]),
    ("b_bytes * on (region) group_right (host) a_total", []), ("a_total / ignoring (code, host) b_bytes", []),
    ("a_total / ignoring (zone) b_bytes", ["ignores zone"]), ("a_total and on (zone) unknown", ["matches on zone"]),
    ('sum by (z) (label_replace(b_bytes, "z", "$1", "host", "(.*)"))', []), ("sum by (x) (unknown)", []),
    ('label_replace(b_bytes, "z", "$1", "code", "(.*)")', ["label_replace reads code"]), ('label_replace(b_bytes, "z", "x", "", "")', []),
    ('label_join(b_bytes, "z", "-", "host", "code")', ["label_join reads code"]),
    ("max_over_time(sum by (code) (b_bytes)[1h:1m])", ["groups by code"]), ("topk(3, sum by (code) (b_bytes))", ["groups by code"]),
])
def test_labels_that_nothing_has(expr, says):
    found = promql.unknown_labels(expr, "here", KNOWN)
    assert len(found) == len(says) and all(text in problem for problem, text in zip(found, says, strict=True)), found


@pytest.mark.parametrize(("expr", "says"), [
    ('up{job="a" or job="b"}', "`or` between matchers"), ("info(up)", "info() is experimental"), ("sum(limitk(2, up))", "limitk() is"),
])
def test_what_not_every_prometheus_takes(expr, says):
    with pytest.raises(ContentError, match="here: is not PromQL: ") as caught:
        promql.use(expr, "here")
    assert says in str(caught.value)


@pytest.mark.parametrize(("expr", "result"), [
    ("up", "vector"), ("up > 1", "vector"), ("1 + 1", "scalar"), ("scalar(up)", "scalar"), ("up[5m]", "matrix"), ("(up[5m:1m])", "matrix"),
    ('"x"', "string")])
def test_kind_of_the_result(expr, result):
    assert promql.use(expr, "here").result == result


def test_a_name_is_what_is_said_for_good():
    assert promql.use('{__name__="up"}', "here").names() == {"up"}
    assert promql.use('{__name__=~"up|down", job="x"}', "here").names() == {""}


@pytest.mark.parametrize(("expr", "functions"), [
    ("rate((a_total[5m]))", [("rate", "a_total")]), ("rate(a_total[5m:1m])", [("rate", "a_total")]),
    ("rate((a_total)[5m:1m])", [("rate", "a_total")]), ("rate(sum(a_total)[5m:1m])", [("rate", "")]),
    ('rate({__name__="a_total"}[5m])', [("rate", "a_total")])])
def test_a_range_is_found_behind_brackets_and_subqueries(expr, functions):
    assert promql.use(expr, "here").functions == functions and promql.use(expr, "here").windows == [("rate", 300.0)]


@pytest.mark.parametrize(("expr", "numbers"), [
    ("a > 5", [5]), ("0.5 < a", [0.5]), ("a > (-3)", [-3]), ("a > bool 2 and b == 4", [2, 4]), ("a * 5 > 2 * 3", []), ("a > b", []),
    ("sum(a < 7) + abs(b != 8)", [7, 8]), ("max_over_time((a > 9)[1h:1m])", [9])])
def test_numbers_that_are_compared_with(expr, numbers):
    assert sorted(promql.compared(expr, "here")) == numbers


def test_missing_series():
    recordings = {"r:a:sum": "sum(a) + sum(b)", "r:loop:sum": "r:loop:sum"}
    assert promql.missing("r:a:sum > 0", "here", {"a"}, recordings) == {"b"}
    assert promql.missing("a or c", "here", {"a"}, {}) == set()
    assert promql.missing("d or c", "here", {"a"}, {}) == {"c", "d"}
    assert promql.missing("a unless on (x) c", "here", {"a"}, {}) == {"c"}
    assert promql.missing("r:loop:sum", "here", set(), recordings) == {"r:loop:sum"}
    assert promql.missing("rate(a[5m]) / rate(e[5m])", "here", {"a"}, {}) == {"e"}


def test_numbers_as_people_write_them():
    assert [promql.number(value) for value in (0.9, 5.0, 86400, 1e-6)] == ["0.9", "5", "86400", "1e-06"]

"""What is asked of the services: times, Grafana's own variables, and chosen values that stay values."""

from __future__ import annotations

import json
import re

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.model import ContentError
from dashboards.preview import queries
from dashboards.preview.bundle import Board, Target, Variable
from dashboards.preview.queries import Window

BOARD = Board(
    "psf-x-overview",
    "x",
    "X",
    {},
    (),
    (Variable("region", "Region", "region", "up", True, ".*"), Variable("name", "Name", "name", 'up{region=~"$region"}', True, ".+")),
)
AT = Window(1_000_000, 1_003_600, 30)


def test_grafanas_own_variables():
    filled = queries.fill("rate(a[$__rate_interval]) + ${__interval} + $__range_s", BOARD, {}, AT.values())
    assert filled == "rate(a[60s]) + 30s + 3600"
    assert Window(0, 86400, 300).values()["__rate_interval"] == "315s"


@pytest.mark.parametrize(("values", "regex"), [(("$__all",), ".*"), (("eu",), "eu"), (("eu", "us"), "(eu|us)"), (("a.b",), r"a\\.b")])
def test_values_of_variables(values, regex):
    assert queries.fill('up{region=~"$region"}', BOARD, {"region": values}, {}) == f'up{{region=~"{regex}"}}'


def test_a_longer_name_is_another_variable():
    assert queries.fill('"$regional" "$region" "${name:regex}"', BOARD, {"region": ["eu"], "name": ["x"]}, {}) == '"$regional" "eu" "x"'


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), min_size=1, max_size=3))
def test_no_value_leaves_its_string_or_means_more_than_itself(values):
    filled = queries.fill('up{region=~"$region", job="x"}', BOARD, {"region": values}, {})
    matchers = promql_parser.parse(filled).matchers.matchers
    assert [(m.name, m.value) for m in matchers if m.name == "job"] == [("job", "x")]
    regex = next(m.value for m in matchers if m.name == "region")
    assert all(re.fullmatch(regex, value, re.DOTALL) for value in values)
    assert not re.fullmatch(regex, "another value that nobody chose")


@given(st.integers(1, 300 * 86400), st.integers(10, 2000), st.sampled_from([5, 15, 60]))
def test_a_window_has_at_most_that_many_points(length, points, scrape):
    at = queries.window(f"now-{min(length, 999999)}s", "now", points, scrape, now=1_700_000_000)
    assert at.points <= points + 2
    assert at.start % at.step == at.end % at.step == 0
    assert at.end <= 1_700_000_000


@pytest.mark.parametrize(
    ("start", "end"), [("now", "now-1h"), ("yesterday", "now"), ("nan", "now"), ("now-9y", "now"), ("inf", "now"), (None, "now")]
)
def test_a_wrong_time_is_refused(start, end):
    with pytest.raises(ContentError, match="from"):
        queries.window(start, end, 100)


@pytest.mark.parametrize("chosen", [{"other": ["x"]}, {"region": "eu"}, {"region": [1]}, {"region": ["x" * 301]}, ["region"]])
def test_a_wrong_choice_is_refused(chosen):
    with pytest.raises(ContentError, match="variables"):
        queries.selection(BOARD, chosen)


def test_each_kind_of_query_goes_to_its_place():
    def made(source, mode, expr="e"):
        request = queries.request(Target("A", source, mode, expr), BOARD, {}, AT)
        return request.source, request.path, dict(request.params)

    assert made("prometheus", "range") == (
        "prometheus",
        "/api/v1/query_range",
        {"query": "e", "start": "1000000", "end": "1003600", "step": "30"},
    )
    assert made("prometheus", "instant") == ("prometheus", "/api/v1/query", {"query": "e", "time": "1003600"})
    assert made("loki", "logs")[2]["direction"] == "backward"
    assert made("loki", "range")[2] == {"query": "e", "start": "1000000000000000", "end": "1003600000000000", "step": "30"}
    assert made("jaeger", "search", "web")[1:] == (
        "/api/traces",
        {"service": "web", "start": "1000000000000", "end": "1003600000000", "limit": "20", "lookback": "custom"},
    )
    assert queries.request(Target("A", "jaeger", "search", "$name"), BOARD, {"name": ["a.b"]}, AT).params["service"] == "a.b"
    assert made("jaeger", "graph")[2] == {"endTs": "1003600000", "lookback": "3600000"}


def test_values_of_a_variable_are_narrowed_by_those_before_it():
    request = queries.options(BOARD.variables[1], BOARD, {"region": ["eu"]}, AT)
    assert (request.path, request.params["match[]"]) == ("/api/v1/label/name/values", 'up{region=~"eu"}')


def test_every_query_of_the_content_can_be_asked(bundle):
    asked = [
        queries.request(target, board, {name: ["a", "b"] for name in board.names()}, AT)
        for board in bundle.boards.values()
        for panel in board.panels.values()
        for target in panel.targets
    ]
    assert len(asked) > 100
    for request in asked:
        assert not re.search(r"\$_?_?[a-z]", request.expr), request.expr
        if request.source == "prometheus":
            promql_parser.parse(request.expr)
        json.dumps(dict(request.params))

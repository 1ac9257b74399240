"""LogQL: what the grammar takes is what Loki takes (logql_corpus.yml holds Loki's own verdicts), and what a query uses is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dashboards import logql, logql_grammar
from dashboards.model import ContentError

CORPUS = yaml.safe_load((Path(__file__).parent / "logql_corpus.yml").read_text(encoding="utf-8"))

LABELS = st.sampled_from(["app", "host", "level", "rate", "count", "duration", "bytes", "sum", "ip", "vector", "__error__", "a_1"])
WINDOWS = st.sampled_from(["1m", "5m", "1h30m", "1d", "90s"])
DURATIONS = st.sampled_from(["5s", "1.5h", "1h30m", "250ms", "1d"])
SIZES = st.sampled_from(["5B", "4KiB", "1.5MB", "10k", "2G"])
NUMBERS = st.sampled_from(["0", "5", "1.5", "1e3", ".5"])
COMPARE = st.sampled_from([">", ">=", "<", "<=", "!=", "=", "=="])


def joined(*parts: st.SearchStrategy[str] | str, by: str = " ") -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part
                       for part in parts)).map(lambda found: by.join(part for part in found if part))


def some(part: st.SearchStrategy[str], by: str = ", ", least: int = 1) -> st.SearchStrategy[str]:
    return st.lists(part, min_size=least, max_size=3).map(by.join)


def maybe(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), part)


MATCHER = joined(LABELS, st.sampled_from(["=", "!=", "=~", "!~"]), st.sampled_from(['"web"', "`a|b`", '"x.+"']), by="")
SELECTOR = joined("{", 'job="x"', maybe(some(MATCHER).map(lambda found: ", " + found)), "}", by="")
LINE = joined(st.sampled_from(["|=", "!=", "|~", "!~"]), st.sampled_from(['"x"', "`a|b`", '"err"']), maybe(st.just('or "y"')))
CONDITION = st.one_of(MATCHER, joined(LABELS, COMPARE, st.one_of(DURATIONS, SIZES, NUMBERS)),
                      joined(LABELS, st.sampled_from(["=", "!="]), 'ip("10.0.0.0/8")'))
CONDITIONS = st.recursive(CONDITION, lambda inner: st.one_of(joined(inner, st.sampled_from(["and", "or", ",", ""]), inner),
                                                             joined("(", inner, ")")), max_leaves=4)
FORMATS = st.sampled_from(['line_format "{{.msg}}"', "line_format `{{ .a | ToUpper }} {{ __line__ }}`", 'label_format a=b, c="{{.d}}"',
                           "decolorize",
                           "drop a, b", 'keep level, app="x"', "unpack", "json", 'json a="b.c", d', "logfmt",
                           "logfmt --strict --keep-empty x",
                           'regexp "(?P<x>\\\\d+)"', 'pattern "<a> <_> <b>"'])
STAGES = some(st.one_of(LINE, joined("|", CONDITIONS), joined("|", FORMATS)), by=" ", least=0)
UNWRAP = joined("| unwrap", st.one_of(LABELS, joined(st.sampled_from(["bytes", "duration", "duration_seconds"]), "(", LABELS, ")", by="")),
                maybe(joined("|", CONDITIONS)))
LOGS = joined(SELECTOR, STAGES)
OFFSET = maybe(joined("offset", st.sampled_from(["5m", "-1h", "1h30m"])))
RANGE = joined("[", WINDOWS, "]", by="")
GROUPING = joined(st.sampled_from(["by", "without"]), "(", maybe(some(LABELS)), ")")
COUNTED = joined(st.sampled_from(["rate", "count_over_time", "bytes_rate", "bytes_over_time", "absent_over_time", "RATE"]), "(", SELECTOR,
                 STAGES, RANGE, OFFSET, ")", by=" ")
MEASURED = st.one_of(
    joined(st.sampled_from(["avg_over_time", "max_over_time", "min_over_time", "first_over_time", "last_over_time"]),
           "(", SELECTOR, STAGES, UNWRAP, RANGE, OFFSET, ")", maybe(GROUPING)),
    joined("quantile_over_time( 0.95,", SELECTOR, STAGES, UNWRAP, RANGE, ")", maybe(GROUPING)),
    joined(st.sampled_from(["sum_over_time", "rate_counter", "rate"]), "(", SELECTOR, STAGES, UNWRAP, RANGE, OFFSET, ")"))
MATCHING = st.one_of(st.just(""), joined(st.sampled_from(["on", "ignoring"]), "(", maybe(some(LABELS)), ")",
                                         maybe(joined(st.sampled_from(["group_left", "group_right"]), "(", maybe(some(LABELS)), ")"))))
AGGREGATE = st.sampled_from(["sum", "avg", "count", "max", "min", "stddev", "topk"])


def aggregated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def one(parts: tuple[str, str, str, bool]) -> str:
        name, grouping, below, first = parts
        arguments = f"(3, {below})" if name == "topk" else f"({below})"
        return f"{name} {grouping} {arguments}" if first else f"{name}{arguments} {grouping}"
    return st.tuples(AGGREGATE, maybe(GROUPING), inner, st.booleans()).map(one)


SERIES = st.recursive(st.one_of(COUNTED, MEASURED), lambda inner: st.one_of(
    aggregated(inner), joined("(", inner, ")"),
    joined(inner, st.sampled_from(["+", "-", "*", "/", "%", "^", ">", "==", "> bool", "!=", "<="]), MATCHING, inner),
    joined(inner, st.sampled_from(["and", "or", "unless"]), st.sampled_from(["", "on (app)", "ignoring (host)"]), inner),
    joined(inner, st.sampled_from(["+", "-", ">", "/", "> bool"]), NUMBERS),
    joined("label_replace(", inner, ', "a", "$1", "b", "(.*)")')), max_leaves=4)
QUERIES = st.one_of(LOGS, SERIES)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A query with one token gone, doubled or put elsewhere."""
    found = [str(token) for token in logql_grammar.tokens(draw(QUERIES))]
    index = draw(st.integers(0, len(found) - 1))
    how = draw(st.sampled_from(["gone", "doubled", "moved"]))
    token = found.pop(index)
    if how == "doubled":
        found[index:index] = [token, token]
    elif how == "moved":
        found.insert(draw(st.integers(0, len(found))), token)
    return " ".join(found)


@pytest.mark.parametrize("row", CORPUS["queries"], ids=lambda row: row["query"][:60])
def test_same_verdict_as_loki(row):
    if row["accepted"]:
        logql.parse(row["query"], "corpus")
    else:
        with pytest.raises(ContentError, match="corpus: is not LogQL: at character"):
            logql.parse(row["query"], "corpus")


def test_corpus_is_large():
    verdicts = [row["accepted"] for row in CORPUS["queries"]]
    assert verdicts.count(True) >= 150 and verdicts.count(False) >= 80 and re.fullmatch(r"\d+\.\d+\.\d+", CORPUS["loki"])


@given(QUERIES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_can_be_written_is_taken(query):
    logql.parse(query, "generated")
    assert logql.use(query, "generated").selectors


@given(st.one_of(damaged(), st.text(alphabet='{}()[]|=~!"`\\ab5m.,#$-', max_size=30)))
@example('{a="')
@example("[5m")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_refused_is_refused_in_words(query):
    try:
        logql.parse(query, "here")
    except ContentError as error:
        position = re.match(r"here: is not LogQL: at character (\d+): ", str(error))
        assert position and 1 <= int(position[1]) <= len(query) + 1


@given(QUERIES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_scoped_text_parses_and_every_selector_has_the_label(query):
    scoped = logql.scoped(query, {"region": '=~"$region"'})
    before, after = logql.use(query, "before"), logql.use(scoped, "after")
    assert [one["region"] for one in after.selectors] == [("=~", "$region")] * len(before.selectors)
    assert [{key: value for key, value in one.items() if key != "region"} for one in after.selectors] == before.selectors
    assert logql.scoped(scoped, {"region": '=~"$region"'}) == scoped


@pytest.mark.parametrize(("query", "says"), [
    ('{app="web"', 'at character 11: it ends where one of these must follow: ",", "}"'),
    ('{app="web"} |= error', "at character 16: error stands where one of these must: a string, ip"),
    ('rate({app="web"}[5x])', r"at character 17: [5x] is not a range; write [5m] or [$__auto]"),
    ("{app='web'}", "a string is written with"),
    ('{app="\\d"}', r"an escape that LogQL does not know at \d"),
    ('-sum(rate({app="web"}[5m]))', "at character 2: sum stands where one of these must: a number"),
    ('{app=~".*"}', "the selector matches every stream"),
    ('count_over_time({app="web"} | unwrap x [5m])', "count_over_time counts lines and takes no unwrap"),
    ('max_over_time({app="web"}[5m])', "max_over_time needs a label to unwrap"),
    ('quantile_over_time({app="web"} | unwrap x [5m])', "needs a number first"),
    ('rate({app="web"}[5m]) by (host)', "put a sum by (...) around it"),
    ('{app="web"} | line_format "{{ nosuch .x }}"', "calls nosuch, which is no function"),
    ('{app="web"} | pattern "<a><b>"', "two captures with nothing between"),
    ('{app="web"} |~ "(?!x)"', "look-around"),
    ('{app="web"} |= "x', "is never closed"),
    ('topk(0, rate({app="web"}[5m]))', "needs a whole number above 0"),
])
def test_refusals_say_where_and_what(query, says):
    with pytest.raises(ContentError) as caught:
        logql.parse(query, "here")
    assert says in str(caught.value)


def test_variables_of_grafana():
    for query in ('rate({app="web"}[$__auto])', 'sum(rate({app="web"}[$__interval])) * $__range_s',
                  'count_over_time({app="$app"}[$__range])'):
        logql.parse(query, "panel")
    with pytest.raises(ContentError, match="no variable can"):
        logql.parse("sum(rate({app=\"web\"}[5m])) * $__nosuch", "panel")


def test_use():
    found = logql.use('quantile_over_time(0.9, {app="a", host=~"b"} | json | unwrap took [5m]) by (route) / on (route) group_left (team) '
                      'sum by (route) (rate({app=~"c.+"}[1h]))', "here")
    assert found.selectors == [{"app": ("=", "a"), "host": ("=~", "b")}, {"app": ("=~", "c.+")}]
    assert sorted(found.functions) == ["quantile_over_time", "rate"]
    assert sorted(found.ranges) == ["1h", "5m"]
    assert (found.grouped, found.unwrapped, found.metric) == ({"route", "team"}, {"took"}, True)
    assert not logql.use('{app="a"} |= "x"', "here").metric


@pytest.mark.parametrize(("query", "labels"), [
    ('sum by (a, b) (rate({x="y"}[5m]))', {"a", "b"}),
    ('sum(rate({x="y"}[5m])) by (a) > 5', {"a"}),
    ('sum(rate({x="y"}[5m]))', set()),
    ('rate({x="y"}[5m])', None),
    ('topk(5, sum by (a) (rate({x="y"}[5m])))', {"a"}),
    ('max without (b) (sum by (a, b) (rate({x="y"}[5m])))', {"a"}),
    ('sum by (a) (rate({x="y"}[5m])) / on (a) group_left (c) sum by (a, c) (rate({x="z"}[5m]))', {"a", "c"}),
    ('sum by (a, b) (rate({x="y"}[5m])) / on (a) sum by (a) (rate({x="z"}[5m]))', {"a"}),
    ('sum by (a) (rate({x="y"}[5m])) or sum by (b) (rate({x="y"}[5m]))', {"a", "b"}),
    ('label_replace(sum by (a) (rate({x="y"}[5m])), "c", "$1", "a", "(.*)")', {"a", "c"}),
    ('max_over_time({x="y"} | unwrap v [5m]) by (a)', {"a"}),
    ("vector(1)", set()), ('{x="y"}', None),
])
def test_labels_of_the_result(query, labels):
    assert logql.result_labels(query, "here") == labels

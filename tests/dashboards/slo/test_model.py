"""What is read, and that what is wrong is refused with file, key, line and what would be right."""

from __future__ import annotations

import copy

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards.slo import Options, SloError, groups, load, render
from dashboards.slo.reader import block, documents, scalar

GOOD = {
    "version": "prometheus/v1",
    "service": "web",
    "labels": {"owner": "web"},
    "slos": [
        {
            "name": "errors",
            "objective": 99.9,
            "description": "Requests without an error.",
            "sli": {
                "events": {"error_query": 'sum(rate(r_total{code=~"5.."}[{{.window}}]))', "total_query": "sum(rate(r_total[{{.window}}]))"}
            },
            "alerting": {"name": "WebErrors"},
        }
    ],
}


def changed(path, value):
    """GOOD with one value set (`...` removes it)."""
    spec = copy.deepcopy(GOOD)
    here = spec
    for part in path[:-1]:
        here = here.setdefault(part, {}) if isinstance(here, dict) else here[part]
    if value is ...:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return yaml.dump(spec, sort_keys=False)


def refusal(text):
    with pytest.raises(SloError) as caught:
        load(text, "web.yml")
    return str(caught.value)


SLO = ("slos", 0)
EVENTS = (*SLO, "sli", "events")

REFUSED = [
    (("version",), "sloth/v1", "version (line 1)", "must be prometheus/v1"),
    (("service",), "web shop", "service (line", "is not a name"),
    (("service",), ..., "web.yml: (line 1)", "needs the key service"),
    (("slos",), [], "slos", "at least one SLO"),
    (("slos",), "x", "slos", "the text 'x'"),
    (("slo",), [], "slo (line", "perhaps slos is meant"),
    (("slo_plugins",), {"chain": []}, "slo_plugins", "not run here"),
    (("labels", "sloth_id"), "x", "labels.sloth_id", "set by the rules themselves"),
    (("labels", "a-b"), "x", "labels.a-b", "not a name of a label"),
    (("labels", "tier"), 2, "labels.tier", 'write it in quotes: "2"'),
    (("labels", "live"), True, "labels.live", 'write it in quotes: "true"'),
    ((*SLO, "name"), "x", "slos[0].name", "is not a name"),
    ((*SLO, "plugins"), {}, "slos[0].plugins", "not run here"),
    ((*SLO, "objectives"), 1, "slos[0].objectives", "perhaps objective is meant"),
    ((*SLO, "objective"), 100, "slos[0].objective", "no budget"),
    ((*SLO, "objective"), 0, "slos[0].objective", "not between 0 and 100"),
    ((*SLO, "objective"), 0.999, "slos[0].objective", "99.9 and not 0.999"),
    ((*SLO, "objective"), "99.9", "slos[0].objective", "the text '99.9'"),
    ((*SLO, "objective"), True, "slos[0].objective", "the boolean true"),
    ((*SLO, "objective"), float("nan"), "slos[0].objective", "not between"),
    ((*SLO, "sli"), ..., "slos[0] (line", "needs the key sli"),
    ((*SLO, "sli"), {}, "slos[0].sli", "has no SLI"),
    ((*SLO, "sli", "raw"), {"error_ratio_query": "x[{{.window}}]"}, "slos[0].sli", "both events and raw"),
    ((*SLO, "sli"), {"plugin": {"id": "x"}}, "slos[0].sli.plugin", "write the query"),
    ((*SLO, "sli"), {"raw": {"error_ratio_query": "up[{{.window}}]"}}, "slos[0].sli.raw.error_ratio_query", "range of values"),
    ((*EVENTS, "error_query"), "sum(rate(r[5m]))", "slos[0].sli.events.error_query", "does not hold {{.window}}"),
    ((*EVENTS, "error_query"), "sum(rate(r[{{.window}}])", "slos[0].sli.events.error_query", "is not PromQL"),
    ((*EVENTS, "error_query"), "rate(r[{{.window}}]) # all", "slos[0].sli.events.error_query", "is not PromQL"),
    ((*EVENTS, "error_query"), "rate(r[{{.window}}]) > {{.limit}}", "slos[0].sli.events.error_query", "other than {{.window}}"),
    ((*EVENTS, "error_query"), GOOD["slos"][0]["sli"]["events"]["total_query"], "slos[0].sli.events", "are the same"),
    ((*EVENTS, "total_query"), ..., "slos[0].sli.events (line", "needs the key total_query"),
    ((*SLO, "alerting"), ..., "slos[0] (line", "needs the key alerting"),
    ((*SLO, "alerting", "name"), ..., "slos[0].alerting.name", "is empty"),
    ((*SLO, "alerting", "page_alert"), {"disable": "yes"}, "slos[0].alerting.page_alert.disable", "true or false"),
    ((*SLO, "alerting", "page_alert"), {"annotations": {"a": 1}}, "slos[0].alerting.page_alert.annotations.a", 'in quotes: "1"'),
    ((*SLO, "x-psf"), {"periods": "7d"}, "slos[0].x-psf.periods", "perhaps period is meant"),
    ((*SLO, "x-psf"), {"period": "3d"}, "slos[0].x-psf.period", "too short for the default tiers"),
    ((*SLO, "x-psf"), {"period": "90m"}, "slos[0].x-psf.period", "whole number of days"),
    ((*SLO, "x-psf"), {"period": "month"}, "slos[0].x-psf.period", "is not a duration"),
    ((*SLO, "x-psf"), {"calendar": "week"}, "slos[0].x-psf.calendar", "must be month"),
    ((*SLO, "x-psf"), {"calendar": "month", "period": "7d"}, "slos[0].x-psf.calendar", "exclude each other"),
    ((*SLO, "x-psf"), {"min_events": 0}, "slos[0].x-psf.min_events", "at least 1"),
    ((*SLO, "x-psf"), {"absent": "info"}, "slos[0].x-psf.absent", "page, ticket, off"),
    ((*SLO, "x-psf"), {"for": {"page-fast": "1m"}}, "slos[0].x-psf.for.page-fast", "page-quick"),
    ((*SLO, "x-psf"), {"windows": {}}, "slos[0].x-psf.windows", "names no tier"),
    (
        (*SLO, "x-psf"),
        {"windows": {"page": {"quick": {"errorBudgetPercent": 2, "shortWindow": "1h", "longWindow": "5m"}}}},
        "slos[0].x-psf.windows.page.quick",
        "shorter than longWindow",
    ),
    (
        (*SLO, "x-psf"),
        {"windows": {"page": {"quick": {"errorBudgetPercent": 200, "shortWindow": "5m", "longWindow": "1h"}}}},
        "slos[0].x-psf.windows.page.quick.errorBudgetPercent",
        "at most 100",
    ),
    ((*SLO, "x-psf"), {"latency": {"metric": "x_seconds", "threshold_seconds": 1}}, "slos[0].x-psf.latency", "an SLO has one SLI"),
    ((*SLO, "x-psf"), {"source": "loki"}, "slos[0].sli.events.error_query", "is not LogQL: 'r_total' stands before"),
    ((*SLO, "x-psf"), {"proof": {"good": {"up{": 1}, "bad": {"up": 1}}}, "slos[0].x-psf.proof.good.up{", "is not a series"),
]


@pytest.mark.parametrize(
    ("path", "value", "where", "why"), REFUSED, ids=[f"{'.'.join(map(str, case[0]))}={case[1]}"[:60] for case in REFUSED]
)
def test_refused(path, value, where, why):
    said = refusal(changed(path, value))
    assert said.startswith("web.yml: ") and where in said and why in said, said


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("version: prometheus/v1\nservice: web\nslos:\n  - name: [\n", "line 5", "is not YAML"),
        ("version: prometheus/v1\nservice: web\nservice: shop\n", "line 3", "twice; the first is at line 2"),
        ("version: prometheus/v1\nservice: &a [*a]\n", "line 2", "contains itself"),
        ("version: prometheus/v1\nservice: !python/object:os.system x\n", "line 2", "tag"),
        ("", "web.yml", "is empty"),
        ("- 1\n", "line 1", "must be a mapping"),
        ("version: \x07\n", "web.yml", "without control characters"),
    ],
)
def test_malformed_text(text, line, why):
    said = refusal(text)
    assert line in said and why in said, said


def test_error_names_the_line():
    text = yaml.dump(GOOD, sort_keys=False).replace("objective: 99.9", "objective: high")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "objective" in each)
    assert f"(line {line})" in refusal(text)


def test_all_refused_slos_are_named_at_once():
    spec = copy.deepcopy(GOOD)
    spec["slos"] += [
        {**spec["slos"][0], "name": "b1", "objective": 0},
        {**spec["slos"][0], "name": "b2", "objective": 101},
        spec["slos"][0],
    ]
    said = refusal(yaml.dump(spec, sort_keys=False)).splitlines()
    assert len(said) == 3 and "slos[1].objective" in said[0] and "slos[2].objective" in said[1]
    assert "slos[3].name" in said[2] and "there already, in web.yml slos[0]" in said[2]


def test_labels_merge_and_extensions_of_others_are_left_alone():
    spec = copy.deepcopy(GOOD)
    spec["x-other"] = {"anything": 1}
    spec["slos"][0]["labels"] = {"owner": "checkout", "route": "/pay"}
    (slo,) = load(yaml.dump(spec), "web.yml")
    assert slo.labels == {"owner": "checkout", "route": "/pay"} and slo.id == "web-errors"


def test_settings_of_the_slo_win_over_those_of_the_file():
    spec = copy.deepcopy(GOOD)
    spec["x-psf"] = {"calendar": "month", "absent": "page", "for": "7m"}
    spec["slos"][0]["x-psf"] = {"period": "7d", "absent": False}
    (slo,) = load(yaml.dump(spec), "web.yml")
    assert (slo.period.text, slo.period.month, slo.absent) == ("1w", False, "off")
    assert {tier.hold for tier in slo.tiers} == {420}


def latency(**more):
    spec = copy.deepcopy(GOOD)
    del spec["slos"][0]["sli"]
    spec["slos"][0]["objective"] = 95
    spec["slos"][0]["x-psf"] = {"latency": {"metric": "http_request_duration_seconds", "threshold_seconds": 0.2, **more}}
    return yaml.dump(spec)


def test_latency_is_the_share_of_events_above_a_bucket():
    (slo,) = load(latency(selector='{job="web"}', buckets=[0.1, 0.2]), "web.yml")
    assert slo.total == 'sum(rate(http_request_duration_seconds_count{job="web"}[{{.window}}]))'
    assert slo.error == slo.total + ' - sum(rate(http_request_duration_seconds_bucket{job="web", le="0.2"}[{{.window}}]))'


def test_latency_takes_both_forms_of_a_whole_bound():
    (slo,) = load(latency(metric="rpc_duration_milliseconds"), "web.yml")
    assert 'le=~"200(\\\\.0)?"' in slo.error


@pytest.mark.parametrize(
    ("more", "where", "why"),
    [
        ({"buckets": [0.1, 0.25, 0.5]}, "threshold_seconds", "nearest are 0.1 and 0.25 seconds"),
        ({"metric": "http_request_duration_seconds_bucket"}, "latency.metric", "name the histogram itself, http_request_duration_seconds"),
        ({"metric": "http_latency"}, "latency.unit", "seconds or milliseconds"),
        ({"threshold_seconds": "200ms"}, "threshold_seconds", "a number of seconds"),
        ({"selector": "job=web"}, "latency.selector", "are not matchers"),
        ({"quantile": 0.95}, "latency.quantile", "not a known key"),
    ],
)
def test_latency_refused(more, where, why):
    said = refusal(latency(**more))
    assert where in said and why in said, said


def test_known_buckets_are_asked():
    with pytest.raises(SloError, match="has no bucket that ends there"):
        load(latency(), "web.yml", buckets={"http_request_duration_seconds": (0.1, 0.3)})


def test_spans():
    spec = copy.deepcopy(GOOD)
    del spec["slos"][0]["sli"]
    spec["slos"][0]["x-psf"] = {"spans": {"service": "web", "name": "GET /.*"}}
    (slo,) = load(yaml.dump(spec), "web.yml")
    assert slo.total == (
        'sum(rate(traces_span_metrics_calls_total{service_name="web", span_kind="SPAN_KIND_SERVER", span_name=~"GET /.*"}[{{.window}}]))'
    )
    assert slo.error.endswith(f" or 0 * {slo.total}"), "a service that never failed has no series of failures; its error ratio is 0"


LOKI = {
    "error_query": 'sum(count_over_time({app="web"} | json | status >= 500 [{{.window}}]))',
    "total_query": 'sum(count_over_time({app="web"} | json [{{.window}}]))',
}


def test_loki():
    spec = copy.deepcopy(GOOD)
    spec["x-psf"] = {"source": "loki", "min_events": 10}
    spec["slos"][0]["sli"]["events"] = LOKI
    (slo,) = load(yaml.dump(spec), "web.yml")
    assert slo.source == "loki" and slo.events_factor(3600) == 1


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ('sum(count_over_time({app="web" [{{.window}}]))', "closes nothing"),
        ('{app="web"} |= "x" [{{.window}}]', "not a metric query"),
        ('sum(count_over_time({app="web} [{{.window}}]))', "quote"),
        ("sum(rate(x[{{.window}}]))", "no stream selector"),
    ],
)
def test_loki_refused(query, why):
    spec = copy.deepcopy(GOOD)
    spec["x-psf"] = {"source": "loki"}
    spec["slos"][0]["sli"]["events"] = {**LOKI, "error_query": query}
    assert why in refusal(yaml.dump(spec))


@pytest.mark.parametrize("number", [10**400, float("inf"), float("nan"), 1e16], ids=str)
def test_numbers_without_arithmetic_are_refused(number):
    assert "slos[0].x-psf.latency.threshold_seconds (line" in refusal(latency(threshold_seconds=number))
    assert "slos[0].x-psf.latency.buckets (line" in refusal(latency(buckets=[0.1, 0.2, number]))
    spec = changed((*SLO, "x-psf"), {"proof": {"good": {"r_total": number}, "bad": {"r_total": 1}}})
    assert "slos[0].x-psf.proof.good.r_total (line" in refusal(spec)


def _ways(value, path=()):
    """The way to every value below."""
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from _ways(below, (*path, key))


RICH = copy.deepcopy(GOOD)
RICH["x-psf"] = {"period": "30d", "for": {"page-quick": "2m"}, "min_events": 5, "absent": "page", "absent_for": "5m"}
RICH["slos"][0] |= {"labels": {"tier": "edge"}, "x-psf": {"proof": {"good": {"r_total": 1}, "bad": {"r_total": 1}}, "budget_alert": True}}
RICH["slos"][0]["alerting"] |= {"labels": {"a": "b"}, "page_alert": {"disable": False, "annotations": {"c": "d"}}}
RICH["slos"] += [
    {"name": "fast", "objective": 99, "alerting": {"name": "Fast"}, "x-psf": {
        "latency": {"metric": "r_seconds", "threshold_seconds": 0.2, "selector": 'job="web"', "buckets": [0.1, 0.2]},
        "windows": {"page": {"quick": {"errorBudgetPercent": 2, "shortWindow": "5m", "longWindow": "1h"}}}}},
    {"name": "spans", "objective": 99, "alerting": {"name": "Spans"}, "x-psf": {
        "spans": {"service": "web", "kind": "server", "name": "GET /.*", "threshold_seconds": 0.2}, "calendar": "month"}},
    {"name": "lines", "objective": 99, "alerting": {"name": "Lines"}, "sli": {"events": {
        "error_query": 'sum(count_over_time({app="web"} |= "x" [{{.window}}]))',
        "total_query": 'sum(count_over_time({app="web"} [{{.window}}]))'}},
     "x-psf": {"source": "loki", "proof": {"good": ["a"], "bad": ["x"], "stream": {"app": "web"}}}},
]
WAYS = sorted(_ways(RICH), key=str)
ODD = [None, True, 0, -1, 1, 50, 2.5, 10**400, 1e308, float("inf"), float("nan"), "", "x", "0s", "5m", "30d", "99999999999y", "{{.window}}",
       "up[{{.window}}]", "{{ $x }}", "up{", "up # {{.window}}", "a\nb", "'\"\\", "é\x07", "off", "month", [], [None], [1], {}, {"a": 1},
       {"quick": None}, {"disable": "yes"}, {"<<": {"a": 1}}]
KEYS = ["sli", "raw", "plugin", "plugins", "slo_plugins", "x-psf", "x-other", "calendar", "windows", "latency", "spans", "source",
        "__name__", "labels", "name", "objective", "9", "a-b"]


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(WAYS), st.sampled_from(["set", "add", "drop", "copy"]), st.sampled_from(ODD),
                          st.sampled_from(KEYS), st.sampled_from(WAYS)), min_size=1, max_size=3))
def test_a_file_that_somebody_damaged_is_read_or_refused_line_by_line(changes):
    """Never a traceback; what is refused names file, line and reason, what is read can be written, and the text is the data."""
    spec = copy.deepcopy(RICH)
    for way, verb, value, key, other in changes:
        here, there = spec, spec
        try:
            for part in way[:-1]:
                here = here[part]
            for part in other:
                there = there[part]
            if verb == "drop":
                del here[way[-1]]
            elif verb == "add" and isinstance(here, dict):
                here[key] = value
            else:
                here[way[-1]] = copy.deepcopy(there) if verb == "copy" else value
        except (KeyError, IndexError, TypeError):  # an earlier change took it away
            continue
    try:
        slos = load(yaml.safe_dump(spec, sort_keys=False), "web.yml")
    except SloError as error:
        problems = [line for line in str(error).splitlines() if not line.startswith(" ")]  # tiers to paste are indented
        assert problems and all(line.startswith("web.yml: ") and "(line " in line for line in problems), str(error)
        return
    for options in (Options(), Options(loki_remote_write=True)):
        for backend in ("prometheus", "loki"):
            made = [group for slo in slos for group in groups(slo, options, backend)]
            assert (yaml.safe_load(render(slos, options, backend))["groups"] or []) == made


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.text("abc_", min_size=1),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(st.characters(blacklist_categories=["Cs", "Cc"])),
            lambda each: st.lists(each) | st.dictionaries(st.text("xyz", min_size=1), each),
            max_leaves=8,
        ),
    )
)
def test_yaml_is_read_as_pyyaml_reads_it(value):
    text = yaml.safe_dump(value)
    assert [each.value for each in documents(text, "x")] == [yaml.safe_load(text)]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.text())
def test_any_text_survives_as_a_scalar(text):
    try:
        yaml.safe_dump(text).encode()
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    for written in (f"k: {scalar(text)}\n", f"k: {block(text, '    ')}\n"):
        assert yaml.safe_load(written) == {"k": text}
    assert scalar(text).isascii()


@pytest.mark.parametrize("char", ["\x7f", "\xff", "\u0100", "\uffff", "\U00010000", "\U0010ffff", "\t"])
def test_the_first_and_last_character_of_each_form_of_escape(char):
    assert yaml.safe_load(f"k: {scalar(char)}\n") == {"k": char}


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.text("ab: #-|\n'\"{[]}\\ \t%&*!>", max_size=30))
def test_tricky_text_survives_as_a_block(text):
    assert yaml.safe_load(f"a:\n  k: {block(text, '      ')}\n  z: 1\n") == {"a": {"k": text, "z": 1}}

"""The proofs hold under promtool, fail when a rule is broken, and say so when they cannot be derived.

Calendar months are played through to the next month here, once; the proofs of an SLO only use its budget up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from dashboards.slo import Options, SloError, groups, load, render
from dashboards.slo.proof import loki_proofs, proofs
from dashboards.slo.series import Underivable, mixture
from tests import promtool

SPECS = """\
version: prometheus/v1
service: web
slos:
  - name: errors
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(r_total{job="web", code=~"(5..|429)"}[{{.window}}]))
        total_query: sum(rate(r_total{job="web"}[{{.window}}]))
    alerting: {name: WebErrors}
  - name: slow
    objective: 95
    x-psf: {latency: {metric: r_seconds, threshold_seconds: 0.2, selector: 'job="web"'}, min_events: 100, period: 7d, budget_alert: true}
    alerting: {name: WebSlow}
  - name: spans
    objective: 99
    x-psf: {spans: {service: web}, calendar: month}
    alerting: {name: WebSpans, page_alert: {disable: true}}
  - name: probe
    objective: 99.5
    sli: {raw: {error_ratio_query: "1 - avg(avg_over_time(probe_success{job='b'}[{{.window}}]))"}}
    alerting: {name: WebProbe}
  - name: cache
    objective: 80
    x-psf:
      windows:
        page: {quick: {errorBudgetPercent: 0.5, shortWindow: 5m, longWindow: 1h}}
        ticket: {slow: {errorBudgetPercent: 10, shortWindow: 6h, longWindow: 3d, for: 30m}}
    sli:
      events:
        error_query: sum(rate(misses_total[{{.window}}]))
        total_query: sum(rate(hits_total[{{.window}}])) + sum(rate(misses_total[{{.window}}]))
    alerting: {name: CacheMisses}
"""
SLOS = {slo.name: slo for slo in load(SPECS, "web.yml")}


@pytest.mark.parametrize("name", SLOS)
def test_proofs_hold(name, tmp_path):
    slo = SLOS[name]
    rules = render([slo], Options(system="web", owner="web"))
    assert promtool.check_rules(rules, tmp_path) == (True, promtool.check_rules(rules, tmp_path)[1])
    passed, said = promtool.test_rules(rules, proofs(slo, "rules.yml"), tmp_path)
    assert passed, said


def asked(slo):
    """All that the proofs of an SLO expect to fire."""
    return {sample["labels"] for test in proofs(slo, "r")["tests"] for check in test["promql_expr_test"] for sample in check["exp_samples"]}


def test_every_alert_is_fired_and_silenced():
    for slo in SLOS.values():
        tiers = {rule["labels"]["tier"] for group in groups(slo) for rule in group["rules"] if "alert" in rule}
        assert asked(slo) == {f'{{tier="{tier}"}}' for tier in tiers}
        assert any(not check["exp_samples"] for test in proofs(slo, "r")["tests"] for check in test["promql_expr_test"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("> (14.4 * 0.0009999999999999432)", "> (1440 * 0.0009999999999999432)"),  # never fires
        ("> (6 * 0.0009999999999999432)", "> (0.1 * 0.0009999999999999432)"),  # fires within the budget
        ('code=~"(5..|429)"', 'code=~"4.."'),  # counts the wrong events
        ("absent(", "-absent("),  # no longer `absent`, but still fires
        ("for: 2m", "for: 20m"),  # too late
    ],
)
def test_a_broken_rule_fails_its_proof(old, new, tmp_path):
    slo = SLOS["errors"]
    rules = render([slo])
    assert old in rules
    if new.startswith("-absent"):
        new = "absent(vector(1)) and absent("
    passed, said = promtool.test_rules(rules.replace(old, new), proofs(slo, "rules.yml"), tmp_path)
    assert not passed and "FAILED" in said


def query(error, total=None, ratio=False, proof="", objective=99):
    sli = {"raw": {"error_ratio_query": error}} if ratio else {"events": {"error_query": error, "total_query": total}}
    slo = {
        "name": "errors",
        "objective": objective,
        "sli": sli,
        "alerting": {"name": "A"},
        **({"x-psf": {"proof": proof}} if proof else {}),
    }
    return load(yaml.dump({"version": "prometheus/v1", "service": "web", "slos": [slo]}), "web.yml")[0]


W = "[{{.window}}]"


@pytest.mark.parametrize(
    ("slo", "good", "bad"),
    [
        (query(f"sum(rate(e_total{W}))", f"sum(rate(t_total{W}))"), {"t_total": 1}, {"t_total": 1, "e_total": 1}),
        (query(f'sum(rate(t{{c!~"2..|3.."}}{W}))', f"sum(rate(t{W}))"), {'t{c="2xx"}'}, None),
        (
            query(f'sum(increase(t{{ok="false"}}{W}))', f'sum(increase(t{{ok=~"true|false"}}{W}))'),
            {'t{ok="true"}': 1},
            {'t{ok="false"}': 1},
        ),
        (query(f'sum by (r) (rate(t{{c="5"}}{W})) / on (r) sum by (r) (rate(t{W}))', ratio=True), None, {'t{c="5", r="x"}': 1}),
        (
            query(f'1 - sum(rate(b{{le="0.1"}}{W})) / sum(rate(b{{le="+Inf"}}{W}))', ratio=True),
            {'b{le="0.1"}': 1, 'b{le="+Inf"}': 1},
            {'b{le="+Inf"}': 1},
        ),
        (query(f"avg_over_time((g > bool 0.5){W[:-1]}:1m])", ratio=True), {}, {"g": 1}),
        (query(f'(sum(rate(t{{c="5"}}{W})) or vector(0))', f"sum(rate(t{W}))"), None, {'t{c="5"}': 1}),
    ],
)
def test_series_are_derived(slo, good, bad):
    made = mixture(slo)
    for expected, actual in ((good, made.good), (bad, made.bad)):
        if isinstance(expected, dict):
            assert {name: amount for name, amount in actual.items() if amount} == expected


@pytest.mark.parametrize(
    "slo",
    [
        query(f"histogram_quantile(0.9, sum by (le) (rate(b_bucket{W}))) / 2", ratio=True),
        query(f"sum(rate(a{W})) + 7", f"sum(rate(b{W}))"),
        query(f"vector(0.5) + 0 * sum(rate(a{W}))", ratio=True),
        query(f'rate({{job="x"}}{W})', f"rate(b{W})"),
    ],
)
def test_what_cannot_be_derived_asks_for_series(slo):
    with pytest.raises(Underivable):
        mixture(slo)
    with pytest.raises(SloError, match="its proof cannot be derived.*\n.*x-psf:\n.*proof:"):
        proofs(slo, "rules.yml")


@pytest.mark.parametrize(("short", "said"), [("2m", False), ("1m", True)])
def test_windows_that_one_sample_a_minute_cannot_show(short, said):
    slo = query(f"sum(rate(e_total{W}))", f"sum(rate(t_total{W}))")
    slo = replace(slo, tiers=tuple(replace(tier, short=60 if short == "1m" else 120) for tier in slo.tiers[:1]))
    if said:
        with pytest.raises(SloError, match="a window shorter than 2m cannot be proven"):
            proofs(slo, "rules.yml")
    else:
        assert proofs(slo, "rules.yml")["tests"]


def test_given_series_are_used(tmp_path):
    slo = query(
        f"label_replace(rate(a{W}), 'x', '1', '', '')",
        f"label_replace(rate(b{W}), 'x', '1', '', '')",
        proof={"good": {"b": 1}, "bad": {"a": 1, "b": 1}},
    )
    with pytest.raises(Underivable):
        mixture(query(slo.error, slo.total))
    passed, said = promtool.test_rules(render([slo]), proofs(slo, "rules.yml"), tmp_path)
    assert passed, said


def test_month_begins_anew(tmp_path):
    """January 1970 has 31 days, February 28. 24 hours of failure in January of a budget of 37.2 leave 35.5 % to its end (within what hourly
    samples can tell); on February 1
    all is there again; 40 hours in February are more than its 33.6."""
    spec = query(f"1 - avg_over_time(up{W})", ratio=True, objective=95)
    slo = load(
        yaml.dump(
            {
                "version": "prometheus/v1",
                "service": "web",
                "x-psf": {"calendar": "month"},
                "slos": [{"name": "up", "objective": 95, "sli": {"raw": {"error_ratio_query": spec.ratio}}, "alerting": {"name": "Up"}}],
            }
        ),
        "web.yml",
    )[0]
    hours = 12  # samples an hour
    phases = [(24, 0), (30 * 24, 1), (40, 0), (200, 1)]
    values = " ".join(f"{value}+0x{count * hours - 1}" for count, value in phases)
    left = "slo:period_error_budget_remaining:ratio"

    def near(hour, expected):
        return {"expr": f"count(abs({left} - ({expected})) < 0.03)", "eval_time": f"{hour}h", "exp_samples": [{"labels": "{}", "value": 1}]}

    def alert(hour, firing):
        return {
            "expr": 'max(ALERTS{alertname="UpBudgetExhausted", alertstate="firing"})',
            "eval_time": f"{hour}h",
            "exp_samples": [{"labels": "{}", "value": 1}] if firing else [],
        }

    february = 31 * 24
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1h",
        "group_eval_order": [group["name"] for group in groups(slo)],
        "tests": [
            {
                "interval": "5m",
                "input_series": [{"series": "up", "values": values}],
                "promql_expr_test": [
                    near(24, 0.355),
                    alert(24, False),
                    near(240, 0.355),
                    near(february - 1, 0.355),
                    near(february + 1, 1 - 1 / 33.6),
                    alert(february + 20, False),
                    alert(february + 36, True),
                    near(february + 41, 1 - 40 / 33.6),
                    near(february + 200, 1 - 40 / 33.6),
                    alert(february + 200, True),
                    {
                        "expr": "slo:time_period:days",
                        "eval_time": f"{february + 5}h",
                        "exp_samples": [
                            {"labels": 'slo:time_period:days{sloth_id="web-up", sloth_service="web", sloth_slo="up"}', "value": 28}
                        ],
                    },
                ],
            }
        ],
    }
    passed, said = promtool.test_rules(render([slo]), tests, tmp_path)
    assert passed, said


def test_idle_time_does_not_spoil_the_period(tmp_path):
    """0/0 is NaN, and a sum with it too. With min_events only what was measured is summed; Sloth's own form gives NaN."""
    slo = SLOS["slow"]
    values = "0+0x20 0+60x40"
    record = 'slo:sli_error:ratio_rate1w{sloth_slo="slow"}'
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": 'r_seconds_count{job="web"}', "values": values},
                    {"series": 'r_seconds_bucket{job="web", le="0.2"}', "values": values},
                ],
                "promql_expr_test": [{"expr": f"count({record} == 0)", "eval_time": "60m", "exp_samples": [{"labels": "{}", "value": 1}]}],
            }
        ],
    }
    assert promtool.test_rules(render([slo]), tests, tmp_path)[0]
    assert not promtool.test_rules(render([slo], Options(sloth=True)), tests, tmp_path)[0]


def test_logql_proofs_need_lines():
    text = (
        SPECS.split("slos:", maxsplit=1)[0]
        + """x-psf: {source: loki}
slos:
  - name: log-errors
    objective: 99
    sli:
      events:
        error_query: sum(count_over_time({app="web"} |= "error" [{{.window}}]))
        total_query: sum(count_over_time({app="web"}[{{.window}}]))
    alerting: {name: LogErrors}
"""
    )
    (slo,) = load(text, "web.yml")
    assert proofs(slo, "rules.yml")["tests"] == []
    with pytest.raises(SloError, match="lines for a proof"):
        loki_proofs(slo, groups(slo, backend="loki"))
    (slo,) = load(text.replace("    sli:", "    x-psf: {proof: {stream: {app: web}, good: [fine], bad: [an error]}}\n    sli:"), "web.yml")
    made = loki_proofs(slo, groups(slo, backend="loki"))
    assert len(made) == 5 and made[0]["fires"] == [{"labels": {"app": "web"}, "lines": ["an error"]}]
    assert made[0]["silent"] == [{"labels": {"app": "web"}, "lines": ["fine"]}] and made[0]["for"] == "2m"


def test_promtool_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PSF_CACHE", str(tmp_path))
    promtool.promtool.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="promtool is not on PATH, and without apt-get"):
            promtool.promtool()
        kept = Path(tmp_path) / "tools" / "promtool"
        kept.parent.mkdir()
        kept.touch()
        assert promtool.promtool() == str(kept)
    finally:
        promtool.promtool.cache_clear()

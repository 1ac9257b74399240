"""What the alerts say, which rules LogQL SLOs get, and how windows inhibit each other."""

from __future__ import annotations

import re

import promql_parser
import pytest
import yaml

from dashboards.slo import Options, SloError, Template, alert_names, groups, inhibitions, load, render

HEAD = """\
version: prometheus/v1
service: web
labels: {{stage: live}}
x-psf: {file}
slos:
  - name: errors
    objective: {objective}
    x-psf: {slo}
"""
EVENTS = """\
    sli:
      events:
        error_query: sum by (route) (rate(r_total{code=~"5.."}[{{.window}}]))
        total_query: sum by (route) (rate(r_total[{{.window}}]))
"""
RAW = "    sli: {raw: {error_ratio_query: '1 - avg(avg_over_time(up[{{.window}}]))'}}\n"
LOGQL = """\
    sli:
      events:
        error_query: sum(count_over_time({app="web"} |= "error" [{{.window}}]))
        total_query: sum(count_over_time({app="web"}[{{.window}}]))
"""
ALERTING = "    alerting: {name: WebErrors, labels: {team: web}, annotations: {note: see above}}\n"


def one(sli=EVENTS, file="{}", slo="{}", objective=99.9, alerting=ALERTING):
    return load(HEAD.format(file=file, slo=slo, objective=objective) + sli + alerting, "web.yml")[0]


def alerts(slo, options=None, backend="prometheus"):
    return {
        rule["labels"]["tier"]: rule for group in groups(slo, options or Options(), backend) for rule in group["rules"] if "alert" in rule
    }


OPTIONS = Options(
    system="psf_web",
    owner="web",
    runbook_url=lambda slo, alert: f"https://x.test/{slo.service}#{alert.lower()}",
    dashboard_url=Template("{{ externalURL }}/d/{id}/{alert_lower}"),
)


def test_one_alert_for_each_pair_of_windows():
    found = alerts(one(), OPTIONS)
    assert list(found) == ["page-quick", "page-slow", "ticket-quick", "ticket-slow", "absent"]
    rule = found["page-slow"]
    assert rule["alert"] == "WebErrors" and rule["for"] == "15m"
    assert rule["labels"] == {
        "sloth_severity": "page",
        "severity": "critical",
        "tier": "page-slow",
        "short": "30m",
        "long": "6h",
        "system": "psf_web",
        "owner": "web",
        "team": "web",
    }
    assert rule["annotations"]["runbook_url"] == "https://x.test/web#weberrors"
    assert rule["annotations"]["dashboard_url"] == "{{ externalURL }}/d/web-errors/weberrors"
    assert "$value" in rule["annotations"]["summary"] and rule["annotations"]["note"] == "see above"
    assert {tier: rule["labels"]["severity"] for tier, rule in found.items()} == {
        "page-quick": "critical",
        "page-slow": "critical",
        "ticket-quick": "warning",
        "ticket-slow": "warning",
        "absent": "warning",
    }


def test_every_expression_is_promql():
    for slo in (one(), one(RAW), one(slo="{min_events: 50}"), one(slo="{calendar: month}"), one(slo="{period: 90d, budget_alert: true}")):
        for options in (Options(), OPTIONS):
            for group in groups(slo, options):
                for rule in group["rules"]:
                    promql_parser.parse(rule["expr"])


def test_names_of_alerts():
    assert alert_names(one()) == ["WebErrors", "WebErrorsAbsent"]
    assert alert_names(one(slo="{calendar: month, absent: off}")) == ["WebErrors", "WebErrorsBudgetExhausted"]
    assert alert_names(one(), Options(sloth=True)) == ["WebErrors"]


def test_disabled_alerts_are_not_made():
    slo = one(alerting="    alerting: {name: WebErrors, page_alert: {disable: true}}\n")
    assert list(alerts(slo)) == ["ticket-quick", "ticket-slow", "absent"]
    nothing = one(alerting="    alerting: {page_alert: {disable: true}, ticket_alert: {disable: true}}\n")
    assert alert_names(nothing) == [] and len(groups(nothing)) == 2


def test_absence_asks_the_total_or_the_recording():
    assert alerts(one())["absent"]["expr"] == "absent(sum by (route) (rate(r_total[5m])))"
    assert (
        alerts(one(RAW))["absent"]["expr"]
        == 'absent(slo:sli_error:ratio_rate5m{sloth_id="web-errors", sloth_service="web", sloth_slo="errors"})'
    )
    rule = alerts(one(slo="{absent: page, absent_for: 3m}"))["absent"]
    assert (rule["labels"]["severity"], rule["for"], rule["labels"]["sloth_id"], rule["labels"]["stage"]) == (
        "critical",
        "3m",
        "web-errors",
        "live",
    )


def test_guard_for_low_traffic_is_on_pages_only():
    found = alerts(one(slo="{min_events: 50}"))
    assert (
        "and ignoring (sloth_id, sloth_service, sloth_slo, stage)\n(sum by (route) (rate(r_total[1h]))) * 3600 >= 50"
        in found["page-quick"]["expr"]
    )
    assert "[6h]))) * 21600 >= 50" in found["page-slow"]["expr"] and ">= 50" not in found["ticket-quick"]["expr"]
    counted = one(EVENTS.replace("rate(", "increase("), slo="{min_events: 50}")
    assert "(increase(r_total[1h]))) >= 50" in alerts(counted)["page-quick"]["expr"]
    with pytest.raises(SloError, match=r"x-psf.min_events .*must have a total_query"):
        one(RAW, slo="{min_events: 50}")


def test_custom_windows_and_for():
    slo = one(objective=80, slo="{windows: {page: {slow: {errorBudgetPercent: 2, shortWindow: 30m, longWindow: 6h, for: 4m}}}}")
    assert {tier: rule.get("for") for tier, rule in alerts(slo).items()} == {"page-slow": "4m", "absent": "10m"}
    records = [rule["record"] for rule in groups(slo)[0]["rules"]]
    assert records == ["slo:sli_error:ratio_rate30m", "slo:sli_error:ratio_rate6h", "slo:sli_error:ratio_rate30d"]


def test_sloth_has_no_calendar_and_no_logql():
    for slo in (one(slo="{calendar: month}"), one(LOGQL, file="{source: loki}")):
        with pytest.raises(SloError, match="leave out --sloth"):
            groups(slo, Options(sloth=True))


# -- LogQL -------------------------------------------------------------------------------------------------------------
def test_logql_alerts_without_recordings():
    slo = one(LOGQL, file="{source: loki}", slo="{min_events: 20}")
    assert groups(slo) == []
    page, ticket = groups(slo, OPTIONS, "loki")
    assert (page["interval"], ticket["interval"]) == ("1m", "5m")
    rule = alerts(slo, OPTIONS, "loki")["page-quick"]
    ratio = '((sum(count_over_time({{app="web"}} |= "error" [{0}]))) / (sum(count_over_time({{app="web"}}[{0}]))))'
    assert rule["expr"] == (
        f'({ratio.format("5m")} > 0.0144)\nand\n({ratio.format("1h")} > 0.0144)\nand\n((sum(count_over_time({{app="web"}}[1h]))) >= 20)\n'
    )
    assert rule["labels"]["sloth_id"] == "web-errors" and rule["labels"]["stage"] == "live"
    assert ">= 20" not in alerts(slo, OPTIONS, "loki")["ticket-quick"]["expr"], "the guard is on pages only"
    assert not any(">=" in row["expr"] for row in alerts(one(LOGQL, file="{source: loki}"), OPTIONS, "loki").values())
    assert alerts(slo, OPTIONS, "loki")["absent"]["expr"] == 'absent_over_time({app="web"}[5m])'
    assert yaml.safe_load(render([slo], OPTIONS, "loki")) == {"groups": [page, ticket]}


def test_logql_recordings_by_remote_write():
    slo = one(LOGQL, file="{source: loki}")
    options = Options(loki_remote_write=True)
    (recording,) = groups(slo, options, "loki")
    assert [rule["record"] for rule in recording["rules"]] == [
        f"slo:sli_error:ratio_rate{window}" for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
    ]
    sli, meta, alerting = groups(slo, options)
    assert [rule["record"] for rule in sli["rules"]] == ["slo:sli_error:ratio_rate30d"] and len(meta["rules"]) == 7
    for rule in alerting["rules"]:
        if rule["labels"]["tier"] != "absent":
            promql_parser.parse(rule["expr"])


# -- inhibition --------------------------------------------------------------------------------------------------------
def silenced(rules, source, target):
    """As Alertmanager decides: some rule's source takes one, its target the other, and `equal` agrees."""

    def takes(matchers, labels):
        for matcher in matchers:
            name, operator, value = re.fullmatch(r'(\w+)(=~|!=|=)"(.*)"', matcher).groups()
            actual = labels.get(name, "")
            if not {"=": actual == value, "!=": actual != value, "=~": re.fullmatch(value, actual) is not None}[operator]:
                return False
        return True

    return any(
        takes(rule["source_matchers"], source)
        and takes(rule["target_matchers"], target)
        and all(source.get(label, "") == target.get(label, "") for label in rule["equal"])
        for rule in rules
    )


def test_faster_tiers_silence_slower_ones_of_the_same_slo():
    rules = inhibitions([one(), one(RAW)])
    assert len(rules) == 3
    fast = {"sloth_id": "web-errors", "region": "eu", "route": "/a", "tier": "page-quick"}
    for tier in ("page-slow", "ticket-quick", "ticket-slow"):
        assert silenced(rules, fast, {**fast, "tier": tier}) and not silenced(rules, {**fast, "tier": tier}, fast)
    slow = {**fast, "tier": "ticket-slow"}
    for other in (
        {"region": "us"},
        {"sloth_id": "web-other"},
        {"route": "/b"},
        {"tier": "absent"},
        {"tier": "budget"},
        {"tier": "page-quick"},
    ):
        assert not silenced(rules, fast, {**slow, **other})
    assert not silenced(rules, {"tier": "page-quick"}, {"tier": "ticket-slow"}), "alerts of others that happen to have a tier"


def test_no_slos_no_inhibitions():
    assert inhibitions([]) == []

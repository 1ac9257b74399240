# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every format says the same of a run, survives whatever a host may say, and keeps its bounds."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from ansible_collections.psf.observatory.plugins.plugin_utils.governance import outputs, run, verify
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.model import STATUSES
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.outputs import (
    html,
    jsonl,
    junit,
    markdown,
    metrics,
    openreports,
    oscal,
    sarif,
)
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.report import build
from ansible_collections.psf.observatory.plugins.plugin_utils.settings import otel_collector
from ansible_collections.psf.observatory.tests.unit import governance_sample as sample
from hypothesis import given, settings
from hypothesis import strategies as st

NASTY = "</script><img src=x onerror=alert(1)> \"quoted\" 'single' | `code` \\ {{ 7*7 }} \x00\x07 \u2028 \ud7ff * _b_ [x](y)\nnext \udcff"


@pytest.fixture(scope="module")
def report():
    made = sample.make()
    run.evidence(made)
    return made


@pytest.fixture(scope="module")
def nasty():
    """Everything that a host, a control or a waiver may say is hostile."""
    made = sample.make(
        extra={
            "control": "IAM-11",
            "subject": {"type": "host", "name": NASTY, "region": "eu", "namespace": NASTY},
            "status": "fail",
            "expected": NASTY,
            "actual": NASTY,
            "message": NASTY,
            "parameters": {"p": NASTY},
            "overridden": ["p"],
            "evidence": {"collected_at": sample.stamp(sample.NOW), "collector": NASTY, "data": NASTY},
        },
        rows=[{**sample.WAIVERS[0], "reason": NASTY, "compensating": NASTY}, {**sample.WAIVERS[1], "expires": NASTY}],
    )
    run.evidence(made)
    return made


# -- all of them -------------------------------------------------------------------------------------------------------
def test_equal_runs_give_equal_bytes(report):
    other = sample.make()
    run.evidence(other)
    assert outputs.files(report) == outputs.files(other)


def test_hostile_text_breaks_no_format(nasty, tmp_path):
    files = outputs.files(nasty)
    for name, text in files.items():
        if name.endswith((".json", ".sarif")):
            json.loads(text)
        if name.endswith(".jsonl"):
            assert all(isinstance(json.loads(line), dict) for line in text.split("\n")[:-1])
            assert text.isascii()
    runs = run.Runs(tmp_path)
    with runs.locked():
        runs.write(nasty)
    assert verify.verify(tmp_path).ok
    ElementTree.fromstring(files["junit.xml"])
    assert "<img" not in files["report.html"] and "{{ 7*7 }}" in files["report.html"] and "</script><" not in files["report.html"]
    assert "\\|" in files["summary.md"] and "<img" not in files["summary.md"].replace("\\<img", "")


def test_every_failure_is_in_every_format(report):
    files = outputs.files(report)
    bad = {(row.control, row.name) for row in report.results if row.state == "fail"}
    assert bad
    for name in (
        "report.html",
        "junit.xml",
        "report.sarif",
        "oscal/assessment-results.json",
        "openreports.json",
        "policyreports.json",
        "results.json",
        "summary.md",
    ):
        for control, subject in bad:
            assert control in files[name] and subject in files[name], (name, control, subject)


texts = st.text(max_size=40)
anything = st.builds(
    lambda control, status, kind, name, region, message, data: {
        "control": control,
        "subject": {"type": kind or "x", "name": name or "x", "region": region, "namespace": kind},
        "status": status,
        **dict.fromkeys(("expected", "actual", "message"), message),
        "evidence": data,
    },
    st.sampled_from(sorted(row["id"] for row in sample.controls())),
    st.sampled_from(STATUSES),
    texts,
    texts,
    st.sampled_from([None, "eu", "us"]),
    texts,
    st.fixed_dictionaries({}, optional={"collected_at": st.sampled_from(["2026-11-24T13:00:00Z", "yesterday"]), "data": texts}),
)


@settings(max_examples=15)
@given(st.lists(anything, max_size=6), texts)
def test_whatever_the_results_say_every_format_is_written_and_counts_them(rows, reason):
    answer = {**sample.answer("obs-eu-1"), "results": rows}
    waiver = {**sample.WAIVERS[0], "reason": reason or "r"}
    made = build(
        [("obs-eu-1", answer)], [("w", waiver)], run_id="20261124T134700Z", environment="e", now=sample.NOW, asked={"obs-eu-1": "eu"}
    )
    run.evidence(made)
    files = outputs.files(made)
    parsed = {name: json.loads(text) for name, text in files.items() if name.endswith((".json", ".sarif"))}
    assert sum(parsed["summary.json"]["counts"].values()) == len(made.results)
    (one,) = parsed["report.sarif"]["runs"]
    assert len(one["results"]) + len(one["invocations"][0]["toolExecutionNotifications"]) == len(made.results)
    assert int(ElementTree.fromstring(files["junit.xml"]).get("tests")) == len(made.results)
    for name in ("openreports.json", "policyreports.json"):
        assert sum(sum(item["summary"].values()) for item in parsed[name]["items"]) == len(made.results)
    for name, text in files.items():
        text.encode("utf-8", "backslashreplace")
        if name.endswith(".prom"):
            series(text)


# -- HTML --------------------------------------------------------------------------------------------------------------
class Page(HTMLParser):
    """Tags in balance, what is loaded from elsewhere, ids and links within the page."""

    VOID = ("meta", "input", "br", "line", "polyline", "circle", "rect", "link", "img")

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.ids, self.links = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.loads += [found[key] for key in ("src", "srcset", "data") if key in found] + ([found.get("href")] if tag == "link" else [])
        self.links += [found["href"]] if tag == "a" else []
        self.ids += [found["id"]] if "id" in found else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_needs_nothing_else_and_its_links_lead_somewhere(report):
    text = html.render(report)
    page = Page(text)
    assert page.open == ["html"] or page.open == []
    assert page.loads == [] and "http" not in re.sub(r"http-equiv", "", text).replace("https://", "http://").split("<body>")[0].replace(
        "http://", ""
    )
    evidence = {row.evidence_path for row in report.results}
    for link in page.links:
        assert (link[1:] in page.ids) if link.startswith("#") else link in evidence, link
    assert len(set(page.ids)) == len(page.ids)


def test_the_pages_policy_names_exactly_its_script_and_style(report):
    text = html.render(report)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    script, style = (re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1] for tag in ("script", "style"))
    assert f"script-src '{html._hash(script)}'" in policy and f"style-src '{html._hash(style)}'" in policy
    assert "default-src 'none'" in policy and not re.search(
        r"\sstyle=|\son[a-z]+=", re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL)
    )


def test_the_page_shows_verdict_overrides_waivers_and_remediation(report):
    text = html.render(report)
    for words in (
        "1 critical finding to act on now",
        "the grade is at best C",
        "parameter overridden",
        "min_days=21",
        "WVR-2026-003",
        "4 d ago",
        "Run the playbook with the tag",
        "disrupts the service",
        "This is the first run",
    ):
        assert words in text, words


def test_the_trend_needs_two_runs_and_stays_in_its_picture():
    history = [
        {"run": f"2026112{day}T134700Z", "finished": f"2026-11-2{day}T13:47:00Z", "strict": 0.4, "effective": 0.5 + day / 10, "grade": "C"}
        for day in range(3)
    ]
    made = sample.make()
    assert html._trend(made)["lines"] == {}
    made.history = history
    trend = html._trend(made)
    assert len(trend["points"]) == 4
    for point in trend["points"]:
        assert 0 <= point["x"] <= html.WIDTH and 0 <= point["y"] <= html.HEIGHT


def test_thousands_of_subjects_do_not_make_a_page_of_megabytes():
    made = sample.make()
    row = next(row for row in made.results if row.control == "IAM-11")
    made.results += [type(row)(**{**row.__dict__, "name": f"pod-{n}"}) for n in range(5000)]
    text = html.render(made)
    assert len(text) < 1 << 20 and "more are in results.json" in text


# -- JUnit -------------------------------------------------------------------------------------------------------------
def test_junit_counts_agree_with_the_run(report):
    root = ElementTree.fromstring(junit.render(report))
    counts = report.counts()
    assert (
        root.get("tests") == str(len(report.results))
        and root.get("failures") == str(counts["fail"])
        and root.get("errors") == str(counts["error"])
    )
    assert len(root.findall(".//skipped")) == counts["waived"] + counts["manual"] + counts["not_applicable"]
    assert "waived by WVR-2026-001 until 2027-03-01" in "".join(node.text for node in root.iter("skipped"))


@given(st.text())
def test_junit_holds_any_text(text):
    ElementTree.fromstring(f"<a>{junit.clean(text).replace('&', '&amp;').replace('<', '&lt;')}</a>")


# -- SARIF -------------------------------------------------------------------------------------------------------------
def test_sarif_has_suppressions_fingerprints_and_notifications(report):
    (one,) = sarif.render(report)["runs"]
    rules = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
    assert len(one["results"]) + len(one["invocations"][0]["toolExecutionNotifications"]) == len(report.results)
    for result in one["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"] and len(result["partialFingerprints"]["controlSubject/v1"]) == 32
        assert (result["level"] != "none") == (result["kind"] == "fail")
    suppressed = [result for result in one["results"] if result.get("suppressions")]
    assert len(suppressed) == report.counts()["waived"] and all(
        row["suppressions"][0]["status"] == "accepted" and row["suppressions"][0]["kind"] == "external" for row in suppressed
    )
    assert not one["invocations"][0]["executionSuccessful"] and not any("baselineState" in result for result in one["results"])


# -- OSCAL -------------------------------------------------------------------------------------------------------------
def walk(value):
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from walk(item)


def test_oscals_references_lead_somewhere_and_identifiers_are_single(report):
    document = oscal.assessment_results(report)
    own = [node["uuid"] for node in walk(document) if "uuid" in node]
    assert len(set(own)) == len(own)
    for node in walk(document):
        for key in ("observation-uuid", "risk-uuid", "subject-uuid"):
            assert node.get(key, own[0]) in own, node
    assert document["assessment-results"]["import-ap"]["href"][1:] in own


def test_oscal_says_findings_for_what_was_judged_and_risks_for_what_failed(report):
    (result,) = oscal.assessment_results(report)["assessment-results"]["results"]
    counts = report.counts()
    assert len(result["observations"]) == len(report.results) - counts["not_applicable"]
    assert len(result["risks"]) == counts["fail"] + counts["waived"]
    waived = [risk for risk in result["risks"] if risk["status"] == "deviation-approved"]
    assert len(waived) == counts["waived"]
    assert {risk["deadline"] for risk in waived} == {"2027-03-01T23:59:59Z", "2026-12-02T23:59:59Z"}
    assert all(risk["risk-log"]["entries"][0]["status-change"] == "deviation-approved" for risk in waived)
    states = {finding["props"][0]["value"]: finding["target"]["status"]["state"] for finding in result["findings"]}
    assert states["IAM-10"] == "not-satisfied" and states["CRY-06"] == "satisfied" and "CRY-02" not in states
    manual = [row for row in result["observations"] if row["methods"] == ["EXAMINE"]]
    assert len(manual) == counts["manual"]


def test_a_risk_keeps_its_identifier_from_run_to_run_and_an_observation_does_not(report):
    (one,) = oscal.assessment_results(report)["assessment-results"]["results"]
    (two,) = oscal.assessment_results(sample.make(run_id="20261125T134700Z"))["assessment-results"]["results"]
    ids = [{row["uuid"] for row in result[key]} for result in (one, two) for key in ("risks", "observations")]
    assert ids[0] == ids[2] and not ids[1] & ids[3]


@pytest.mark.parametrize("name, wanted", [("AC-6(5)", "ac-6.5"), ("SC-8", "sc-8"), ("IA-5 (1)", "ia-5.1")])
def test_nist_identifiers_are_those_of_the_catalog(name, wanted):
    assert oscal.nist_id(name) == wanted


# -- OpenReports -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("api, kind", [(openreports.OPENREPORTS, "ClusterReport"), (openreports.WGPOLICY, "ClusterPolicyReport")])
def test_one_report_for_the_cluster_with_its_summary(report, api, kind):
    (item,) = openreports.render(report, api)["items"]
    counts = report.counts()
    assert (item["apiVersion"], item["kind"]) == (api.version, kind)
    assert item["summary"] == {
        "pass": counts["pass"],
        "fail": counts["fail"],
        "warn": counts["waived"],
        "error": counts["error"],
        "skip": counts["manual"] + counts["not_applicable"],
    }
    for row in item["results"]:
        assert (row["result"] == "warn") <= (not row["scored"] and "waiver" in row["properties"])
        assert all(isinstance(value, str) for value in row["properties"].values())
    severities = {row["severity"] for row in item["results"]}
    assert ("critical" in severities) == (kind == "ClusterReport")


def test_a_report_for_each_namespace_and_never_more_than_its_limit():
    made = sample.make()
    row = next(row for row in made.results if row.control == "IAM-11")
    made.results += [type(row)(**{**row.__dict__, "type": "pod", "name": f"pod-{n}", "namespace": "shop"}) for n in range(1200)]
    items = openreports.render(made, openreports.OPENREPORTS)["items"]
    assert [(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"], len(item["results"])) for item in items] == [
        ("ClusterReport", None, "governance-lab", 168),
        ("Report", "shop", "governance-lab-1", 500),
        ("Report", "shop", "governance-lab-2", 500),
        ("Report", "shop", "governance-lab-3", 200),
    ]


# -- metrics and lines -------------------------------------------------------------------------------------------------
SERIES = re.compile(r'^(\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\} (\S+)$')


def series(text):
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SERIES.match(line).groups()
            key = (name, *sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)))
            assert key not in found, line
            found[key] = float(value)
    return found


def test_metrics_are_counts_without_names_and_within_their_budget(report):
    text = metrics.render(report, "eu")
    found = series(text)
    assert not re.search("app-|obs-|us-1", text)
    # Drift is of hosts: the one metric with their names, and there only with a drift run.
    assert {key[0] for key in found} == set(metrics.METRICS) - {"gov_drift_changed_tasks"}
    for name, (kind, words) in [row for row in metrics.METRICS.items() if row[0] != "gov_drift_changed_tasks"]:
        assert f"# HELP {name} {words}\n# TYPE {name} {kind}\n" in text
    assert sum(len(series(metrics.render(report, region))) for region in report.regions) < 1000


def test_metrics_agree_with_the_run(report):
    found = series(metrics.render(report, "us"))

    def value(metric, /, **labels):
        return found[(metric, *sorted({"env": "lab", **labels}.items()))]

    assert value("gov_control_subjects", control="IAM-10", status="fail", reach="region") == 1
    assert value("gov_control_subjects", control="IAM-10", status="pass", reach="region") == 1
    assert value("gov_control_subjects", control="NET-05", status="waived", reach="region") == 2
    assert value("gov_control_subjects", control="CHG-04", status="fail", reach="global") == 1
    assert value("gov_control_subjects", control="IAM-12", status="manual", reach="region") == 2
    assert value("gov_control_subjects", control="BCK-01", status="na", reach="region") == 2
    assert value("gov_score_ratio", scope="environment", name="lab", kind="strict") == pytest.approx(report.score().strict, abs=1e-5)
    assert value("gov_waivers", state="expired") == 1 and value("gov_score_capped") == 1
    assert value("gov_waiver_expiry_timestamp_seconds", waiver="WVR-2026-002", control="NET-05") == 1796256000
    assert value("gov_run_last_success_timestamp_seconds") == sample.NOW.timestamp()
    assert ("gov_control_subjects", ("control", "IAM-10"), ("env", "lab"), ("reach", "region"), ("status", "error")) not in found


def test_regressions_are_counted_by_severity(tmp_path):
    runs = run.Runs(tmp_path)
    sample.write(runs, verdicts={**sample.VERDICTS, "IAM-10": {}})
    second = sample.write(runs, sample.NOW + sample.timedelta(days=1)).report
    assert 'gov_changes{change="regressed",env="lab",severity="critical"} 1' in metrics.render(second, "us")
    assert 'gov_changes{change="regressed",env="lab",severity="critical"} 0' in metrics.render(second, "eu")


def test_waivers_in_metrics_are_bounded(report):
    made = sample.make(rows=[{**sample.WAIVERS[0], "id": f"W-{n}"} for n in range(300)])
    assert metrics.render(made, "eu").count("\ngov_waiver_expiry") == metrics.WAIVERS


@pytest.mark.parametrize("controls, left_out", [(140, False), (300, True), (2000, True)])
def test_a_file_of_metrics_is_bounded_whatever_the_estate_is_like(controls, left_out):
    """Every status of every control, subjects of the region and of none, thirty regions, hosts that drift, waivers."""
    made = sample.make(rows=[{**sample.WAIVERS[0], "id": f"W-{n}"} for n in range(300)])
    known = next(iter(made.controls.values()))
    shape = made.results[0]
    roles = [{"name": "CHG-01", "data": {"roles": [{"name": f"role{n}", "changed": n} for n in range(20)]}}]
    made.controls = {f"CHG-{n:02}": replace(known, id=f"CHG-{n:02}") for n in range(controls)}
    made.results = [
        replace(shape, control=control, region=region, status=status, name=f"h-{region}-{status}-{number}", waiver=None,
                evidence={**shape.evidence, "data": roles})
        for control in made.controls for region in ("eu", *[f"r{n}" for n in range(29 if control == "CHG-01" else 1)])
        for status in ("pass", "fail", "error") for number in range(2)
    ]
    text = metrics.render(made, "eu")
    found = series(text)
    assert len(found) <= metrics.BUDGET
    assert ("series were left out" in text) is left_out
    assert sum(key[0] == "gov_drift_changed_tasks" for key in found) <= metrics.DRIFTED
    # What alerts are made of stays, also of the last control where there is any room.
    for name in ("gov_run_last_success_timestamp_seconds", "gov_coverage_ratio", "gov_waivers", "gov_score_ratio"):
        assert any(key[0] == name for key in found)
    failing = {dict(key[1:])["control"] for key in found if key[0] == "gov_control_subjects" and ("status", "fail") in key}
    assert failing == set(made.controls) or controls == 2000


def test_lines_are_one_a_result_with_the_worst_first_and_bounded(report, monkeypatch):
    lines = [json.loads(line) for line in jsonl.render(report, "eu").splitlines()]
    assert lines[0]["event"] == "run" and lines[0]["results"] == len(lines) - 1 == sum(row.region in ("eu", None) for row in report.results)
    assert [line["status"] for line in lines[1:4]] == ["fail"] * 3
    assert {line["level"] for line in lines if line["event"] == "result" and line["status"] == "pass"} == {"info"}
    said = re.compile(otel_collector.LEVEL_SAID)
    assert all(said.search(line) for line in jsonl.render(report, "eu").splitlines())
    monkeypatch.setattr(jsonl, "LINES", 10)
    assert len(jsonl.render(report, "eu").splitlines()) == 11


def test_a_line_never_gets_too_long_for_the_journal(nasty):
    row = nasty.results[0]
    row.message = row.actual = row.expected = "\u20ac" * 100000
    assert max(len(line) for line in jsonl.render(nasty, "eu").splitlines()) <= jsonl.BYTES


# -- Markdown ----------------------------------------------------------------------------------------------------------
def test_the_summary_begins_with_the_grade_and_its_tables_are_tables(report):
    text = markdown.render(report)
    assert text.startswith("# Governance of lab: grade C (held there by a critical control that fails)")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


@pytest.mark.parametrize("value, text", [(None, "-"), (1.0, "100 %"), (0.9999, "99.9 %"), (0.5, "50.0 %"), (0.0, "0.0 %")])
def test_a_percentage_is_never_rounded_up_to_all(value, text):
    assert markdown.percent(value) == text


def test_drift_is_a_metric_by_host_and_role(report):
    row = next(row for row in report.results if row.region == "eu")
    control, evidence = row.control, row.evidence
    roles = [{"name": "psf.observatory.loki", "changed": 2, "tasks": ["a", "b"]}]
    row.evidence = {"data": [{"name": "drift", "data": {"roles": roles}}, {"name": "broken", "error": "x"}]}
    report.controls["CHG-01"], row.control = report.controls[control], "CHG-01"
    try:
        text = metrics.render(report, "eu")
        assert f'gov_drift_changed_tasks{{env="lab",host="{row.name}",role="psf.observatory.loki"}} 2\n' in text
    finally:
        row.control, row.evidence = control, evidence
        del report.controls["CHG-01"]

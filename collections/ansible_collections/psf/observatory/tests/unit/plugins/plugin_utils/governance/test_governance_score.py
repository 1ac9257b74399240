# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Score, grade, coverage, the hygiene controls, and the report as a whole."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.psf.observatory.plugins.plugin_utils.governance import model, score
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.model import (
    Control,
    GovernanceError,
    Result,
)
from ansible_collections.psf.observatory.tests.unit import governance_sample as sample
from hypothesis import given
from hypothesis import strategies as st

CONTROLS = {
    name: Control(name, name, severity, f"d{index % 3}", "o", frameworks={"gdpr": ("32",)} if index % 2 else {})
    for index, (name, severity) in enumerate((a, b) for b in model.SEVERITIES for a in (f"{b[:1].upper()}-{n}" for n in (1, 2)))
}


def result(control, status, name="h", waiver=None, region=None):
    return Result(control, "host", name, region, status, waiver=waiver)


rows = st.lists(
    st.builds(
        result,
        st.sampled_from(sorted(CONTROLS)),
        st.sampled_from(model.STATUSES),
        st.text("abc", min_size=1, max_size=3),
        st.sampled_from([None, None, "W"]),
        st.sampled_from([None, "eu", "us"]),
    ),
    max_size=30,
).map(lambda found: [row if row.status == "fail" else result(row.control, row.status, row.name, None, row.region) for row in found])


# -- the formula -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "given_rows, strict, effective, grade",
    [
        ([("critical", "pass"), ("low", "fail")], 10 / 11, 10 / 11, "B"),
        ([("critical", "fail"), ("low", "pass")], 1 / 11, 1 / 11, "F"),
        ([("high", "error"), ("high", "pass")], 0.5, 0.5, "D"),
        ([("high", "waived"), ("high", "pass")], 0.5, 1.0, "A"),
        ([("medium", "not_applicable"), ("medium", "manual"), ("medium", "pass")], 1.0, 1.0, "A"),
        ([("info", "fail")], None, None, "-"),
        ([("high", "waived")], 0.0, None, "F"),
        ([], None, None, "-"),
    ],
)
def test_the_formula_by_hand(given_rows, strict, effective, grade):
    controls = {str(n): Control(str(n), "t", severity, "d", "o") for n, (severity, _s) in enumerate(given_rows)}
    found = score.one(
        "overall",
        "overall",
        [result(str(n), "fail" if s == "waived" else s, waiver="W" if s == "waived" else None) for n, (_v, s) in enumerate(given_rows)],
        controls,
    )
    assert (found.strict, found.effective, found.grade) == (
        pytest.approx(strict) if strict is not None else None,
        pytest.approx(effective) if effective is not None else None,
        grade,
    )


def test_a_control_with_many_subjects_does_not_weigh_more():
    controls = {"A": Control("A", "t", "high", "d", "o"), "B": Control("B", "t", "high", "d", "o")}
    many = [result("A", "pass", str(n)) for n in range(99)] + [result("B", "fail")]
    assert score.one("overall", "overall", many, controls).effective == 0.5


@pytest.mark.parametrize("status, waiver, grade", [("fail", None, "C"), ("error", None, "C"), ("fail", "W", "A"), ("pass", None, "A")])
def test_an_unwaived_critical_holds_the_grade_at_c(status, waiver, grade):
    controls = {str(n): Control(str(n), "t", "high", "d", "o") for n in range(99)} | {"X": Control("X", "t", "critical", "d", "o")}
    found = score.one("overall", "overall", [result(str(n), "pass") for n in range(99)] + [result("X", status, waiver=waiver)], controls)
    assert found.grade == grade and found.capped == (grade == "C")


@given(rows)
def test_every_score_is_a_ratio_and_effective_is_never_below_strict(found):
    for one in score.scores(found, CONTROLS):
        if one.effective is not None:
            assert 0 <= one.strict <= one.effective + 1e-12 <= 1 + 1e-12
        critical = any(row.bad and CONTROLS[row.control].severity == "critical" for row in found)
        if one.scope == "overall" and critical:
            assert one.grade not in ("A", "B")


@given(rows)
def test_to_mend_something_never_lowers_a_score_and_to_break_something_never_raises_it(found):
    before = score.one("overall", "overall", found, CONTROLS)
    for index, row in enumerate(found):
        for status, better in (("pass", True), ("error", False)):
            if row.status not in ("pass", "fail", "error") or row.waived:
                continue
            after = score.one("overall", "overall", [*found[:index], result(row.control, status, row.name), *found[index + 1 :]], CONTROLS)
            if before.strict is not None:
                assert after.strict >= before.strict - 1e-12 if better else after.strict <= before.strict + 1e-12


@given(rows, st.integers(0, 5), st.integers(0, 5))
def test_coverage_is_whole_only_when_everything_was_read_and_everyone_answered(found, answered, silent):
    share = score.coverage(found, answered, answered + silent)
    if share is None:
        return
    assert 0 <= share <= 1
    assert (share == 1) == (not silent and not any(row.status == "error" for row in found))


# -- what hosts hand over ----------------------------------------------------------------------------------------------
def test_where_two_hosts_report_the_same_subject_the_worse_counts():
    one, two = (sample.answer(host) for host in ("obs-eu-1", "app-eu-1"))
    for answer, status in ((one, "pass"), (two, "error")):
        answer["results"] = [{"control": "REL-06", "subject": {"type": "region", "name": "eu", "region": "eu"}, "status": status}]
    for order in ([one, two], [two, one]):
        _controls, results, _hosts = model.gather((answer["host"], answer) for answer in order)
        assert [(row.status, row.hosts) for row in results] == [("error", ["app-eu-1", "obs-eu-1"])]


@pytest.mark.parametrize(
    "break_it, words",
    [
        (
            lambda answer: answer.update(results=[{"control": "NOPE-1", "subject": {"type": "host", "name": "a"}, "status": "pass"}]),
            "NOPE-1",
        ),
        (lambda answer: answer["results"][0].update(status="ok"), "status: 'ok'"),
        (lambda answer: answer["results"][0].pop("subject"), "subject"),
        (lambda answer: answer["controls"][0].pop("title"), "title is missing"),
        (lambda answer: answer["controls"][0].update(severity="urgent"), "severity: 'urgent'"),
        (lambda answer: answer["controls"][0].update(max_age="soon"), "max_age"),
        (lambda answer: answer.update(started="13:00"), "started"),
        (lambda answer: answer.update(finished="2026-11-24T13:00:00"), "with a zone"),
    ],
)
def test_what_cannot_be_used_is_refused_with_host_and_reason(break_it, words):
    answer = sample.answer("obs-eu-1")
    break_it(answer)
    with pytest.raises(GovernanceError, match=words) as error:
        model.gather([("obs-eu-1", answer)])
    assert "obs-eu-1" in str(error.value)


def test_controls_by_id_are_those_of_the_catalogue_and_an_unknown_one_is_said():
    answer = sample.answer("obs-eu-1")
    catalogue = {row["id"]: model.read_control(row, "x") for row in answer["controls"]}
    answer["controls"] = sorted(catalogue)
    assert model.gather([("obs-eu-1", answer)], catalogue)[0] == catalogue
    with pytest.raises(GovernanceError, match="control AUD-03 is not among"):
        model.gather([("obs-eu-1", answer)], {})


@pytest.mark.parametrize(
    "applies_to, component",
    [
        ({"groups": ["loki"], "per": "host"}, "loki"),
        ({"groups": ["all"], "per": "region"}, "region"),
        ({}, "host"),
        (None, "host"),
        ({"component": "postgresql"}, "postgresql"),
    ],
)
def test_the_part_that_a_control_is_about(applies_to, component):
    assert model.read_control({**sample.controls()[0], "applies_to": applies_to}, "x").component == component


@pytest.mark.parametrize("text, seconds", [("24h", 86400), ("1h30m", 5400), ("90d", 7776000), ("1y", 31536000)])
def test_durations(text, seconds):
    assert model.seconds(text) == seconds


# -- the report --------------------------------------------------------------------------------------------------------
def of(report, control):
    (row,) = [row for row in report.results if row.control == control]
    return row


def test_the_sample_as_a_whole():
    report = sample.make()
    assert report.counts() == {"pass": 128, "fail": 9, "error": 5, "waived": 6, "manual": 4, "not_applicable": 16}
    assert report.score().grade == "C" and report.score().capped and report.regions == ["eu", "us"]
    assert [(row.id, row.state) for row in report.waivers] == [
        ("WVR-2026-001", "active"),
        ("WVR-2026-002", "expiring"),
        ("WVR-2026-003", "expired"),
    ]


def test_chg_04_fails_for_what_has_ended_covers_nothing_or_is_invalid_and_passes_without_waivers():
    assert "WVR-2026-003 expired on 2026-11-20" in of(sample.make(), "CHG-04").message
    assert of(sample.make(rows=[]), "CHG-04").status == "pass"
    assert of(sample.make(rows=sample.WAIVERS[:2]), "CHG-04").status == "pass"
    bad = of(sample.make(rows=[{**sample.WAIVERS[0], "approved_by": "web"}]), "CHG-04")
    assert bad.status == "fail" and "must be another" in bad.message
    unused = of(sample.make(rows=[{**sample.WAIVERS[0], "control": "AUD-03"}]), "CHG-04")
    assert unused.status == "fail" and "covers no failure" in unused.message


def test_chg_05_says_who_was_silent_what_is_old_and_whose_clock_is_ahead():
    hosts = [host for host in sample.HOSTS if host != "app-us-1"]
    silent = sample.make(hosts=hosts)
    assert of(silent, "CHG-05").status == "fail" and "app-us-1" in of(silent, "CHG-05").message
    assert silent.coverage < 0.75 and silent.silent == {"app-us-1": "us"}
    assert of(sample.make(), "CHG-05").status == "pass"
    old = sample.make(answers_now=sample.NOW - timedelta(days=2))
    assert "old, at most 86400 s" in of(old, "CHG-05").message
    ahead = sample.make(answers_now=sample.NOW + timedelta(hours=1))
    assert "in the future; the clock of" in of(ahead, "CHG-05").message
    dark = sample.make(verdicts={**sample.VERDICTS, **{name: {"*": "error"} for name in ("IAM-11", "IAM-13", "SUP-06")}})
    assert "coverage is" in of(dark, "CHG-05").message


def test_the_waiver_of_a_silent_host_is_not_called_unused():
    hosts = [host for host in sample.HOSTS if host != "app-us-1"]
    waiver = {**sample.WAIVERS[0], "control": "TLS-06", "scope": {"service": "app-us-1:*"}}
    assert sample.make(hosts=hosts, rows=[waiver]).waivers[0].state == "active"
    assert sample.make(rows=[{**waiver, "control": "TLS-05"}]).waivers[0].state == "unused"


def test_a_host_cannot_pass_the_controls_that_are_judged_here():
    report = sample.make(extra={"control": "CHG-04", "subject": {"type": "host", "name": "obs-eu-1", "region": "eu"}, "status": "pass"})
    assert of(report, "CHG-04").type == "environment"

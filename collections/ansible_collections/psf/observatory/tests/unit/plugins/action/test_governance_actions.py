# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of governance as playbooks use them: gather, report, judge a gate, verify; in check mode nothing is written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible_collections.psf.observatory.plugins.action import assessment_report, evidence_verification, gate
from ansible_collections.psf.observatory.plugins.filter import governance as filters
from ansible_collections.psf.observatory.tests.unit import governance_sample as sample

GROUPS = {
    "all": [*sample.HOSTS, "localhost"],
    "region_eu": ["obs-eu-1", "app-eu-1"],
    "region_us": ["obs-us-1", "app-us-1"],
    "prometheus": ["obs-eu-1", "obs-us-1"],
}


def act(module, check=False, hostvars=None, **arguments):
    task = SimpleNamespace(args=arguments, async_val=0, check_mode=check, action="psf.observatory.x")
    action = module.ActionModule(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)), None, None, None)
    return action.run(task_vars={"hostvars": hostvars or {}, "groups": GROUPS})


def hostvars(**changes):
    """What the hosts registered just now; None: nothing."""
    now = datetime.now(UTC)
    found = {host: {"assessment_result": {**sample.answer(host, now=now), "changed": False, "failed": False}} for host in sample.HOSTS}
    for host, value in changes.items():
        name = host.replace("_", "-")
        found[name] = {} if value is None else {"assessment_result": value}
    return found


@pytest.fixture
def place(tmp_path):
    return tmp_path / "governance"


def report(place, check=False, hosts=None, **options):
    return act(assessment_report, check, hosts or hostvars(), directory=str(place), environment="lab", **options)


# -- report ------------------------------------------------------------------------------------------------------------
def test_a_run_is_written_and_its_outcome_returned(place):
    result = report(place)
    assert result["changed"] and result["summary"]["grade"] == "C" and result["counts"]["fail"] == 14 and result["waivers"]["active"] == 0
    assert (place / result["run"] / "report.html").is_file() and result["report"].endswith("report.html")
    assert set(result["regions"]) == {"eu", "us"} and Path(result["regions"]["eu"]["metrics"]).read_text().startswith("# HELP gov_")
    json.dumps(result)


def test_in_check_mode_all_is_judged_and_nothing_written(place):
    result = report(place, check=True)
    assert result["changed"] and result["summary"]["grade"] == "C" and not place.exists()


def test_a_host_that_failed_or_was_not_reached_is_silent(place):
    result = report(place, hosts=hostvars(app_us_1=None, app_eu_1={"failed": True, "msg": "boom"}))
    assert result["summary"]["silent"] == ["app-eu-1", "app-us-1"] and result["summary"]["coverage"] < 0.6


def test_with_a_limit_nobody_is_silent_and_nothing_is_gone(place):
    report(place)
    result = report(place, hosts=hostvars(app_us_1=None, obs_us_1=None), complete=False)
    assert result["summary"]["silent"] == [] and result["changes"]["gone"] == 0 and not result["complete"]


def test_without_any_result_it_fails_and_says_what_to_run(place):
    with pytest.raises(AnsibleActionFail, match="no host has an assessment_result"):
        report(place, hosts={host: {} for host in sample.HOSTS})
    assert not place.exists()


def test_waivers_come_from_a_file_beside_the_inventory_and_a_broken_one_stops_it_before_anything(place, tmp_path):
    (tmp_path / "w.yml").write_text(
        json.dumps([{**sample.WAIVERS[0], "created": str(datetime.now(UTC).date()), "expires": str(datetime.now(UTC).date())}])
    )
    result = report(place, waivers="w.yml", waivers_base=str(tmp_path))
    assert result["waivers"]["expiring"] == 1 and result["counts"]["waived"] == 4
    (tmp_path / "w.yml").write_text("a: [")
    with pytest.raises(AnsibleActionFail, match=r"w\.yml: not YAML"):
        report(place, waivers="w.yml", waivers_base=str(tmp_path))
    assert len([path for path in place.iterdir() if path.name[0].isdigit()]) == 1


def test_a_control_of_ones_own_that_was_not_evaluated_is_known_to_waivers(place, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "XXX-01.yml").write_text(json.dumps({**sample.controls()[2], "id": "XXX-01"}))
    waiver = {**sample.WAIVERS[0], "control": "XXX-01", "created": str(datetime.now(UTC).date()), "expires": str(datetime.now(UTC).date())}
    assert "does not exist" in report(place, waivers=[waiver])["problems"][0]
    assert report(place, waivers=[waiver], controls=[str(tmp_path / "own")])["problems"] == []


def test_chg_04_and_chg_05_are_judged_though_no_host_knows_them(place):
    hosts = hostvars()
    for row in hosts.values():
        row["assessment_result"]["controls"] = [control for control in row["assessment_result"]["controls"] if control["id"][:3] != "CHG"]
        row["assessment_result"]["results"] = [one for one in row["assessment_result"]["results"] if one["control"][:3] != "CHG"]
    result = report(place, hosts=hosts)
    found = {row["control"]: row for row in json.loads((place / result["run"] / "results.json").read_text())["results"]}
    assert found["CHG-04"]["status"] == "pass" and found["CHG-05"]["status"] == "pass"


def test_a_missing_option_and_a_wrong_key_are_said(place, tmp_path):
    with pytest.raises(AnsibleError, match="directory"):
        act(assessment_report, environment="lab")
    with pytest.raises(AnsibleActionFail, match="governance_signing_key"):
        report(place, signing_key=str(tmp_path / "none"))


def test_the_table_says_grade_findings_and_where_to_look(place):
    lines = filters.governance_table(report(place, waivers=[{**sample.WAIVERS[0], "approved_by": "web"}]))
    text = "\n".join(lines)
    assert lines[0].startswith("grade C (held there by a critical control), score") and "must be another" in text
    assert "open: 1 critical" in text and lines[-1].startswith("report: ")


# -- gate --------------------------------------------------------------------------------------------------------------
def test_a_gate_without_answers_says_what_to_ask():
    result = act(gate, gate="launch")
    assert not result["changed"] and result["title"] == "Launch" and {"id": "targets", "expr": "min(up)"} in result["queries"]


def test_a_gate_is_judged_by_the_last_assessment_and_recorded_in_the_chain(place, tmp_path):
    (tmp_path / "mine.yml").write_text(
        "id: mine\ntitle: Mine\ncontrols:\n- {id: CRY-06}\nqueries:\n- {id: q, expr: up, op: '==', value: 1}\n"
    )
    report(place)
    options = {"gate": "mine", "gates": [str(tmp_path)], "directory": str(place), "regions": ["eu"]}
    go = act(gate, answers={"eu": {"q": {"values": [1]}}}, **options)
    assert go["go"] and go["changed"] and json.loads((place / go["path"].rsplit("/", 1)[1] / "gate.json").read_text())["answers"]
    no = act(gate, answers={"eu": {"q": {"values": [0]}}}, **options)
    assert not no["go"] and no["reasons"] == ["q in eu: 0; wanted == 1 (q)"]
    runs = len(list(place.iterdir()))
    assert not act(gate, check=True, answers={}, **options)["go"] and len(list(place.iterdir())) == runs
    whole = act(evidence_verification, directory=str(place))
    assert whole["whole"] and len(whole["runs"]) == 3
    assert report(place)["summary"]["previous"] == whole["runs"][0]


def test_an_unknown_gate_names_the_known_ones_and_a_path_is_none(place):
    for name in ("nope", "../launch"):
        with pytest.raises(AnsibleActionFail, match="known are advanced|is not an id"):
            act(gate, gate=name)


def test_answers_are_by_region_and_one_that_was_not_reached_is_missing():
    hosts = {"obs-eu-1": {"gate_answer": {"answers": {"q": {"values": [1]}}}}, "obs-us-1": {"gate_answer": {"unreachable": True}}}
    assert filters.gate_answers(hosts, GROUPS) == {"eu": {"q": {"values": [1]}}} and filters.gate_regions(hosts, GROUPS) == ["eu", "us"]


# -- verification ------------------------------------------------------------------------------------------------------
def test_verification_says_what_is_wrong_and_a_missing_directory_is_an_error(place):
    result = report(place)
    (place / result["run"] / "junit.xml").write_text("")
    found = act(evidence_verification, directory=str(place))
    assert not found["whole"] and "junit.xml: was changed" in found["problems"][0] and not found["changed"]
    with pytest.raises(AnsibleActionFail, match="No such file"):
        act(evidence_verification, directory=str(place / "no"))

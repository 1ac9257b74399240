# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates: what a file may say, and that whatever could not be read is a no-go."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from ansible_collections.psf.observatory.plugins.plugin_utils.governance import gate, report
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.model import GovernanceError
from ansible_collections.psf.observatory.tests.unit import governance_sample as sample
from hypothesis import given
from hypothesis import strategies as st

GATES = Path(__file__).resolve().parents[5] / "roles" / "governance_report" / "gates"
PHASES = ["foundation", "back_end", "front_end", "advanced", "launch"]
GOOD = {name: {"*": "pass"} for name in sample.VERDICTS}


def declared(tmp_path, text):
    path = tmp_path / "g.yml"
    path.write_text("id: g\ntitle: G\n" + text)
    return gate.load(path)


def run_of(verdicts=GOOD, **options):
    return report.data(sample.make(verdicts=verdicts, rows=options.pop("rows", []), **options))


def judged(tmp_path, text, run=None, answers=None, regions=("eu", "us"), now=sample.NOW):
    return gate.evaluate(declared(tmp_path, text), run_of() if run is None else run, answers or {}, regions, now)


CONTROLS = "controls:\n- {id: TLS-06}\n"
QUERY = 'queries:\n- {id: q, expr: "min(up)", op: "==", value: 1}\n'


# -- files -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PHASES)
def test_the_phases_of_the_migration_ship_and_each_asks_for_controls_and_numbers(name):
    found = gate.load(GATES / f"{name}.yml")
    assert found.rows and found.queries and found.title and found.description
    assert (GATES / f"{name}.yml").read_text().startswith("---\n# Phase %d:" % (PHASES.index(name) + 1))


def test_there_is_no_other_gate():
    assert sorted(path.stem for path in GATES.glob("*.yml")) == sorted(PHASES)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "always be a go"),
        ("controls: x\n", "controls: 'x' is no list"),
        ("extra: 1\n" + CONTROLS, "extra: unknown"),
        ("controls:\n- {}\n", r"controls\[0\]: id, domain or severity"),
        ("controls:\n- {id: TLS-06, severty: high}\n", r"controls\[0\].severty: unknown"),
        ("controls:\n- {severity: urgent}\n", "'urgent' is not one of"),
        ("controls:\n- {id: A, waived: yes}\n", "accept or refuse"),
        ("controls:\n- {id: A, optional: maybe}\n", "true or false"),
        ("controls:\n- {id: [1]}\n", "text or a list"),
        ("slos:\n- {id: a, window: day}\n", "not a window"),
        ("slos:\n- {id: 'a\"b', window: 1d}\n", "not the id of an objective"),
        ("slos:\n- {id: a, window: 1d, burn: fast}\n", "not a number"),
        ("queries:\n- {id: q, expr: up, op: '=', value: 1}\n", "op: '='"),
        ("queries:\n- {id: q, expr: up, op: '==', value: true}\n", "not a number"),
        ("queries:\n- {id: q, op: '==', value: 1}\n", r"queries\[0\].expr"),
        (QUERY + '- {id: q, expr: "up", op: "==", value: 1}\n', "same id"),
        (CONTROLS + "assessment: {max_age: soon}\n", "max_age"),
        (CONTROLS + "assessment: {coverage: 95}\n", "between 0 and 1"),
        (CONTROLS + "assessment: {age: 1h}\n", "assessment.age: unknown"),
        ("controls: [\n", "not YAML"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_with_its_key(tmp_path, text, words):
    with pytest.raises(GovernanceError, match=words) as error:
        declared(tmp_path, text)
    assert "g.yml" in str(error.value)


def test_the_id_is_the_files_name(tmp_path):
    (tmp_path / "a.yml").write_text("id: b\ntitle: B\n" + CONTROLS)
    with pytest.raises(GovernanceError, match="named 'a'"):
        gate.load(tmp_path / "a.yml")
    with pytest.raises(GovernanceError, match="No such file"):
        gate.load(tmp_path / "c.yml")


# -- controls ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "status, row, go",
    [
        ("pass", "{id: TLS-06}", True),
        ("fail", "{id: TLS-06}", False),
        ("error", "{id: TLS-06}", False),
        ("manual", "{id: TLS-06}", False),
        ("not_applicable", "{id: TLS-06}", False),
        ("not_applicable", "{id: TLS-06, optional: true}", True),
        ("error", "{id: TLS-06, optional: true}", False),
        ("fail", "{domain: encryption in transit, severity: high}", False),
        ("fail", "{domain: encryption in transit, severity: medium}", True),
        ("pass", "{id: [TLS-06, NOPE-1]}", False),
        ("pass", "{domain: nothing}", False),
    ],
)
def test_every_status_and_every_kind_of_row(tmp_path, status, row, go):
    found = judged(
        tmp_path,
        f"controls:\n- {row}\n",
        run_of({**GOOD, "TLS-06": {"app-us-1": status, "*": "not_applicable"} if status == "not_applicable" else {"app-us-1": status}}),
    )
    assert found["go"] == go, found["reasons"]


def test_a_waived_failure_counts_as_a_pass_unless_it_is_refused(tmp_path):
    waived = run_of({**GOOD, "AUD-04": {"*": "fail"}}, rows=[sample.WAIVERS[0]])
    assert judged(tmp_path, "controls:\n- {id: AUD-04}\n", waived)["go"]
    refused = judged(tmp_path, "controls:\n- {id: AUD-04, waived: refuse}\n", waived)
    assert not refused["go"] and "fails (waived)" in refused["reasons"][0]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"complete": False}, "only a part was assessed"),
        ({"coverage": 0.5}, "coverage"),
        ({"coverage": None}, "unknown"),
        ({"silent": {"obs-eu-1": "eu"}}, "no results from obs-eu-1"),
        ({"finished": "2026-11-22T00:00:00Z"}, "age of the assessment"),
        ({"finished": "2026-11-25T00:00:00Z"}, "age of the assessment"),
        ({"finished": "yesterday"}, "age of the assessment"),
    ],
)
def test_an_assessment_that_is_old_partial_or_blind_is_a_no_go(tmp_path, change, words):
    found = judged(tmp_path, CONTROLS, {**run_of(), **change})
    assert not found["go"] and words in "; ".join(found["reasons"])


def test_without_an_assessment_it_is_a_no_go(tmp_path):
    found = gate.evaluate(declared(tmp_path, CONTROLS), None, {}, ["eu"], sample.NOW)
    assert not found["go"] and "run playbooks/assess.yml first" in found["reasons"][0]


# -- queries -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "answer, go, words",
    [
        ({"values": [1]}, True, ""),
        ({"values": [0]}, False, "wanted == 1"),
        ({"values": [1, 0]}, False, "1, 0"),
        ({"values": []}, False, "found nothing"),
        ({"error": "timeout"}, False, "could not be read: timeout"),
        ({"values": ["NaN"]}, False, "nan"),
        (None, False, "not answered"),
    ],
)
def test_a_number_that_is_missing_or_wrong_in_one_region_is_a_no_go(tmp_path, answer, go, words):
    found = judged(tmp_path, QUERY, answers={"eu": {"q": {"values": [1]}}, "us": {} if answer is None else {"q": answer}})
    assert found["go"] == go and words in "; ".join(found["reasons"])
    assert all("in us" in reason for reason in found["reasons"])


def test_without_a_region_to_ask_it_is_a_no_go(tmp_path):
    assert not judged(tmp_path, QUERY, regions=())["go"]


@given(st.sampled_from(sorted(gate.OPS)), st.floats(allow_nan=False), st.floats(allow_nan=True, allow_infinity=True))
def test_a_comparison_is_what_it_says_and_nan_is_never_a_go(op, wanted, value):
    query = gate.Query("q", "x", op, wanted, "d")
    ok = gate._answer(query, "eu", {"values": [str(value)]})["ok"]
    assert ok == (
        not math.isnan(value)
        and {"<": value < wanted, "<=": value <= wanted, ">": value > wanted, ">=": value >= wanted, "==": value == wanted}[op]
    )


def test_an_objective_is_asked_as_its_burn_rate_over_the_window(tmp_path):
    query, recorded = declared(tmp_path, "slos:\n- {id: psf-web-uptime, window: 1d, burn: 2}\n").queries
    assert query.expr == (
        'max by (sloth_id) (slo:sli_error:ratio_rate1d{sloth_id="psf-web-uptime"}) / '
        'max by (sloth_id) (slo:error_budget:ratio{sloth_id="psf-web-uptime"})'
    )
    assert (query.op, query.value) == ("<=", 2.0)
    assert recorded.expr == 'count(slo:error_budget:ratio{sloth_id="psf-web-uptime"} offset 1d)'


def test_the_record_says_all_that_was_looked_at_also_for_people(tmp_path):
    found = judged(tmp_path, CONTROLS + QUERY, answers={"eu": {"q": {"values": [1]}}}, now=sample.NOW + timedelta(hours=1))
    assert found["run"] == "20261124T134700Z" and len(found["checks"]) == 5
    assert "# Gate G: no-go" in gate.markdown(found) and "**no**: q in us" in gate.markdown(found)
    assert yaml.safe_load(yaml.safe_dump(found)) == found

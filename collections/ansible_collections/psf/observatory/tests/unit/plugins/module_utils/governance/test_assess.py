# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call for many controls: bounds in time and size, what raises, what is masked; never a pass for what was not read."""

from __future__ import annotations

import json
import threading
import time

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.governance import mask
from ansible_collections.psf.observatory.plugins.module_utils.governance.assess import assess, bounded
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, World
from hypothesis import given
from hypothesis import strategies as st

GOOD = [{"name": "thing", "data": {"v": 1}}]


def row(name="HST-01", probe="good", per="host", **more):
    check = {"probe": probe, "with": {}, "expect": [{"that": "v", "equals": 1}], **more.pop("check", {})}
    return {"id": name, "mode": "automated", "per": per, "params": {}, "overridden": [], "kinds": {}, "reason": "", "check": check, **more}


def run(*rows, **options):
    probes = {"good": lambda world: GOOD, **options.pop("probes", {})}
    plan = {"host": "obs-1", "region": "eu", "controls": list(rows), "context": {"limit": 1}}
    return assess(plan, probes=probes, world=World(timeout=1), **options)


def test_a_result_has_all_that_reports_need():
    answer = run(row())
    assert answer["controls"] == ["HST-01"] and answer["host"] == "obs-1" and answer["region"] == "eu"
    assert answer["started"] <= answer["finished"] and answer["started"].endswith("Z")
    result = answer["results"][0]
    assert {key: result[key] for key in ("control", "status", "expected", "actual", "parameters", "overridden")} == {
        "control": "HST-01", "status": "pass", "expected": "v is 1", "actual": "v 1", "parameters": {}, "overridden": []}
    assert result["subject"] == {"type": "host", "name": "obs-1", "region": "eu"}
    assert result["evidence"]["collector"] == "good" and result["evidence"]["data"] == GOOD
    assert result["duration_ms"] >= 0
    json.dumps(answer)


@pytest.mark.parametrize("mark", ["run/systemd/container", "run/.containerenv", ".dockerenv"])
def test_what_is_of_the_machine_below_does_not_apply_to_a_container(tmp_path, mark):
    plan = {"host": "obs-1", "region": "eu", "controls": [row("HST-01", machine=True), row("HST-02")], "context": {"limit": 1}}
    world, probes = World(root=str(tmp_path), timeout=1), {"good": lambda world: GOOD}

    def statuses():
        return [result["status"] for result in assess(plan, probes=probes, world=world)["results"]]

    assert statuses() == ["pass", "pass"]
    (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / mark).write_text("")
    assert statuses() == ["not_applicable", "pass"]


def test_controls_of_the_same_reading_ask_once():
    asked = []

    def probe(_world, **arguments):
        asked.append(arguments)
        return GOOD

    run(row("HST-01", "p"), row("HST-02", "p"), row("HST-03", "p", check={"with": {"x": 1}}), probes={"p": probe})
    assert sorted(map(str, asked)) == ["{'x': 1}", "{}"]


def raising(error):
    def probe(_world):
        raise error
    return probe


@pytest.mark.parametrize(("probe", "words"), [
    (raising(PermissionError("no")), "PermissionError: no"), (raising(ReadError("denied")), "not read: denied"),
    (raising(RecursionError()), "RecursionError"), (raising(MemoryError()), "memory"),
    (lambda world: None, "TypeError"), (lambda world: [{"name": "x"}], "no reading"), (lambda world: [{"data": {}}], "no reading"),
    (lambda world: [{"name": "x", "data": {"v": 1}, "error": "y"}], "no reading"),
    (lambda world: [{"name": "x", "data": {1, 2}}], "TypeError"),
    (lambda world: [{"name": "x", "data": {"v": "z" * (9 << 20)}}], "more than"), (lambda world: [], "nothing was read"),
])
def test_whatever_a_probe_meets_is_an_error(probe, words):
    result = run(row("HST-01", "bad"), row("HST-02"), probes={"bad": probe})["results"]
    assert [item["status"] for item in result] == ["error", "pass"]
    assert words in result[0]["actual"] + result[0]["message"]


def test_a_probe_that_may_wait_for_what_settles_has_that_time_beside_its_own():
    slow = {"rules": lambda world, service: time.sleep(0.5) or GOOD, "files": lambda world, paths: time.sleep(5) or GOOD}
    rows = [row("REL-15", "rules", check={"with": {"service": "loki"}}), row("HST-05", "files", check={"with": {"paths": []}})]
    plan = {"host": "obs-1", "region": "eu", "controls": rows, "context": {}}
    answer = assess(plan, probes=slow, world=World(timeout=1, settle=2), timeout=0.2)
    results = {result["control"]: result for result in answer["results"]}
    assert results["REL-15"]["status"] == "pass" and "within 0.2 s" in results["HST-05"]["message"]


def test_a_probe_that_hangs_is_an_error_and_holds_up_no_other():
    forever = threading.Event()
    started = time.monotonic()
    rows = [row(f"HST-{number:02}", f"hang{number}") for number in range(1, 4)]
    rows += [row(f"NET-{number:02}", "good") for number in range(1, 9)]
    hanging = {f"hang{number}": lambda world: forever.wait(30) or GOOD for number in range(1, 4)}
    results = run(*rows, probes=hanging, timeout=0.3, threads=2)["results"]
    forever.set()
    assert time.monotonic() - started < 10
    assert [item["status"] for item in results] == ["error"] * 3 + ["pass"] * 8
    assert "did not end within 0.3 s" in results[0]["actual"]


def test_an_answer_after_its_time_is_not_taken():
    late = threading.Event()

    def probe(_world):
        late.wait(5)
        return GOOD

    def other(_world):
        time.sleep(0.3)
        late.set()
        time.sleep(0.1)
        return GOOD

    results = run(row("HST-01", "late"), row("HST-02", "other"), probes={"late": probe, "other": other}, timeout=0.2, threads=2)["results"]
    assert [item["status"] for item in results] == ["error", "error"]


def test_a_control_that_does_not_apply_says_why_and_asks_nothing():
    answer = run(row("HST-01", "never", reason="this host is in none of the groups kafka"), probes={"never": None})
    assert answer["results"][0]["status"] == "not_applicable" and "kafka" in answer["results"][0]["message"]


def test_a_manual_control_asks_a_person():
    result = run(row("CHG-02", mode="manual", check={"attest": "the branch is protected"}))["results"][0]
    assert result["status"] == "manual" and result["expected"] == "the branch is protected"


def test_a_region_is_the_subject_of_its_controls():
    assert run(row(per="region"))["results"][0]["subject"] == {"type": "region", "name": "eu", "region": "eu"}


def test_each_reading_is_a_subject_where_the_control_says_so():
    readings = [{"name": "loki", "data": {"v": 1}}, {"name": "jaeger", "data": {"v": 2}}, {"name": "node", "error": "denied"}]
    check = {"subject": "service"}
    results = run(row("TLS-05", "p", check=check), probes={"p": lambda world: readings})["results"]
    assert [(item["subject"]["type"], item["subject"]["name"], item["status"]) for item in results] == [
        ("service", "obs-1/loki", "pass"), ("service", "obs-1/jaeger", "fail"), ("service", "obs-1/node", "error")]
    assert [item["status"] for item in run(row("TLS-05", "p", check=check), probes={"p": lambda world: []})["results"]] == ["error"]


def test_only_leaves_out_what_is_not_meant_but_never_what_was_not_read():
    readings = [{"name": "a", "data": {"v": 1, "auth": "basic"}}, {"name": "b", "data": {"v": 2, "auth": "certificate"}}]
    check = {"only": {"auth": "basic"}}
    assert run(row("TLS-09", "p", check=check), probes={"p": lambda world: readings})["results"][0]["status"] == "pass"
    denied = [*readings, {"name": "c", "error": "denied"}]
    assert run(row("TLS-09", "p", check=check), probes={"p": lambda world: denied})["results"][0]["status"] == "error"
    nobody = run(row("TLS-09", "p", check={"only": {"auth": "none"}}), probes={"p": lambda world: readings})["results"][0]
    assert nobody["status"] == "error"


def test_parameters_reach_probe_and_judgement_in_comparable_units():
    seen = {}

    def probe(_world, window):
        seen["window"] = window
        return [{"name": "x", "data": {"age": 7000}}]

    check = {"with": {"window": "$window"}, "expect": [{"that": "age", "at_most": "$window"}]}
    rows = [row("HST-01", "p", check=check, params={"window": "2h"}, kinds={"window": "duration"}, overridden=["window"])]
    result = run(*rows, probes={"p": probe})["results"][0]
    assert seen == {"window": 7200} and result["status"] == "pass"
    assert result["parameters"] == {"window": "2h"} and result["overridden"] == ["window"]


def test_an_unknown_name_is_an_error_of_its_control_alone():
    results = run(row("HST-01", check={"with": {"x": "$context.nobody"}}), row("HST-02"))["results"]
    assert [item["status"] for item in results] == ["error", "pass"]
    assert "context.nobody" in results[0]["message"]


# -- evidence ----------------------------------------------------------------------------------------------------------
SECRETS = {"password": "correct-horse", "note": "mail to jane.doe@example.org", "hash": "$6$salt$abcdefghijklmnop",
           "url": "https://user:pa55word@host/x", "key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
           "header": "Authorization: Bearer abcdefgh12345678"}


def test_secrets_and_people_are_masked_everywhere():
    readings = [{"name": "x", "data": {"v": SECRETS["note"], **SECRETS}}, {"name": "y", "error": "said password=tr0ub4dor"}]
    text = json.dumps(run(row("HST-01", "p"), probes={"p": lambda world: readings}))
    for part in ("correct-horse", "jane.doe", "abcdefghijklmnop", "pa55word", "MIIE", "abcdefgh12345678", "tr0ub4dor"):
        assert part not in text, part
    assert "https://***@host/x" in text


def test_places_of_secrets_and_file_modes_stay_readable():
    data = {"password_file": "/etc/x/password", "mode": "0640", "ciphers": ["aes256-gcm@openssh"], "sha256": "ab" * 32}
    assert mask.data(data) == data


@given(st.integers(256, 4000), st.recursive(st.text(max_size=300) | st.integers(), lambda inner: st.lists(inner, max_size=40)
                                            | st.dictionaries(st.text(max_size=30), inner, max_size=30), max_leaves=120))
def test_evidence_is_bounded_whatever_was_read(limit, data):
    assert len(json.dumps(bounded([{"name": "x", "data": data}], limit))) <= limit


def test_evidence_keeps_what_is_wrong():
    readings = [{"name": f"unit-{number:03}", "data": {"v": 1 + (number == 400), "text": "x" * 50}} for number in range(500)]
    result = run(row("HST-21", "p"), probes={"p": lambda world: readings}, evidence=2048)["results"][0]
    assert result["status"] == "fail" and len(json.dumps(result["evidence"]["data"])) <= 2048
    assert result["evidence"]["data"][0]["name"] == "unit-400"

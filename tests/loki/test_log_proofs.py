"""Every LogQL alert of the bundle fires on the lines that its proof says, and stays silent on the others: in a Loki that the test starts.

`make proofs` runs it after the scenarios, when the program is in the cache; before, on a machine that never built it, it is skipped."""

from __future__ import annotations

import json
import os
import time

import one_loki
import pytest
import yaml

from dashboards import checks, load, rules

MOST = 30


def proofs():
    """Alert to (its rule, its proof), from the rules and tests that the bundle has."""
    content = load.everything()
    estate = checks.everywhere(content)
    found = {}
    for loaded in content.systems:
        made = {rule["alert"]: rule for group in rules.groups(loaded, estate, "loki") for rule in group["rules"]}
        # As they are read from the files of the bundle.
        made = yaml.safe_load(rules.dump(made))
        found |= {row["alert"]: (made[row["alert"]], row) for row in json.loads(json.dumps(rules.loki_tests(loaded, estate)))}
    return found


PROOFS = proofs()
# A rule that no line can fire: were it said to fire, the others would prove nothing.
DEAF = "Deaf"


def tenants():
    """Tenant to its rule: one for the lines that fire and one for those that do not, of each alert."""
    found = {f"{alert}-{case}": rule for alert, (rule, _proof) in PROOFS.items() for case in ("fires", "silent")}
    rule, _proof = next(iter(PROOFS.values()))
    return found | {DEAF: {**rule, "expr": 'count_over_time({service_name="nobody"}[5m]) > 0'}}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Tenant to its rule as the ruler has it, evaluated after its lines were taken."""
    archive = one_loki.kept()
    if archive is None:
        assert not os.environ.get("PSF_LOKI_NEEDED"), "no Loki in the cache, but the scenarios that have it made should have run"
        pytest.skip("no Loki in the cache yet; `make lab` or `make molecule` fetches or builds it, `make proofs` then runs this")
    found = {}
    with one_loki.running(archive, tmp_path_factory.mktemp("loki"), tenants()) as loki:
        for alert, (_rule, proof) in PROOFS.items():
            for case in ("fires", "silent"):
                loki.push(f"{alert}-{case}", proof[case])
        first = next(iter(PROOFS.values()))[1]
        loki.push(DEAF, first["fires"])
        # A time of the ruler is rounded to the second.
        pushed, deadline = time.time() + 1, time.monotonic() + MOST
        while len(found) < len(tenants()) and time.monotonic() < deadline:
            for tenant in set(tenants()) - set(found):
                for row in loki.rules(tenant):
                    if _seconds(row["lastEvaluation"]) > pushed:
                        found[tenant] = row
            time.sleep(0.5)
    return found


def _seconds(text):
    """Unix time of a moment such as 2026-01-02T03:04:05.678901234Z, to the second; 0 for never."""
    return 0 if text.startswith("0001") else time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone


@pytest.mark.parametrize("alert", PROOFS)
def test_fires(seen, alert):
    rule = seen[f"{alert}-fires"]
    assert rule["health"] == "ok", rule.get("lastError")
    assert rule["state"] == "firing", "the lines that should fire it do not"
    declared = PROOFS[alert][0]
    for row in rule["alerts"]:
        assert declared["labels"].items() <= row["labels"].items() and row["labels"]["alertname"] == alert
        texts = row["annotations"]
        assert set(texts) == {"summary", "description", "runbook_url", "dashboard_url"}
        assert not [text for text in texts.values() if "{{" in text or "<no value>" in text or "<error" in text], texts


@pytest.mark.parametrize("alert", PROOFS)
def test_stays_silent(seen, alert):
    rule = seen[f"{alert}-silent"]
    assert rule["health"] == "ok", rule.get("lastError")
    assert rule["state"] == "inactive", f"the lines that should leave it silent fire it: {rule['alerts']}"


def test_a_rule_that_fires_on_nothing_is_seen_not_to_fire(seen):
    assert seen[DEAF]["health"] == "ok" and seen[DEAF]["state"] == "inactive"

# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every control judges recorded facts as its fixture says: a pass, a fail, and what cannot be read, which is never a pass."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml
from ansible_collections.psf.observatory.plugins.module_utils.governance import control
from ansible_collections.psf.observatory.plugins.module_utils.governance.assess import assess
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError
from ansible_collections.psf.observatory.plugins.plugin_utils import controls as library

FIXTURES = Path(__file__).with_name("fixtures")
CONTROLS = library.load()
AUTOMATED = [name for name, row in CONTROLS.items() if row["mode"] == "automated"]
VERDICTS = ("pass", "fail", "error")
LOKI = {"service": "loki", "auth": "certificate", "address": "192.0.2.11", "port": 3100, "url": "https://192.0.2.11:3100"}
CONTEXT = {"host": "obs-1", "region": "eu", "environment": "test", "hosts": ["obs-1", "app-1"], "ports": [3100, 9095, 9100],
           "instances": ["obs-1:9100", "app-1:9100"], "services": [LOKI], "mutual": [LOKI], "login": [],
           "endpoints": {name: [dict(LOKI, host="obs-1")] for name in ("prometheus", "loki", "alertmanager", "jaeger")}}


@cache
def fixture(name):
    return yaml.load((FIXTURES / f"{name}.yml").read_text(encoding="utf-8"), Loader=library.LOADER)


def cases():
    for name in AUTOMATED:
        for verdict in VERDICTS:
            for what, readings in fixture(name).get(verdict, {}).items():
                yield pytest.param(name, verdict, readings, id=f"{name}-{verdict}-{what.replace(' ', '_')}")


def evaluate(name, readings, overrides=None):
    """The results of a control whose probe gives these readings."""
    def probe(_world, **_arguments):
        if readings == "raises":
            raise ReadError("the probe could not even begin")
        return readings

    row = CONTROLS[name]
    effective, changed = control.parameters(row, overrides or {}, name)
    plan = {"host": "obs-1", "region": "eu", "context": CONTEXT, "controls": [{
        "id": name, "mode": "automated", "per": row["applies_to"]["per"], "params": effective, "overridden": changed, "reason": "",
        "kinds": {key: spec["type"] for key, spec in row["params"].items()}, "check": row["check"]}]}
    return assess(plan, probes={row["check"]["probe"]: probe})["results"]


@pytest.mark.parametrize(("name", "verdict", "readings"), list(cases()))
def test_control(name, verdict, readings):
    results = evaluate(name, readings, fixture(name).get("parameters"))
    assert [row["status"] for row in results] == [verdict] * len(results), results
    for row in results:
        assert row["expected"] or verdict == "error"
        assert row["actual"] and row["message"]
        assert row["evidence"]["collector"] == CONTROLS[name]["check"]["probe"]


@pytest.mark.parametrize("name", AUTOMATED)
def test_every_control_has_a_case_of_each_verdict(name):
    found = fixture(name)
    assert set(found) <= {"parameters", *VERDICTS}
    assert all(found.get(verdict) for verdict in VERDICTS)


def test_no_fixture_is_of_a_control_that_is_gone():
    assert sorted(path.stem for path in FIXTURES.glob("*.yml")) == sorted(AUTOMATED)


@pytest.mark.parametrize("name", AUTOMATED)
def test_nothing_read_is_never_a_pass(name):
    assert {row["status"] for row in evaluate(name, [], fixture(name).get("parameters"))} == {"error"}


@pytest.mark.parametrize("name", AUTOMATED)
def test_one_reading_that_failed_is_never_a_pass(name):
    for readings in fixture(name)["pass"].values():
        broken = [*readings, {"name": "another", "error": "denied"}]
        assert "error" in {row["status"] for row in evaluate(name, broken, fixture(name).get("parameters"))}


@pytest.mark.parametrize("name", AUTOMATED)
def test_an_answer_of_another_shape_is_never_a_pass(name):
    for data in ({}, {"unexpected": 1}, [], "text", None):
        assert {row["status"] for row in evaluate(name, [{"name": "obs-1", "data": data}])} == {"error"}, data

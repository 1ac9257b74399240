# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be remedied: only what is named, only what is ours, nothing that disrupts unless that was said."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.psf.observatory.plugins.filter import remediation
from ansible_collections.psf.observatory.plugins.module_utils.governance.control import ControlError
from ansible_collections.psf.observatory.plugins.plugin_utils import controls, estate, remedies

KNOWN = controls.load()
GROUPS = {"all": ["o1", "a1", "o2"], "region_eu": ["o1", "a1"], "region_us": ["o2"], "loki": ["o1", "o2"]}


def choose(name="", tags=("all",), parameters=None, disruptive=False):
    return remedies.choose(KNOWN, name, list(tags), parameters or {}, disruptive)


def result(control, status, name, region):
    return {"control": control, "status": status, "message": "m", "actual": "a",
            "subject": {"type": "host", "name": name, "region": region}}


@pytest.mark.parametrize("arguments", [{}, {"tags": ["HST-05", "HST-06"]}, {"name": "XXX-01"}, {"name": "HST-01"}])
def test_what_cannot_be_done_is_refused_with_what_can(arguments):
    with pytest.raises(ControlError, match=r"These can be remedied: .*HST-05 \(owners and modes of files\).*PRV-04 \(.*disruptive\)"):
        choose(**arguments)


def test_what_disrupts_must_be_wanted():
    with pytest.raises(ControlError, match="add -e disruptive=true"):
        choose("PRV-04")
    assert choose("PRV-04", disruptive=True)["services"] == ["loki"]


def test_a_tag_names_a_control_and_its_parameters_are_those_of_the_environment():
    assert choose(tags=["HST-05"])["files"] == [{"paths": ["/etc/psf/tls/*.key"], "owner": "root", "mode": "0640"}]
    assert choose("HST-05", parameters={"HST-05": {"mode": "0600"}})["files"][0]["mode"] == "0600"


def test_only_roles_of_our_own_are_run():
    for name, row in KNOWN.items():
        if remedies.possible(row):
            remedy = row["remediation"]
            assert remedy.get("files") or remedy.get("services") or remedy["role"].startswith("psf.observatory."), name
    assert remedies.possible({"remediation": {"role": "somebody.else", "text": "x"}}) == ""


def test_it_is_done_where_it_fails_and_nowhere_else():
    remedy = choose("HST-05")
    hosts = {"o1": {"remediation_before": {"results": [result("HST-05", "pass", "o1", "eu")]}},
             "a1": {"remediation_before": {"results": [result("HST-05", "fail", "a1", "eu")]}},
             "o2": {"remediation_before": {"results": [result("HST-05", "error", "o2", "us")]}}}
    assert [name for name in GROUPS["all"] if remedies.due(remedy, hosts, GROUPS, name)] == ["a1"]


def test_what_fails_for_a_region_is_done_on_its_hosts_in_the_group():
    remedy = choose("PRV-04", disruptive=True)
    hosts = {"o1": {"remediation_before": {"results": [result("PRV-04", "fail", "eu", "eu")]}}, "a1": {},
             "o2": {"remediation_before": {"results": [result("PRV-04", "pass", "us", "us")]}}}
    assert [name for name in GROUPS["all"] if remedies.due(remedy, hosts, GROUPS, name)] == ["o1"]


def test_every_remedy_names_what_there_is():
    for name, row in KNOWN.items():
        assert set(row["remediation"].get("services") or []) <= {"all", *estate.services()}, name
        if role := row["remediation"].get("role"):
            assert (estate.ROLES / role.removeprefix("psf.observatory.")).is_dir(), name
        assert bool(remedies.possible(row)) == bool({"files", "role", "services"} & set(row["remediation"])), name


def test_the_roles_of_services_run_where_the_services_are():
    groups = GROUPS | {"prometheus": ["o1", "o2"], "otel_gateway": ["o1"]}
    hosts = {"o1": {"remediation_before": {"results": [result("AUD-06", "fail", "eu", "eu")]}}, "a1": {},
             "o2": {"remediation_before": {"results": [result("AUD-06", "pass", "us", "us")]}}}
    found = {name: remedies.roles(choose("AUD-06"), hosts, groups, name) for name in groups["all"]}
    # What the region's Loki misses is mended on every host of the region.
    assert [row["otel_collector_mode"] for row in found["o1"]] == ["agent", "gateway"]
    assert [(row["role"], row["service"]) for row in found["a1"]] == [("psf.observatory.otel_collector", "otel_agent")] and not found["o2"]


def test_all_services_are_those_of_the_host():
    hosts = {"a1": {"remediation_before": {"results": [result("HST-24", "fail", "a1", "eu")]}}, "o1": {}, "o2": {}}
    rows = remedies.roles(choose("HST-24", disruptive=True), hosts, GROUPS, "a1")
    assert [(row["role"], row["exporter_id"]) for row in rows] == [
        ("psf.observatory.exporter", "node"), ("psf.observatory.otel_collector", "")]
    assert remedies.roles(choose("HST-24", disruptive=True), hosts, GROUPS, "o1") == []


def test_before_and_after_of_each_subject():
    remedy = choose("HST-05")
    hosts = {"o1": {}, "o2": {}, "a1": {"remediation_before": {"results": [result("HST-05", "fail", "a1", "eu")]},
                                        "assessment_result": {"results": [result("HST-05", "error", "a1", "eu")]}}}
    assert remedies.lines(remedy, hosts, GROUPS) == ["a1: fail (a) -> error (a)"]
    assert remedies.left(remedy, hosts, GROUPS) == ["a1"]


def test_the_filter_says_why():
    with pytest.raises(AnsibleFilterError, match="name one control"):
        remediation.remedy("", ["all"], [], {}, False)
    with pytest.raises(AnsibleFilterError, match="governance_parameters"):
        remediation.remedy("HST-05", ["all"], [], {"HST-05": {"nothing": 1}}, False)

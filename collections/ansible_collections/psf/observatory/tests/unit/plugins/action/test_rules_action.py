# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of rules: one round trip where it knows what the host has, and tests that run once for all hosts."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from ansible_collections.psf.observatory.plugins.action.prometheus_rules import ActionModule
from ansible_collections.psf.observatory.plugins.plugin_utils.content import Bundle, Deployed, Part
from ansible_collections.psf.observatory.tests.unit.rig import alert, group, rules, write_bundle


def bundle(tmp_path, expr="up == 0"):
    return write_bundle(tmp_path / "bundle", {"prometheus/rules/node.yml": ("prometheus_rules", rules(group(alert(expr=expr)))),
                                              "pages/index.html": ("page", "hello")})


class Host:
    """A host that has files, and tests those that were not proven."""

    def __init__(self, tool="promtool 3"):
        self.has, self.digest, self.tool, self.calls, self.tested, self.answer = set(), "", tool, [], 0, {"changed": True}

    def module(self, arguments):
        content = arguments["content"]
        self.calls.append(content)
        missing = set(content["files"].values()) - self.has
        if content["digest"] == self.digest and not missing:
            return {"changed": False}
        if "groups" not in content or missing - set(content["data"]):
            return {"changed": False, "needs_content": sorted(missing), "tool": self.tool}
        self.tested += not content.get("proven")
        if not self.answer.get("failed"):
            self.has |= missing
            self.digest = content["digest"]
        return dict(self.answer)


def run(path, host, name="obs-eu-1", check=False):
    task = SimpleNamespace(args={"bundle": str(path)}, async_val=0, check_mode=check, action="psf.observatory.prometheus_rules", diff=False)
    action = ActionModule(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)), None, None, None, None)
    action._execute_module = lambda module_name, module_args, task_vars: host.module(module_args)
    return action.run(task_vars={"inventory_hostname": name})


def test_a_change_is_one_round_trip_with_only_what_is_new(tmp_path):
    host = Host()
    assert run(bundle(tmp_path), host)["changed"] and len(host.calls) == 2
    assert not run(bundle(tmp_path), host)["changed"] and len(host.calls) == 3 and "groups" not in host.calls[-1]
    assert run(bundle(tmp_path, "up == 1"), host)["changed"] and len(host.calls) == 4 and len(host.calls[-1]["data"]) == 1


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("{"), lambda path: path.write_text("[]"), lambda path: path.unlink()])
def test_what_is_remembered_may_be_wrong(tmp_path, spoil):
    host = Host()
    run(bundle(tmp_path), host)
    host.has.clear()
    assert run(bundle(tmp_path, "up == 1"), host)["changed"] and len(host.calls) == 4 and len(host.has) == 2
    for path in (tmp_path / "bundle.deployed").glob("*.json"):
        spoil(path)
    assert run(bundle(tmp_path, "up == 2"), host)["changed"] and len(host.calls) == 6


def test_check_mode_and_failures_are_not_remembered(tmp_path):
    host = Host()
    host.answer = {"failed": True, "msg": "bad rule"}
    assert run(bundle(tmp_path), host)["failed"]
    host.answer = {"changed": True}
    run(bundle(tmp_path), host, check=True)
    assert not list((tmp_path / "bundle.deployed").glob("*.json"))


def test_hosts_with_the_same_promtool_test_once(tmp_path):
    one, two, other = Host(), Host(), Host("promtool 2")
    for number, host in enumerate((one, two, other)):
        run(bundle(tmp_path), host, f"obs-{number}")
    assert (one.tested, two.tested, other.tested) == (1, 0, 1)


def test_beside_a_bundle_that_cannot_be_written_nothing_is_remembered(tmp_path):
    host, path = Host(), bundle(tmp_path)
    (tmp_path / "bundle.deployed").touch()
    assert run(path, host)["changed"] and host.tested == 1
    assert run(bundle(tmp_path, "up == 1"), host)["changed"] and len(host.calls) == 4


def test_what_failed_is_tested_by_the_next(tmp_path):
    one, two = Host(), Host()
    one.answer = two.answer = {"failed": True, "msg": "bad rule"}
    assert run(bundle(tmp_path), one)["failed"] and run(bundle(tmp_path), two, "obs-2")["failed"]
    assert (one.tested, two.tested) == (1, 1)


def test_the_others_wait_for_the_one_that_tests(tmp_path):
    part = Part(Bundle(bundle(tmp_path)), "prometheus_rules")
    seen, second = [], Deployed(part.bundle.path, "prometheus_rules", "b")

    def other():
        with second.proof(part, "promtool 3") as proof:
            seen.append(proof["proven"])
    with Deployed(part.bundle.path, "prometheus_rules", "a").proof(part, "promtool 3") as proof:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive() and not seen
        proof["passed"] = True
    thread.join(10)
    assert seen == [True]


def test_without_a_promtool_there_is_nothing_to_wait_for(tmp_path):
    part = Part(Bundle(bundle(tmp_path)), "prometheus_rules")
    with Deployed(part.bundle.path, "prometheus_rules", "a").proof(part, "") as proof:
        assert not proof["proven"]
    assert not (tmp_path / "bundle.deployed").exists()

# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task `assessment` from its options to its answer: the action resolves on the controller, the module evaluates on the host."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.module_utils.testing import patch_module_args
from ansible_collections.psf.observatory.plugins.action.assessment import ActionModule
from ansible_collections.psf.observatory.plugins.modules import assessment

HOSTS = {"obs-1": {"ansible_host": "127.0.0.1"}}
VARIABLES = {"hostvars": HOSTS, "groups": {"all": ["obs-1"], "region_eu": ["obs-1"]}, "inventory_hostname": "obs-1"}


@pytest.fixture
def task(capsys):
    """Run the task; the module runs in this process."""
    def run(check=False, **arguments):
        sent = []

        class Action(ActionModule):
            def _execute_module(self, module_name, module_args, task_vars):
                sent.append(module_args)
                with patch_module_args({**module_args, "_ansible_check_mode": check}), pytest.raises(SystemExit):
                    assessment.main()
                return json.loads(capsys.readouterr().out)

        made = SimpleNamespace(args=arguments, async_val=0, check_mode=check, action="psf.observatory.assessment")
        answer = Action(made, SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)), None, None, None).run(None, VARIABLES)
        return answer, sent

    return run


def test_from_options_to_results(task):
    answer, sent = task(controls=["HST-01", "HST-12", "REL-06"], credentials={"username": "machine", "password": "s3cret-word"})
    assert answer["changed"] is False and answer["controls"] == ["HST-01", "HST-12", "REL-06"]
    found = {row["control"]: row for row in answer["results"]}
    assert found["HST-12"]["status"] in ("pass", "error") and found["REL-06"]["status"] == "not_applicable"
    assert answer["seconds"] >= 0 and answer["region"] == "eu"
    assert "plan" not in answer["invocation"]["module_args"] and "s3cret-word" not in json.dumps(answer)
    assert set(sent[0]) == {"plan", "credentials"}, "what is for the controller stays there"


def test_check_mode_is_the_same(task):
    assert task(check=True, controls=["HST-01"])[0]["results"][0]["control"] == "HST-01"


def test_tags_narrow_what_is_evaluated(task):
    assert task(tags=["all"], controls=["HST-0*"])[0]["controls"] == [f"HST-0{number}" for number in range(1, 10)]
    assert task(tags=["HST-02"], controls=["HST-0*"])[0]["controls"] == ["HST-02"]


def test_controls_of_a_directory_run_too(task, tmp_path):
    (tmp_path / "HST-90.yml").write_text("""
id: HST-90
title: A control of our own
severity: low
domain: host-hardening
rationale: We want it so.
check: {probe: sysctl, with: {keys: [kernel.ostype]}, expect: [{that: '"kernel.ostype"', equals: $name}]}
params: {name: {type: str, default: Linux, description: What it is.}}
frameworks: {gdpr: [], iso27001: [], nist80053: [], soc2: [], cis: []}
owner: us
""", encoding="utf-8")
    options = {"directories": [str(tmp_path)], "controls": ["HST-90"]}
    assert task(**options)[0]["results"][0]["status"] == "pass"
    result = task(**options, parameters={"HST-90": {"name": "Plan 9"}})[0]["results"][0]
    assert result["status"] == "fail" and result["overridden"] == ["name"] and result["parameters"] == {"name": "Plan 9"}


@pytest.mark.parametrize(("options", "words"), [
    ({"controls": ["HST-99"]}, "HST-99"), ({"controls": "HST-01"}, "controls: 'HST-01' is no list"),
    ({"parameters": {"X": {}}}, "no such control"),
    ({"parameters": {"TLS-06": {"min_days": "soon"}}}, "min_days"), ({"directories": ["/nonexistent"]}, "no such directory"),
    ({"plan": {}}, "plan: this option is set by the action"), ({"tags": ["HST-99"]}, "--tags HST-99"),
])
def test_what_cannot_be_right_is_refused_before_the_host_is_asked(task, options, words):
    with pytest.raises(AnsibleActionFail, match=words):
        task(**options)


@pytest.mark.parametrize(("options", "words"), [
    ({"timeout": 0}, "timeout"), ({"threads": 0}, "threads"), ({"evidence_limit": 10}, "evidence_limit")])
def test_a_bound_that_bounds_nothing_is_refused(task, options, words):
    answer, _sent = task(controls=["HST-01"], **options)
    assert answer["failed"] and words in answer["msg"]

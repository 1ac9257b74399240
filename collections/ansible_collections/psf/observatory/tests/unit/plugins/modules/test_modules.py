# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as Ansible runs them: arguments in, one JSON answer out, no secret in it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.psf.observatory.plugins.module_utils import reconcile
from ansible_collections.psf.observatory.plugins.modules import component, component_facts
from ansible_collections.psf.observatory.tests.unit.fakes import config, converge, resolved

TOKEN = "correct-horse-battery"
DECLARATION = {"name": "demo", "unit": {"exec": ["/usr/bin/demo"]}, "files": [config()]}


@pytest.fixture
def module(host, monkeypatch, tmp_path, capsys):
    """Run the module `component` against a host; returns its answer and whether it failed."""
    monkeypatch.setattr(component, "Host", lambda: host)
    monkeypatch.setattr(component, "LOCKS", str(tmp_path / "locks"))

    def run(check=False, **arguments):
        with patch_module_args({**DECLARATION, "_ansible_check_mode": check, "_ansible_diff": True, **arguments}), \
                pytest.raises(SystemExit) as end:
            component.main()
        return json.loads(capsys.readouterr().out), end.value.code != 0

    return run


def test_a_run_answers_with_plan_and_diff(module, host):
    answer, failed = module()
    assert not failed and answer["changed"] and answer["exposure"] == 1.2
    assert answer["plan"][-1] == {"step": "start", "target": "demo.service"}
    assert answer["diff"][0]["after"] == "a: 1\n"
    answer, failed = module()
    assert not failed and not answer["changed"] and answer["plan"] == [] and answer["diff"] == []


def test_check_mode_takes_no_lock_and_changes_nothing(module, host, tmp_path):
    answer, failed = module(check=True)
    assert not failed and answer["changed"]
    assert host.changes == 0 and not (tmp_path / "locks").exists()


def test_two_runs_on_one_component_do_not_mix(module, tmp_path):
    path = tmp_path / "locks" / "demo.lock"
    with reconcile.locked(str(path), 0):
        answer, failed = module(lock_timeout=0)
    assert failed and "another run holds" in answer["msg"]


def test_a_failure_says_what_was_done_about_it(module):
    module()
    answer, failed = module(files=[config("CRASH")])
    assert failed and answer["rolled_back"] is True
    assert answer["log"] == ["demo: bad settings, giving up"]
    assert "does not stay up" in answer["msg"]


def test_a_wrong_option_fails_before_anything_is_touched(module, host):
    answer, failed = module(config_dir="etc/demo")
    assert failed and answer["msg"].startswith("config_dir: 'etc/demo' is not a plain absolute path")
    assert host.changes == 0


def test_no_secret_is_in_the_answer(module):
    secrets = {"secrets": {"/etc/demo/token": TOKEN}, "secret_environment": {"T": TOKEN},
               "readiness": {"url": "http://127.0.0.1:1/", "password": TOKEN}}
    for arguments in (secrets, {**secrets, "files": [config("CRASH")]}, {}):
        answer, _failed = module(**arguments)
        assert TOKEN not in json.dumps(answer)


def test_a_missing_artifact_is_asked_for(module, host, tmp_path):
    known = resolved(tmp_path, "1.0")
    answer, failed = module(resolved={"server": "demo", "accept": known["accept"]})
    assert not failed and answer["needs_artifact"] is True and not answer["changed"] and host.changes == 0
    answer, failed = module(resolved=known)
    assert not failed and answer["artifact"]["version"] == "1.0" and "needs_artifact" not in answer


# -- component_facts ---------------------------------------------------------------------------------------------------
def test_facts_name_every_component_with_its_artifact(host, tmp_path):
    converge(host, resolved=resolved(tmp_path, "1.0"))
    converge(host, name="plain")
    found = component_facts.components(host)
    assert found["demo"]["version"] == "1.0" and found["demo"]["server"] == "demo"
    assert found["plain"] == {} and sorted(found) == ["demo", "plain"]


def test_facts_of_a_fresh_host_are_empty(host):
    assert component_facts.components(host) == {}


@pytest.mark.parametrize("text, distribution", [
    ('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n', "debian-13"),
    ("ID=ubuntu\nVERSION_ID='24.04'\n", "ubuntu-24"), ("# nothing\n", "unknown-")])
def test_the_distribution_is_what_os_release_says(monkeypatch, tmp_path, text, distribution):
    (tmp_path / "os-release").write_text(text)
    monkeypatch.setattr(component_facts, "open", lambda path, **options: (tmp_path / Path(path).name).open(**options), raising=False)
    monkeypatch.setattr(component_facts, "os", SimpleNamespace(path=SimpleNamespace(exists=lambda path: True)))
    assert component_facts.distribution() == distribution

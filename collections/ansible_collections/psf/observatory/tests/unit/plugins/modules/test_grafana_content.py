# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module and its action as Ansible runs them: a bundle on the controller in, one answer out, no secret in it, patches back."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.module_utils.testing import patch_module_args
from ansible_collections.psf.observatory.plugins.action.grafana_content import ActionModule
from ansible_collections.psf.observatory.plugins.module_utils import reconcile
from ansible_collections.psf.observatory.plugins.modules import grafana_content
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double import Double

SECRET = "correct-horse-battery"


@pytest.fixture
def grafana():
    with Double() as double:
        yield double


@pytest.fixture
def module(grafana, monkeypatch, tmp_path, capsys):
    """Run the module against the double; its answer and whether it failed."""
    monkeypatch.setattr(grafana_content, "lock_of", lambda params: str(tmp_path / "locks" / "grafana.lock"))

    def run(check=False, **arguments):
        arguments = {"url": grafana.url, "username": "admin", "password": "admin", "use_proxy": False, **arguments}
        with patch_module_args({"_ansible_check_mode": check, "_ansible_diff": True, **arguments}), pytest.raises(SystemExit) as end:
            grafana_content.main()
        return json.loads(capsys.readouterr().out), end.value.code != 0

    return run


@pytest.fixture
def bundle(tmp_path):
    def make(**models):
        rows = []
        for uid, model in models.items():
            path = tmp_path / "bundle" / "grafana" / "dashboards" / f"{uid}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            data = json.dumps({"uid": uid, "title": uid.title(), **model}).encode()
            path.write_bytes(data)
            rows.append({"path": f"grafana/dashboards/{uid}.json", "kind": "grafana_dashboard", "owner": uid,
                         "sha256": hashlib.sha256(data).hexdigest()})
        (tmp_path / "bundle" / "manifest.json").write_text(json.dumps({"format": 1, "environment": "lab", "files": rows}))
        return str(tmp_path / "bundle")
    return make


@pytest.fixture
def action(module, tmp_path):
    """Run the action, with the module in this process."""
    def run(check=False, **arguments):
        class Action(ActionModule):
            def _execute_module(self, module_name, module_args, task_vars):
                answer, failed = module(check=check, **copy.deepcopy(module_args))
                return {**answer, "failed": failed}

        task = SimpleNamespace(args=arguments, async_val=0, check_mode=check, action="psf.observatory.grafana_content")
        return Action(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)), None, None, None).run(task_vars={})
    return run


def test_a_bundle_comes_to_grafana_each_dashboard_in_its_folder(action, bundle, grafana):
    path = bundle(node={"tags": ["a"]}, loki={})
    arguments = {"bundle": path, "placement": {"node": "n", "*": "rest"}, "folders": [
        {"uid": "n", "title": "N folder"}, {"uid": "rest", "title": "Rest"}]}
    answer = action(**arguments)
    assert answer["changed"] and not answer["failed"] and answer["objects"]["created"] == 4
    folders = {uid: row["folder"] for uid, row in grafana.orgs[1].dashboards.items() if uid in ("node", "loki")}
    assert folders == {"node": "n", "loki": "rest"}
    answer = action(**arguments)
    assert not answer["changed"] and answer["calls"]["writes"] == 0 and answer["diff"] == []
    assert "content" not in answer.get("invocation", {}).get("module_args", {})


@pytest.mark.parametrize(("break_it", "words"), [
    (lambda top: (top / "manifest.json").unlink(), "manifest.json is missing"),
    (shutil.rmtree, "manifest.json is missing"),
    (lambda top: (top / "manifest.json").write_text((top / "manifest.json").read_text()[:40]), "not JSON"),
    (lambda top: (top / "grafana/dashboards/node.json").write_text('{"uid": "no'), "its sha256 is not the manifest's"),
    (lambda top: (top / "manifest.json").write_text('{"format": 2}'), "format is 2, this version reads 1"),
    (lambda top: (top / "grafana/dashboards/node.json").write_text("{}"), "its sha256 is not the manifest's"),
    (lambda top: (top / "grafana/dashboards/node.json").unlink(), "but the manifest names it"),
])
def test_a_broken_bundle_never_leaves_the_controller(action, bundle, grafana, tmp_path, break_it, words):
    path = bundle(node={})
    break_it(tmp_path / "bundle")
    with pytest.raises(AnsibleActionFail, match=words):
        action(bundle=path)
    assert grafana.calls == []


def test_what_was_edited_by_hand_is_written_as_a_patch(action, bundle, grafana, tmp_path):
    path = bundle(node={})
    action(bundle=path)
    dash = grafana.orgs[1].dashboards["node"]
    dash["data"].update(refresh="5s", version=2)
    dash["version"] = 2
    with pytest.raises(AnsibleActionFail, match="adopt_to"):
        action(bundle=path, drift="adopt")
    answer = action(bundle=path, drift="adopt", adopt_to=str(tmp_path / "patches"))
    assert not answer["changed"] and answer["drift"][0]["done"] == "left"
    assert '+ "refresh": "5s",' in (tmp_path / "patches" / "dashboards-node.json.patch").read_text()


def test_no_secret_is_in_the_answer(module):
    source = {"uid": "p", "name": "P", "type": "prometheus", "url": "http://127.0.0.1:9", "secure_json_data": {"basicAuthPassword": SECRET}}
    for arguments in ({}, {"check": True}, {"dashboards": [{"model": {"uid": "a b", "title": "x"}}]}):
        answer, _failed = module(datasources=[source], **arguments)
        assert SECRET not in json.dumps(answer)


@pytest.mark.parametrize(("arguments", "words"), [
    ({"url": "grafana:3000"}, "is not an http"), ({"url": "http://admin:admin@h"}, "has a user"),
    ({"workers": 0}, "workers: 0 is too small"),
    ({"scope": "a/b"}, "scope: 'a/b' is not"), ({"username": None, "password": None}, "token, username: one of them"),
    ({"ca": "/nowhere/ca.crt", "url": "https://h"}, "cannot be used"),
])
def test_a_wrong_option_fails_before_anything_is_asked(module, grafana, arguments, words):
    arguments = {key: value for key, value in arguments.items() if value is not None} | (
        {"username": ""} if arguments.get("username", "") is None else {})
    answer, failed = module(**arguments)
    assert failed and words in answer["msg"] and grafana.calls == []


def test_two_runs_on_one_organisation_do_not_mix(module, tmp_path):
    with reconcile.locked(str(tmp_path / "locks" / "grafana.lock"), 0):
        answer, failed = module(lock_timeout=0)
        assert failed and "another run holds" in answer["msg"]
        answer, failed = module(lock_timeout=0, check=True)
        assert not failed

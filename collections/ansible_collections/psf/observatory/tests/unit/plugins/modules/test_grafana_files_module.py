# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module and its action as Ansible runs them: a bundle in, files out, no secret in the answer."""

from __future__ import annotations

import copy
import hashlib
import json
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.module_utils.testing import patch_module_args
from ansible_collections.psf.observatory.plugins.action.grafana_files import ActionModule
from ansible_collections.psf.observatory.plugins.modules import grafana_files

SECRET = "correct-horse-battery"


@pytest.fixture
def action(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(grafana_files, "STATE", str(tmp_path / "state"))
    places = {"path": str(tmp_path / "provisioning"), "dashboards_path": str(tmp_path / "boards"),
              "secrets_path": str(tmp_path / "secrets"), "group": "root"}

    def run(check=False, **arguments):
        class Action(ActionModule):
            def _execute_module(self, module_name, module_args, task_vars):
                options = {"_ansible_check_mode": check, "_ansible_diff": True, **places, **copy.deepcopy(module_args)}
                with patch_module_args(options), pytest.raises(SystemExit) as end:
                    grafana_files.main()
                return {**json.loads(capsys.readouterr().out), "failed": end.value.code != 0}

        task = SimpleNamespace(args=arguments, async_val=0, check_mode=check, action="psf.observatory.grafana_files")
        return Action(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)), None, None, None).run(task_vars={})
    return run


@pytest.fixture
def bundle(tmp_path):
    data = json.dumps({"uid": "node", "title": "Node"}).encode()
    path = tmp_path / "bundle" / "grafana" / "node.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    (tmp_path / "bundle" / "manifest.json").write_text(json.dumps({"format": 1, "environment": "lab", "files": [
        {"path": "grafana/node.json", "kind": "grafana_dashboard", "owner": "node", "sha256": hashlib.sha256(data).hexdigest()}]}))
    return tmp_path / "bundle"


def test_a_bundle_becomes_files(action, bundle, tmp_path):
    arguments = {"bundle": str(bundle), "placement": {"*": "psf"}, "folders": [{"uid": "psf", "title": "Observatory"}]}
    check = action(check=True, **arguments)
    assert check["changed"] and not (tmp_path / "provisioning").exists()
    answer = action(**arguments)
    assert answer["plan"] == check["plan"] and json.loads((tmp_path / "boards/default/psf/node.json").read_text())["title"] == "Node"
    assert "content" not in answer.get("invocation", {}).get("module_args", {})
    assert not action(**arguments)["changed"]


def test_a_broken_bundle_never_leaves_the_controller(action, bundle, tmp_path):
    (bundle / "grafana/node.json").write_text("{}")
    with pytest.raises(AnsibleActionFail, match="its sha256 is not the manifest's"):
        action(bundle=str(bundle))
    assert not (tmp_path / "provisioning").exists()


def test_no_secret_is_in_the_answer(action):
    source = {"uid": "p", "name": "P", "type": "prometheus", "url": "http://127.0.0.1:9", "secure_json_data": {"basicAuthPassword": SECRET}}
    for arguments in ({"check": True}, {}, {"scope": "a/b"}):
        assert SECRET not in json.dumps(action(datasources=[source], **arguments))


def test_an_error_is_the_modules(action):
    answer = action(teams=[{"name": "SRE"}])
    assert answer["failed"] and "files of Grafana cannot hold it" in answer["msg"]

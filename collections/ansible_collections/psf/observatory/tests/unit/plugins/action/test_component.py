# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of a component: contents as text, and the artifact only when the host does not have it."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
from types import SimpleNamespace

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.psf.observatory.plugins.action.component import ActionModule, dump, plain
from ansible_collections.psf.observatory.plugins.module_utils.component.converge import Converger, NeedsArtifact
from ansible_collections.psf.observatory.plugins.module_utils.component.model import Component
from ansible_collections.psf.observatory.plugins.modules import component as component_module
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts import lock, payload, sources
from hypothesis import given
from hypothesis import strategies as st

FACTS = {"ansible_facts": {"psf_architecture": "amd64", "psf_distribution": "debian-13"}}
ARTIFACT = {"server": "demo", "source": "release"}


class Action(ActionModule):
    """The action with a host behind it: modules run against `host`, a transfer is a copy, and each way there is counted."""

    def __init__(self, host, tmp_path, check=False, **arguments):
        shell = SimpleNamespace(tmpdir=None, join_path=os.path.join)
        task = SimpleNamespace(args={"name": "demo", "unit": {"exec": ["{artifact}/demo"]}, **arguments}, async_val=0,
                               check_mode=check, action="psf.observatory.component")
        super().__init__(task, SimpleNamespace(_shell=shell), None, None, None)
        self.host, self.remote, self.modules, self.trips, self.facts = host, tmp_path / "remote-tmp", [], [], FACTS["ansible_facts"]

    def _execute_module(self, module_name, module_args, task_vars):
        self.trips.append(module_name.rsplit(".", 1)[1])
        self.modules.append(copy.deepcopy(module_args))
        if module_name.endswith("component_facts"):
            return {"ansible_facts": self.facts}
        validated = ArgumentSpecValidator(component_module.argument_spec()).validate(module_args)
        assert not validated.error_messages
        try:
            return Converger(Component(validated.validated_parameters), self.host, self._task.check_mode).run()
        except NeedsArtifact as needs:
            return {"changed": False, "needs_artifact": True, "other_artifact": needs.other}

    def _make_tmp_path(self, remote_user=None):
        self.trips.append("make tmp")
        self.remote.mkdir()
        self._connection._shell.tmpdir = str(self.remote)

    def _remove_tmp_path(self, tmp_path, force=False):
        if tmp_path:
            self.trips.append("remove tmp")
            shutil.rmtree(tmp_path)
            self._connection._shell.tmpdir = None

    def _transfer_file(self, local_path, remote_path):
        self.trips.append("transfer")
        shutil.copy(local_path, remote_path)

    def _fixup_perms2(self, remote_paths, remote_user=None, execute=True):
        pass


@pytest.fixture
def act(host, tmp_path, monkeypatch):
    """Run the action once; returns it and its result."""
    monkeypatch.setenv("PSF_CACHE", str(tmp_path / "cache"))

    def run(check=False, task_vars=None, **arguments):
        action = Action(host, tmp_path, check, **arguments)
        return action, action.run(task_vars=FACTS if task_vars is None else task_vars)

    return run


@pytest.fixture
def release(tmp_path, web, monkeypatch):
    """A server `demo` with a release on a web server."""
    archive = payload.write_payload({"demo": b"program"}, web.directory / "demo.tar.gz")
    (tmp_path / "locks" / "demo").mkdir(parents=True)
    (tmp_path / "locks" / "demo" / "lock.yml").write_text(yaml.safe_dump({"id": "demo", "sources": {
        "release": {"version": "1.0", "url": web.url + "/demo.tar.gz", "files": {"demo": "demo"},
                    "sha256": {"amd64": hashlib.sha256(archive.read_bytes()).hexdigest()}},
        "package": {"debian-13": {"names": ["demo-server"], "version": "0.9", "files": {"demo": "usr/bin/demo"}}}}}))
    monkeypatch.setattr(lock, "LOCKS", tmp_path / "locks")
    return web


# -- round trips -------------------------------------------------------------------------------------------------------
def test_a_component_without_artifact_is_one_round_trip(act):
    action, result = act(files=[{"path": "/etc/demo/demo.yml", "content": "a: 1\n"}])
    assert action.trips == ["component"] and result["changed"]


def test_an_artifact_is_sent_once_and_then_never_again(act, release, host):
    action, result = act(artifact=ARTIFACT)
    assert action.trips == ["component", "make tmp", "transfer", "component", "remove tmp"]
    assert result["changed"] and result["artifact"]["version"] == "1.0"
    assert host.read(host.link("/opt/psf/demo/current") + "/demo").data == b"program"
    assert not action.remote.exists()
    asked = len(release.asked)
    action, result = act(artifact=ARTIFACT)
    assert action.trips == ["component"] and not result["changed"]
    assert len(release.asked) == asked


def test_the_host_is_told_every_artifact_that_would_do(act, release):
    action, _result = act(artifact={"server": "demo"})
    assert [(row["source"], row["version"]) for row in action.modules[0]["resolved"]["accept"]] == [
        ("release", "1.0"), ("package", "0.9")]
    assert "chosen" not in action.modules[0]["resolved"]


def test_check_mode_chooses_but_fetches_and_sends_nothing(act, release, host, tmp_path):
    action, result = act(check=True, artifact=ARTIFACT)
    assert action.trips == ["component", "component"]
    assert ("install artifact", "demo 1.0 from release") in [(row["step"], row.get("detail")) for row in result["plan"]]
    assert host.changes == 0 and not (tmp_path / "cache").exists()
    assert {method for method, *_rest in release.asked} == {"HEAD"}


def test_a_package_is_named_and_not_sent(act, release, host, monkeypatch):
    unpacked = []
    monkeypatch.setattr(host, "unpack_package", lambda package, directory, stamp: (
        unpacked.append(package), host.make_directory(directory)))
    action, result = act(artifact={"server": "demo", "source": "package"})
    assert action.trips == ["component", "component"]
    assert unpacked[0]["names"] == ["demo-server"] and result["artifact"]["source"] == "package"


def test_absent_asks_for_no_artifact(act, release):
    act(artifact=ARTIFACT)
    action, result = act(artifact=ARTIFACT, state="absent")
    assert action.trips == ["component"] and "resolved" not in action.modules[0] and result["changed"]


def test_the_payload_is_removed_also_after_a_failure(act, release, host, tmp_path, monkeypatch):
    def broken(*_args):
        raise RuntimeError

    monkeypatch.setattr(host, "unpack_payload", broken)
    with pytest.raises(RuntimeError):
        act(artifact=ARTIFACT)
    assert not (tmp_path / "remote-tmp").exists()


# -- facts -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("facts, trips", [
    ({"psf_architecture": "arm64", "psf_distribution": "debian-13"}, []),
    ({"architecture": "aarch64", "distribution": "Debian", "distribution_major_version": "13"}, []),
    ({"architecture": "aarch64"}, ["component_facts"]),
    ({}, ["component_facts"]),
])
def test_facts_that_are_known_are_not_asked_for_again(host, tmp_path, release, facts, trips):
    action = Action(host, tmp_path, check=True, artifact={"server": "demo"})
    action.facts = {"psf_architecture": "arm64", "psf_distribution": "debian-13"}
    action.run(task_vars={"ansible_facts": facts})
    assert action.trips == [*trips, "component", "component"]
    accepted = [module["resolved"]["accept"] for module in action.modules if "resolved" in module][0]
    assert [row["source"] for row in accepted] == ["package"]


def test_an_architecture_without_programs_is_named(act, release):
    with pytest.raises(AnsibleActionFail, match="demo: this host's architecture riscv64 is none of amd64, arm64"):
        act(task_vars={"ansible_facts": {"psf_architecture": "riscv64", "psf_distribution": "debian-13"}},
            artifact={"server": "demo", "allow_unpinned": True})


def test_an_artifact_that_cannot_be_had_fails_the_task_in_its_own_words(act, release, host):
    with pytest.raises(AnsibleActionFail, match="there is no lock for 'nothing'; known are demo"):
        act(artifact={"server": "nothing"})
    (release.directory / "demo.tar.gz").unlink()
    with pytest.raises(AnsibleActionFail, match="demo for amd64 cannot be had: release: .*/demo.tar.gz: HTTP 404"):
        act(artifact=ARTIFACT)
    assert host.changes == 0


# -- contents ----------------------------------------------------------------------------------------------------------
def contents(act, *rows):
    action, _result = act(check=True, files=list(rows))
    return [row["content"] for row in action.modules[0]["files"]]


def test_a_mapping_becomes_yaml_or_json_and_a_text_stays(act):
    value = {"b": [1, {"c": None}], "a": "x\ny\n"}
    as_yaml, as_json, as_text = contents(act, {"path": "/etc/demo/a.yml", "content": value},
                                         {"path": "/etc/demo/b.json", "content": value}, {"path": "/etc/demo/c", "content": "{}"})
    assert as_yaml == "b:\n  - 1\n  - c: null\na: |\n  x\n  y\n"
    assert json.loads(as_json) == value and as_json.endswith("}\n")
    assert as_text == "{}"


def test_a_secret_may_be_a_mapping_too(act):
    action, _result = act(check=True, secrets={"/etc/demo/web.yml": {"users": {"ada": "x"}}, "/etc/demo/token": "t"})
    assert action.modules[0]["secrets"] == {"/etc/demo/web.yml": "users:\n  ada: x\n", "/etc/demo/token": "t"}


@pytest.mark.parametrize("row", ["/etc/demo/x", {"path": "/etc/demo/x"}, {"content": "x"}])
def test_a_file_without_path_or_content_is_named(act, row):
    with pytest.raises(AnsibleActionFail, match="files: each entry is a mapping with path and content; got"):
        act(files=[row])


def test_ansibles_own_types_become_plain_ones():
    class Tagged(str):
        __slots__ = ()

    found = plain({Tagged("k"): (Tagged("v"), True, 1.5)})
    assert found == {"k": ["v", True, 1.5]} and {type(key) for key in found} == {str} and not isinstance(found["k"][0], Tagged)
    assert plain({1: "a"}) == {"1": "a"}


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS,
              st.sampled_from(["yes", "0640", "1e3", "~", " a\nb ", "\n a", "a: b", "- x", "#", "x\n\n", "2024-01-01", "=", "\t\n"])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)), max_leaves=12)


@given(VALUES)
def test_what_is_written_as_yaml_reads_back_equal(value):
    text = dump(value)
    assert yaml.safe_load(text) == value
    assert dump(copy.deepcopy(value)) == text


def test_equal_parts_are_written_out_and_not_referred_to():
    part = {"tls": True}
    assert dump({"a": part, "b": part}) == "a:\n  tls: true\nb:\n  tls: true\n"


def test_long_lines_are_not_folded():
    line = "word " * 500
    assert dump({"expr": line.strip()}) == "expr: " + line.strip() + "\n"


# -- what is optional --------------------------------------------------------------------------------------------------
OPTIONAL = {**ARTIFACT, "optional": True}


def on(host, **facts):
    return {"inventory_hostname": host, "ansible_facts": {**FACTS["ansible_facts"], **facts}}


@pytest.mark.parametrize("check", [False, True])
def test_an_optional_artifact_that_cannot_be_had_skips_the_host_and_says_so_once(act, release, host, monkeypatch, capsys, check):
    monkeypatch.setattr(sources, "_cannot_reach", lambda request, row: "is off")
    action, result = act(check=check, task_vars=on("a"), artifact=OPTIONAL)
    assert result["skipped"] and not result["changed"] and action.trips == ["component"] and host.changes == 0
    assert result["ansible_facts"] == {"psf_unavailable": {"demo": ["a"]}}
    assert [line for line in capsys.readouterr().out.splitlines() if "is off" in line]
    action, result = act(check=check, task_vars=on("a", psf_unavailable={"demo": ["a", "b"]}), artifact=OPTIONAL)
    assert result["skipped"] and action.trips == []
    assert not capsys.readouterr().out


def test_it_is_installed_once_it_can_be_had_and_the_fact_says_so(act, release):
    _action, result = act(task_vars=on("a", psf_unavailable={"demo": ["b"], "x": ["a"]}), artifact=OPTIONAL)
    assert result["changed"] and result["ansible_facts"] == {"psf_unavailable": {"demo": [], "x": ["a"]}}


def test_a_host_that_has_another_version_is_an_error(act, release, monkeypatch):
    act(artifact=ARTIFACT)
    monkeypatch.setattr(sources, "_cannot_reach", lambda request, row: "is off")
    with pytest.raises(AnsibleActionFail, match="demo for amd64 cannot be had: release: is off"):
        act(task_vars=on("a"), artifact={**OPTIONAL, "version": "2.0", "allow_unpinned": True})


def test_without_the_option_it_is_an_error(act, release, monkeypatch):
    monkeypatch.setattr(sources, "_cannot_reach", lambda request, row: "is off")
    with pytest.raises(AnsibleActionFail, match="cannot be had"):
        act(task_vars=on("a"), artifact=ARTIFACT)

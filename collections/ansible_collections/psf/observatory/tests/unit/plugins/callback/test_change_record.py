# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback in a real run of Ansible: one that fails half-way, with secrets in its variables, its tasks and its error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.psf.observatory.plugins.callback import change_record

COLLECTIONS = Path(__file__).resolve().parents[7]
PLAY = """
- hosts: all
  gather_facts: false
  connection: local
  tasks:
    - name: Changes
      ansible.builtin.command: echo hunter2
      changed_when: true
      check_mode: false
    - name: Hidden
      ansible.builtin.debug: {msg: "hunter2"}
      changed_when: true
      no_log: true
    - name: Fails on one
      ansible.builtin.fail: {msg: "log-in with password=hunter2 was refused"}
      when: inventory_hostname == 'two' and not ansible_check_mode
"""


def run(tmp_path, *arguments, name="site.yml", inventory="all: {hosts: {one: , two: }}"):
    (tmp_path / "i").mkdir(exist_ok=True)
    (tmp_path / "i" / "hosts.yml").write_text(inventory)
    (tmp_path / name).write_text(PLAY)
    (tmp_path / "ansible.cfg").write_text("[defaults]\n")
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", str(tmp_path / "i" / "hosts.yml"), str(tmp_path / name), *arguments],
        check=False, capture_output=True, text=True, cwd=tmp_path, env={
            **os.environ, "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"), "ANSIBLE_CALLBACKS_ENABLED": "psf.observatory.change_record",
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "PSF_CHANGE_RECORDS": str(tmp_path / "records"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable, "HOME": str(tmp_path), "GITHUB_ACTOR": "ada"})
    return done, [json.loads(line) for line in (tmp_path / "records" / "changes.jsonl").read_text().splitlines()]


def test_a_run_that_fails_half_way_leaves_its_record_and_no_secret(tmp_path):
    done, records = run(tmp_path, "-e", "api_token=hunter2", "-e", '{"other": "hunter2"}', "--limit", "one,two", inventory="""
all:
  hosts: {one: , two: }
  vars: {observatory_change_record: {loki: {url: "https://127.0.0.1:1", password: hunter2}, timeout: 1}}
""")
    assert done.returncode == 2
    assert "not delivered, the next run tries again: Loki" in done.stderr + done.stdout
    record = records[0]
    assert "hunter2" not in json.dumps(record)
    assert (record["result"], record["who"]["ci_actor"], record["what"]["limit"]) == ("failed", "ada", "one,two")
    assert record["what"]["extra_vars"] == ["api_token", "other"]
    assert [(row["task"], row["hosts"]) for row in record["changed"]] == [("Changes", 2), ("Hidden", 2)]
    assert record["failures"] == [{"host": "two", "task": "Fails on one", "message": "log-in with password=*** was refused"}]
    assert record["counts"] == {"changed": 4, "failures": 1, "ok": 4, "skipped": 1}
    assert len(list((tmp_path / "records" / "pending").iterdir())) == 1


def test_a_whole_check_run_of_drift_yml_becomes_the_drift(tmp_path):
    _done, records = run(tmp_path, "--check", name="drift.yml")
    drift = json.loads((tmp_path / "i.governance" / "drift.json").read_text())
    assert {host: [(row["name"], row["changed"]) for row in found["roles"]] for host, found in drift["hosts"].items()} == {
        "one": [("-", 2)], "two": [("-", 2)]}
    assert records[0]["what"]["check"] is True


@pytest.mark.parametrize(("given", "names"), [
    (["a=1 b='x y=2'"], ["a", "b"]), (['{"c": 1}'], ["c"]), (["@file.yml"], ["@file.yml"]), (["it's=1"], ["it's"]), (["{"], []), ([], [])])
def test_of_variables_given_to_the_run_only_names_are_kept(given, names):
    assert list(change_record.extra_names(given)) == names

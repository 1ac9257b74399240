# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a run: what it says and what it never says, where it lies, how it is brought, and what drift is."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.psf.observatory.plugins.plugin_utils import changes
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
SECRET = "hunter2-is-my-password"


def base(**more):
    return {"record": "change", "format": 1, "id": changes.new_id(NOW), "started": changes.stamp(NOW),
            "who": {"user": "deploy", "host": "c"}, "what": {"playbook": "site.yml", "check": False},
            "where": {"inventory": ["inventories/lab"]}, **more}


def recorded(spool, recorder=None, result="ok", stats=None, **more):
    finished, counts = NOW + timedelta(seconds=90), stats or {"a": {"ok": 2, "changed": 1}}
    record = (recorder or changes.Recorder()).finish(base(**more), finished, result, counts)
    spool.end(record)
    return record


def test_a_record_counts_and_names_and_holds_no_line_of_a_difference():
    recorder = changes.Recorder()
    recorder.task("a", "Write it", "loki", {"changed": True, "diff": [{"before": "x\n", "after": f"x\npassword: {SECRET}\n",
                                                                      "after_header": "/etc/loki.yml"}]}, True)
    recorder.task("b", "Write it", "loki", {"changed": True, "diff": {"prepared": f"--- a\n+++ b\n-old\n+{SECRET}\n"}}, True)
    recorder.task("b", "Hidden", "", {"changed": True, "censored": "hidden", "diff": {"before": "", "after": SECRET}}, True)
    recorder.task("b", "Fails", "", {"msg": f"could not log in with password={SECRET}"}, False)
    record = recorder.finish(base(), NOW + timedelta(seconds=5), "failed", {"a": {"ok": 1}, "b": {"failures": 1}})
    assert SECRET not in json.dumps(record)
    assert record["changed"][0] == {"task": "Write it", "role": "loki", "hosts": 2, "names": ["a", "b"]}
    assert record["diff"] == [{"path": "/etc/loki.yml", "added": 1, "removed": 0, "hosts": 1},
                              {"path": "Write it", "added": 1, "removed": 1, "hosts": 1}]
    assert record["failures"][0]["message"] == "could not log in with password=***"
    assert (record["seconds"], record["counts"], record["where"]["count"]) == (5.0, {"failures": 1, "ok": 1}, 2)


def test_a_record_is_bounded():
    recorder = changes.Recorder()
    for number in range(2000):
        result = {"changed": True, "msg": "y" * 9999, "diff": {"before": "", "after": "z", "after_header": f"/{number}"}}
        recorder.task(f"host-{number % 900}", f"Task {number}" + "x" * 500, "r", result, number % 2 == 0)
    record = recorder.finish(base(), NOW, "failed", {f"host-{number}": {"ok": 1} for number in range(900)})
    assert len(json.dumps(record)) < 32768
    assert (record["changed_tasks"], record["failed_tasks"], record["where"]["count"]) == (1000, 1000, 900)


@given(st.text(max_size=200), st.text(max_size=200))
def test_differences_are_counted_as_a_diff_would(before, after):
    found = list(changes.differences({"diff": {"before": before, "after": after}}))
    assert (found == []) == (sorted(before.splitlines()) == sorted(after.splitlines()))


def test_who_is_the_pipeline_where_there_is_one():
    assert changes.who({"GITLAB_USER_LOGIN": "ada", "CI_PIPELINE_URL": "u"}) | {"ci_actor": "ada", "ci_run": "u"} == changes.who(
        {"GITLAB_USER_LOGIN": "ada", "CI_PIPELINE_URL": "u"})
    assert changes.who({"SUDO_USER": "eve"})["sudo_user"] == "eve"


def test_the_commit_is_read_without_git(tmp_path):
    def git(*words):
        return subprocess.run(["git", "-C", str(tmp_path / "r"), "-c", "user.name=x", "-c", "user.email=x@example.com", *words], check=True,
                              capture_output=True, text=True, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}).stdout.strip()

    (tmp_path / "r" / "playbooks").mkdir(parents=True)
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "x")
    here = tmp_path / "r" / "playbooks"
    assert changes.commit(here) == git("rev-parse", "HEAD")
    git("pack-refs", "--all")
    assert changes.commit(here) == git("rev-parse", "HEAD")
    git("worktree", "add", "-q", str(tmp_path / "w"))
    assert changes.commit(tmp_path / "w") == git("rev-parse", "HEAD")
    git("checkout", "-q", "--detach")
    assert changes.commit(here) == git("rev-parse", "HEAD")
    assert changes.commit("/") == ""


def test_the_spool_is_its_owners_and_keeps_what_was_not_brought(tmp_path):
    spool = changes.Spool(tmp_path / "s")
    record = recorded(spool)
    assert [row for _path, row in spool.pending()] == [record]
    assert json.loads((tmp_path / "s" / "changes.jsonl").read_text()) == record
    for path in (tmp_path / "s").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_run_whose_process_is_gone_is_told_by_the_next(tmp_path):
    spool = changes.Spool(tmp_path)
    spool.begin(base())
    assert spool.lost(NOW) == []  # this process lives
    place = next((tmp_path / "open").glob("*.json"))
    gone = subprocess.Popen(["true"])
    gone.wait()
    place.write_text(json.dumps(json.loads(place.read_text()) | {"pid": gone.pid}))
    record = spool.lost(NOW)[0]
    assert (record["result"], record["counts"]) == ("lost", {})
    spool.end(record)
    assert spool.lost(NOW) == []


def test_delivery_to_loki_journal_and_grafana(tmp_path, web):
    spool = changes.Spool(tmp_path / "s")
    url = web.url.rstrip("/")
    web.answers["/loki/api/v1/push"] = (204, b"")
    web.answers["/api/annotations"] = (200, b"{}")
    record = recorded(spool)
    options = {"loki": {"url": url, "tls": False, "tenant": "t", "labels": {"region": "eu"}},
               "grafana": {"url": url, "tls": False, "token": "tok"}}
    assert changes.deliver(spool, options, "lab", 2, record) == []
    assert spool.pending() == []
    pushed, annotated = web.asked
    stream = json.loads(pushed[3])["streams"][0]
    assert stream["stream"] == {"service_name": "psf-observatory-changes", "system": "observatory", "environment": "lab", "region": "eu"}
    assert json.loads(stream["values"][0][1]) == record
    assert pushed[2]["X-Scope-OrgID"] == "t"
    body = json.loads(annotated[3])
    assert (body["timeEnd"] - body["time"], body["tags"]) == (90000, ["change", "ok", "site.yml", "env:lab"])
    assert annotated[2]["Authorization"] == "Bearer tok"
    assert "deploy" in body["text"]


def test_what_was_refused_stays_and_is_brought_by_the_next_run(tmp_path, web):
    spool = changes.Spool(tmp_path / "s")
    options = {"loki": {"url": web.url.rstrip("/"), "tls": False}}
    web.answers["/loki/api/v1/push"] = (500, b"password=abc")
    problems = changes.deliver(spool, options, "lab", 2, recorded(spool))
    assert problems and "HTTP 500" in problems[0] and "abc" not in problems[0]
    web.answers["/loki/api/v1/push"] = (204, b"")
    assert changes.deliver(spool, options, "lab", 2, recorded(spool)) == []
    assert len(json.loads(web.asked[-1][3])["streams"][0]["values"]) == 2
    assert spool.pending() == []


@pytest.mark.parametrize("loki", [{"url": "http://127.0.0.1:1"}, {}, {"url": "https://127.0.0.1:1"}, "text", {"url": "nonsense"}])
def test_a_wrong_target_is_a_problem_and_no_failure(tmp_path, loki):
    spool = changes.Spool(tmp_path / "s")
    record = recorded(spool)
    assert changes.deliver(spool, {"loki": loki}, "lab", 1, record)
    assert len(spool.pending()) == 1


def test_a_check_run_and_one_that_changed_nothing_are_no_annotation(tmp_path, web):
    spool = changes.Spool(tmp_path / "s")
    grafana = {"grafana": {"url": web.url.rstrip("/"), "tls": False, "token": "x"}}
    changes.deliver(spool, grafana, "", 1, recorded(spool, what={"playbook": "p", "check": True}))
    changes.deliver(spool, grafana, "", 1, recorded(spool, stats={"a": {"ok": 3}}))
    assert web.asked == []


def test_the_journal_gets_one_entry_for_each(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "j"))
        changes.journal([{"result": "failed", "n": 1}], str(tmp_path / "j"))
        entry = dict(line.split("=", 1) for line in listening.recv(9999).decode().splitlines())
    assert json.loads(entry["MESSAGE"]) == {"result": "failed", "n": 1}
    assert (entry["SYSLOG_IDENTIFIER"], entry["PRIORITY"]) == ("psf-changes", "4")
    with pytest.raises(changes.DeliveryError):
        changes.journal([{"result": "ok"}], str(tmp_path / "none"))


def test_drift_is_by_host_and_role_and_a_limited_run_keeps_the_others(tmp_path):
    path = tmp_path / "governance" / "drift.json"
    recorder = changes.Recorder()
    recorder.task("a", "Configure", "loki", {"changed": True}, True)
    recorder.task("a", "Fine", "jaeger", {"changed": False}, True)
    recorder.task("a", "Render", "-", {"changed": True}, True, drift=False)
    changes.write_drift(path, recorder, NOW, {"a": {"ok": 2, "changed": 2}, "localhost": {"ok": 1}}, {"a", "b"})
    assert changes.drift_of(str(path), "a") == {"host": {"finished": "2026-11-24T15:00:00Z", "failed": False, "roles": [
        {"name": "jaeger", "changed": 0, "tasks": []}, {"name": "loki", "changed": 1, "tasks": ["Configure"]}]}}
    assert changes.drift_of(str(path), "b") == {}
    changes.write_drift(path, changes.Recorder(), NOW, {"b": {"failures": 1}}, {"a", "b"})
    assert changes.drift_of(str(path), "b")["host"]["failed"] is True
    assert changes.drift_of(str(path), "a")["host"]["roles"][1]["changed"] == 1
    changes.write_drift(path, changes.Recorder(), NOW, {"b": {"ok": 1}}, {"b"})
    assert changes.drift_of(str(path), "a") == {}  # gone from the inventory


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2, "hosts": {}}', '{"format": 1, "hosts": []}'])
def test_a_drift_file_that_cannot_be_read_is_an_error(tmp_path, text):
    (tmp_path / "d.json").write_text(text)
    assert "error" in changes.drift_of(str(tmp_path / "d.json"), "a")
    assert changes.drift_of(str(tmp_path / "none.json"), "a") == {}


def test_two_runs_of_one_second_have_two_names():
    assert len({changes.new_id(NOW) for _index in range(50)}) > 45

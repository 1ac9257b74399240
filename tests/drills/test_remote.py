"""The scripts that go to a host, run by a real shell, and the journal's lines that come back."""

from __future__ import annotations

import json
import subprocess

import pytest
import remote
import schedule

HOST = schedule.Host("app-eu-1", "192.0.2.1", "eu", frozenset({"all", "psf_web"}))
OTHER = schedule.Host("app-us-1", "192.0.2.2", "us", frozenset({"all", "psf_web"}))


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Run a script as `bash -s` does on a host; systemd's tools only write down how they were called."""
    monkeypatch.setattr(remote, "ON_HOST", str(tmp_path / "run"))
    (tmp_path / "bin").mkdir()
    for name in ("systemctl", "systemd-run"):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/bash\necho "{name} $*" >>{tmp_path}/calls\n')
        program.chmod(0o755)

    def run(script):
        return subprocess.run(["bash", "-s"], input=script, text=True, capture_output=True, check=False,
                              env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "OUT": str(tmp_path)})
    return run


def task(fault, undo):
    return schedule.task({"system": "node", "id": "x", "on": "psf_web", "within": 60, "fault": fault, "undo": undo}, [HOST, OTHER])


def test_a_fault_is_armed_made_and_undone(shell, tmp_path):
    one = task(['echo "$HOST $REGION $OTHERS $(cat $DRILL/data)" >$OUT/made'], ["rm -f $OUT/made"])
    values = remote.environment(one, HOST, [HOST, OTHER])
    assert shell(remote.arm(one, values, {"data": b"a file"}, 77)).returncode == 0
    assert f"--on-active=77 /bin/bash {tmp_path}/run/psf-drill-node-x/undo" in (tmp_path / "calls").read_text()
    assert shell(remote.fault(one, values)).returncode == 0
    assert (tmp_path / "made").read_text() == "app-eu-1 eu 192.0.2.2 a file\n"
    assert shell(remote.undo(one, values)).returncode == 0
    assert not (tmp_path / "made").exists() and not list((tmp_path / "run").iterdir())
    assert shell(remote.undo(one, values)).returncode == 0, "a second time it is right too"


def test_a_command_that_reads_its_input_does_not_eat_the_script(shell, tmp_path):
    one = task(["cat", "touch $OUT/after"], ["true"])
    assert shell(remote.fault(one, remote.environment(one, HOST, [HOST]))).returncode == 0
    assert (tmp_path / "after").exists()


def test_a_fault_ends_at_the_first_command_that_fails(shell, tmp_path):
    one = task(["false", "touch $OUT/after"], ["true"])
    assert shell(remote.fault(one, remote.environment(one, HOST, [HOST]))).returncode != 0
    assert not (tmp_path / "after").exists()


def test_undo_goes_on_after_a_command_that_fails_and_says_so(shell, tmp_path):
    one = task(["true"], ["it is not there", "touch $OUT/after"])
    values = remote.environment(one, HOST, [HOST])
    shell(remote.arm(one, values, {}, 5))
    done = shell(remote.undo(one, values))
    assert done.returncode != 0 and "undo failed: it is not there" in done.stderr
    assert (tmp_path / "after").exists()


def entry(message, cursor="c1"):
    return json.dumps({"MESSAGE": message, "__CURSOR": cursor})


def test_a_notification_is_read_from_the_journal():
    told = {"event": "notification", "receiver": "pager", "status": "firing", "labels": {"alertname": "A"}, "annotations": None}
    cursor, found = remote.notification(entry(json.dumps(told)), 5.0)
    assert cursor == "c1" and found == remote.Notification(5.0, "firing", "pager", {"alertname": "A"}, {})


@pytest.mark.parametrize("line", ["", "{", "[]", '{"MESSAGE": 1}', entry("Started."), entry([1, 2]), entry('{"event": "other"}'),
                                  entry('{"event": "notification"}')])
def test_whatever_else_is_in_the_journal_is_passed_over(line):
    assert remote.notification(line, 1.0)[1] is None


def test_find_is_exact(tmp_path):
    feed = remote.Feed(remote.Access("ops", tmp_path, tmp_path, tmp_path))
    feed.told = [remote.Notification(10, "firing", remote.LOG, {"alertname": "A", "region": "eu"}, {}, "eu"),
                 remote.Notification(20, "firing", "pager", {"alertname": "A", "region": "eu"}, {}, "eu"),
                 remote.Notification(30, "resolved", remote.LOG, {"alertname": "A", "region": "eu"}, {}, "eu")]
    assert feed.find("firing", {"alertname": "A"}, 0, "eu").seen == 10
    assert feed.find("firing", {"alertname": "A"}, 11, "eu").seen == 20
    assert feed.find("firing", {"alertname": "A"}, 0, "eu", people=True).receiver == "pager"
    assert feed.find("firing", {"alertname": "A", "region": "us"}, 0, "eu") is None
    assert feed.find("firing", {"alertname": "A"}, 0, "us") is None, "another region's log"
    assert feed.find("resolved", {"alertname": "A"}, 31, "eu") is None

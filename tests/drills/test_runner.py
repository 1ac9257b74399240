"""A drill passes only if the alert arrived, its links lead somewhere and it went away; the fault is undone however it ends."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace

import drill
import pytest
import remote
import schedule
import services

HOSTS = tuple(schedule.Host(f"obs-{region}-1", address, region, frozenset({"all", "prometheus", "alertmanager", "alert_log"}))
              for region, address in (("eu", "192.0.2.1"), ("us", "192.0.2.2")))
LABELS = {"alertname": "LokiDown", "region": "eu", "severity": "critical", "host": "obs-eu-1"}
LINKS = {"runbook_url": "https://x/user/r.html#lokidown", "dashboard_url": "https://x/user/d.html#panel-1"}


class World:
    """Hosts, receiver and services that do what a test says: `events` is (status, receiver) told after the fault and after its end."""

    def __init__(self, fault=(("firing", remote.LOG), ("firing", "pager")), undo=(("resolved", remote.LOG),)):
        self.told, self.scripts, self.after = [], [], {"fault": fault, "undo": undo}
        self.active, self.links, self.broken, self.labels, self.told_in = [], "ok", (), LABELS, "eu"

    def run(self, _host, script, timeout=120):
        kind = "arm" if "systemd-run" in script else "fault" if "fault()" in script else "undo"
        self.scripts.append(kind)
        if kind in self.broken:
            raise remote.RemoteError(f"obs-eu-1: status 1: {kind} did not work")
        for status, receiver in self.after.get(kind, ()):
            self.told.append(remote.Notification(time.monotonic(), status, receiver, self.labels, LINKS, self.told_in))
        return ""

    def runner(self, monkeypatch):
        monkeypatch.setattr(drill, "POLL", 0.01)
        monkeypatch.setattr(drill, "QUIET", 0.05)
        feed = remote.Feed(SimpleNamespace())
        feed.told = self.told
        web = SimpleNamespace(alertmanager=lambda _address: self.active, prometheus=lambda _address: [], link=lambda _url: self.links,
                              receivers=lambda _address: {"alert_log", "pager", "nobody"})
        return drill.Runner(SimpleNamespace(run=self.run), HOSTS, feed, web, None)


def task(**more):
    row = {"system": "loki", "id": "stopped", "what": "x", "on": "prometheus", "fault": ["a"], "undo": ["b"],
           "alerts": {"LokiDown": {"host": "$HOST"}}, "within": 1, "clears_within": 1} | more
    return schedule.task(row, HOSTS)


def test_passes(monkeypatch):
    world = World()
    result = world.runner(monkeypatch).run(task())
    assert not result.error and world.scripts == ["arm", "fault", "undo"]
    row = result.rows[0]
    assert row.detected is not None and row.cleared is not None and row.receiver == "pager" and set(row.followed.values()) == {"ok"}


@pytest.mark.parametrize(("world", "says"), [
    (World(fault=()), "LokiDown did not arrive within 1 s"),
    (World(fault=(("firing", remote.LOG),)), "nobody but the log was told of LokiDown"),
    (World(undo=()), "LokiDown did not clear within 1 s"),
])
def test_fails_and_undoes(monkeypatch, world, says):
    result = world.runner(monkeypatch).run(task())
    assert says in result.error and world.scripts[-1] == "undo"


@pytest.mark.parametrize(("told_in", "says"), [("us", ""), ("eu", "LokiDown did not arrive")])
def test_what_the_region_cannot_tell_is_told_by_another(monkeypatch, told_in, says):
    world = World()
    world.told_in = told_in
    result = world.runner(monkeypatch).run(task(seen_at="elsewhere"))
    assert says in result.error and bool(result.error) == bool(says)
    assert bool(says) or (result.rows[0].receiver == "pager" and result.rows[0].cleared is not None)


def test_a_notification_of_another_region_is_not_that_of_the_own(monkeypatch):
    world = World()
    world.told_in = "us"
    assert "LokiDown did not arrive" in world.runner(monkeypatch).run(task()).error


def test_an_alert_that_another_region_raises_about_this_one(monkeypatch):
    world = World()
    world.labels, world.told_in = {**LABELS, "region": "us", "peer_region": "eu"}, "us"
    result = world.runner(monkeypatch).run(task(alerts={"LokiDown": {"region": "$OTHER", "peer_region": "$REGION"}}))
    assert not result.error and result.rows[0].labels == {"alertname": "LokiDown", "region": "us", "peer_region": "eu"}


def test_a_link_that_leads_nowhere(monkeypatch):
    world = World()
    world.links = "https://x/user/r.html answers 404"
    assert "runbook_url https://x/user/r.html answers 404" in world.runner(monkeypatch).run(task()).error
    assert world.scripts[-1] == "undo"


def test_an_alert_that_was_there_before_proves_nothing(monkeypatch):
    world = World()
    world.active = [services.Alert("active", LABELS, {})]
    assert "was there before the fault" in world.runner(monkeypatch).run(task()).error
    assert world.scripts == [], "no fault is made"


@pytest.mark.parametrize("broken", ["arm", "fault", "undo"])
def test_a_command_that_fails(monkeypatch, broken):
    world = World()
    world.broken = (broken,)
    assert f"{broken} did not work" in world.runner(monkeypatch).run(task()).error
    assert "undo" in world.scripts


def test_what_is_silent_is_held_back_and_nobody_told(monkeypatch):
    world, other = World(), LABELS | {"alertname": "LokiSlow"}
    world.active = [services.Alert("suppressed", other, {}, inhibited=True)]
    assert not world.runner(monkeypatch).run(task(silent={"LokiSlow": {}})).error
    loud = World()
    loud.active = world.active
    runner = loud.runner(monkeypatch)
    threading.Timer(0.02, lambda: None).start()
    loud.after["fault"] = (("firing", remote.LOG), ("firing", "pager"))
    said = remote.Notification(time.monotonic() + 1, "firing", remote.LOG, other, {}, "eu")
    monkeypatch.setattr(runner, "told", lambda *_: loud.told.append(said))
    assert "should have been held back" in runner.run(task(silent={"LokiSlow": {}})).error


def test_interrupted_runs_undo_and_start_nothing_more(monkeypatch):
    world = World(fault=())
    runner = world.runner(monkeypatch)
    threading.Timer(0.3, runner.stop.set).start()
    results = drill.everything(runner, [task(within=60, takes=["prometheus"]), task(id="other", within=50)])
    assert [result.error for result in results] == ["not run: the run was interrupted", "interrupted"]
    assert world.scripts == ["arm", "fault", "undo"]


@pytest.mark.parametrize(("options", "chosen"), [
    ((), ["loki/long", "loki/stopped"]), (("--within", "60"), ["loki/stopped"]), (("--only", "loki/long"), ["loki/long"]),
    (("--only", "loki", "--within", "60"), ["loki/stopped"]), (("--within", "59"), [])])
def test_what_is_chosen(monkeypatch, tmp_path, capsys, options, chosen):
    drills = [task(id=name, within=within).drill for name, within in (("long", 900), ("stopped", 60))]
    (tmp_path / "drills.json").write_text(json.dumps({"drills": drills}))
    monkeypatch.setattr(drill, "inventory", lambda _path: (SimpleNamespace(state=tmp_path), HOSTS, "ops"))
    assert drill.main(["-i", "x", "--bundle", str(tmp_path), "--list", *options]) == (0 if chosen else 2)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == chosen


def test_the_table_says_what_failed(monkeypatch):
    results = [World().runner(monkeypatch).run(task()), World(fault=()).runner(monkeypatch).run(task(id="silent"))]
    text = drill.table(results)
    assert "pager" in text and "loki/silent FAILED: LokiDown did not arrive within 1 s" in text


def test_links(monkeypatch):
    web = services.Web.__new__(services.Web)
    monkeypatch.setattr(web, "get", lambda _url: '<h1>x</h1><section id="lokidown">', raising=False)
    assert web.link("https://x/r.html#lokidown") == "ok"
    assert web.link("https://x/r.html#other") == "https://x/r.html has no place #other"
    assert "has no place" in web.link("https://x/r.html")
    assert "is not a link" in web.link("") and "is not a link" in web.link("https://x/<error expanding template>")

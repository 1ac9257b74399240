"""Fire drills: make each fault that the bundle's drills.json declares, and see that its alerts reach the receiver and go away again.

    python molecule/drills/drill.py -i inventories/lab [--only SYSTEM/ID ...] [--within SECONDS] [--list] [--json FILE]

Each fault is undone when its drill ends, however it ends, and by a timer on the host should this program be killed. Ends with status 1
when an alert did not arrive or did not clear, or a link leads nowhere. Only hosts of a lab (an inventory with lab_name) are touched."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

import files  # noqa: E402
import hosts as lab_hosts  # noqa: E402
import remote  # noqa: E402
import schedule  # noqa: E402
import services  # noqa: E402
from remote import Access, Feed, RemoteError, has  # noqa: E402
from schedule import Host, Task  # noqa: E402

STARTED = time.monotonic()
# A host undoes a fault by itself this long after its drill must have ended.
SPARE = 90
POLL = 1.0
# What an earlier drill left may take this long to go.
QUIET = 60.0
# The receiver of what wakes nobody.
NOBODY = "nobody"
LINE = threading.Lock()


def say(text: str) -> None:
    with LINE:
        print(f"[drills {time.monotonic() - STARTED:5.1f} s] {text}", flush=True)


class Failed(Exception):
    """Why a drill did not pass."""


class Interrupted(Exception):
    """The run was asked to end."""


@dataclass
class Row:
    """What became of one alert of a drill. detected: seconds from the fault to the notification; told: from the fault until the owner was
    told of a critical one; receiver: as whom; cleared: from the end of the fault to the notification that it is over."""

    alert: str
    labels: dict[str, str]
    detected: float | None = None
    told: float | None = None
    receiver: str = ""
    cleared: float | None = None
    links: dict[str, str] = field(default_factory=dict)
    followed: dict[str, str] = field(default_factory=dict)
    inhibited: bool = False


@dataclass
class Result:
    task: Task
    rows: list[Row]
    error: str = ""

    def document(self) -> dict[str, Any]:
        drill = self.task.drill
        return {"drill": self.task.id, "what": drill["what"], "region": self.task.region, "hosts": [host.name for host in self.task.hosts],
                "seen_at": drill.get("seen_at", "receiver"), "lasts": drill.get("lasts", {}), "error": self.error or None,
                "alerts": [vars(row) for row in self.rows]}


@dataclass
class Runner:
    access: Access
    every: tuple[Host, ...]
    feed: Feed
    web: services.Web
    pki: Path
    stop: threading.Event = field(default_factory=threading.Event)

    def server(self, group: str, region: str) -> Host:
        """The region's first host of a group."""
        found = [host for host in self.every if host.region == region and group in host.groups]
        if not found:
            raise Failed(f"region {region} has no host in group {group}")
        return found[0]

    def run(self, task: Task) -> Result:
        """One drill from the look beforehand to the end of its alerts. The fault is undone in any case."""
        rows = [Row(name, self.labels(task, name, labels)) for name, labels in task.drill["alerts"].items()]
        result = Result(task, rows)
        limit = int(task.drill["within"]) + SPARE
        armed = False
        try:
            self.quiet(task, rows)
            armed = True
            begun, since = self.break_it(task, limit)
            self.arrive(task, rows, begun, since)
            self.told(task, rows, begun, since)
            self.inhibited(task, result, since)
        except (Failed, RemoteError, OSError) as error:
            result.error = str(error)
        except Interrupted:
            result.error = "interrupted"
        finally:
            undone = time.monotonic()
            if armed:
                result.error = "; ".join(filter(None, [result.error, self.undo(task)]))
        if not result.error:
            try:
                self.clear(task, rows, undone)
                self.follow(rows)
            except (Failed, OSError) as error:
                result.error = str(error)
            except Interrupted:
                result.error = "interrupted"
        words = ", ".join(f"{row.alert} {_seconds(row.detected)}/{_seconds(row.cleared)}" for row in rows)
        say(f"{'FAILED' if result.error else 'passed'}: {task.id}: {words}{': ' + result.error if result.error else ''}")
        return result

    def labels(self, task: Task, name: str, labels: Mapping[str, str]) -> dict[str, str]:
        values = {"HOST": task.hosts[0].name, "REGION": task.region, "OTHER": task.other}
        own = {key: string.Template(value).substitute(values) for key, value in labels.items()}
        return {"alertname": name, "region": task.region, **own}

    def quiet(self, task: Task, rows: Sequence[Row]) -> None:
        """Before the fault the services answer and hold none of the alerts; what an earlier drill left may take a moment to go."""
        deadline = time.monotonic() + QUIET
        while True:
            try:
                there = {row.alert for row in rows for alert in self.held(task) if has(alert.labels, row.labels)}
                problem = f"{', '.join(sorted(there))} was there before the fault" if there else ""
            except OSError as error:
                problem = f"before the fault: {error}"
            if not problem:
                return
            if time.monotonic() > deadline:
                raise Failed(problem)
            self.pause()

    def held(self, task: Task) -> list[services.Alert]:
        """What the Alertmanager and Prometheus of the region hold, and those of the other where it raises or tells an alert."""
        raising = {row.get("region", task.region) for row in task.drill["alerts"].values()} | {task.told_in}
        regions = {task.region, *(task.other if region == schedule.OTHER else region for region in raising)}
        return [alert for region in sorted(regions)
                for alert in (*self.web.alertmanager(self.server("alertmanager", region).address),
                              *self.web.prometheus(self.server("prometheus", region).address))]

    def break_it(self, task: Task, limit: int) -> tuple[float, float]:
        """Make the fault on all hosts; returns when that began, and when it was made."""
        say(f"fault: {task.id}: {task.drill['what']} ({', '.join(host.name for host in task.hosts)})")
        for host in task.hosts:
            values = remote.environment(task, host, self.every)
            made = {name: files.make(name, host.name, self.pki) for name in task.drill.get("files", ())}
            self.access.run(host, remote.arm(task, values, made, limit))
        begun = time.monotonic()
        for host in task.hosts:
            self.access.run(host, remote.fault(task, remote.environment(task, host, self.every)), timeout=300)
        return begun, time.monotonic()

    def undo(self, task: Task) -> str:
        """Undo the fault on all hosts; returns what did not work."""
        problems = []
        for host in task.hosts:
            try:
                self.access.run(host, remote.undo(task, remote.environment(task, host, self.every)))
            except RemoteError as error:
                problems.append(f"undo: {error}")
        return "; ".join(problems)

    def arrive(self, task: Task, rows: Sequence[Row], begun: float, since: float) -> None:
        """Wait until every alert was seen where it must be, and follow its links. One that comes while the fault is still being made
        was detected at once."""
        look = self.look(task)
        while missing := [row for row in rows if row.detected is None]:
            for row in missing:
                found = look(row, begun)
                if found is not None:
                    row.detected = max(0.0, found[0] - since)
                    say(f"  {row.alert} after {row.detected:.0f} s")
                    row.links = {key: found[1].get(key, "") for key in ("runbook_url", "dashboard_url")}
                    if "prometheus" not in task.drill.get("takes", ()):
                        self.follow([row])
            if time.monotonic() > since + int(task.drill["within"]):
                late = [row.alert for row in rows if row.detected is None]
                if late:
                    raise Failed(f"{', '.join(late)} did not arrive within {task.drill['within']} s")
            self.pause()

    def follow(self, rows: Sequence[Row]) -> None:
        """Follow the links of alerts, while the fault lasts; only what Prometheus itself would serve waits until it is back."""
        for row in rows:
            if not row.followed:
                row.followed = {key: self.web.link(url) for key, url in row.links.items()}
        broken = [f"{row.alert}: {key} {words}" for row in rows for key, words in row.followed.items() if words != "ok"]
        if broken:
            raise Failed("; ".join(broken))

    def told(self, task: Task, rows: Sequence[Row], begun: float, since: float) -> None:
        """Wait until the owners of critical alerts were told, where the region has a receiver for them."""
        if not self.by_receiver(task):
            return
        regions = {self.told_in(task, row) for row in rows}
        if not all(self.web.receivers(self.server("alertmanager", region).address) - {remote.LOG, NOBODY} for region in regions):
            return
        while True:
            waiting = []
            for row in rows:
                region = self.told_in(task, row)
                first = self.feed.find("firing", row.labels, begun, region)
                if row.told is None and first and first.labels.get("severity") == "critical":
                    found = self.feed.find("firing", row.labels, begun, region, people=True)
                    if found:
                        row.told, row.receiver = max(0.0, found.seen - since), found.receiver
                    else:
                        waiting.append(row.alert)
            if not waiting:
                return
            if time.monotonic() > since + int(task.drill["within"]):
                raise Failed(f"nobody but the log was told of {', '.join(waiting)} within {task.drill['within']} s")
            self.pause()

    def by_receiver(self, task: Task) -> bool:
        """Whether the alert gets to a receiver while the fault lasts."""
        return task.drill.get("seen_at", "receiver") in ("receiver", "elsewhere")

    def told_in(self, task: Task, row: Row) -> str:
        """The region whose receivers are told of an alert: the one that raises it, or another where it cannot."""
        return task.other if row.labels["region"] == task.other else task.told_in

    def look(self, task: Task) -> Callable[[Row, float], tuple[float, dict[str, str]] | None]:
        """How an alert is looked for: (when, annotations), or None."""
        seen_at = task.drill.get("seen_at", "receiver")

        def receiver(row: Row, since: float) -> tuple[float, dict[str, str]] | None:
            told = self.feed.find("firing", row.labels, since, self.told_in(task, row))
            return (told.seen, told.annotations) if told else None

        def service(row: Row, _since: float) -> tuple[float, dict[str, str]] | None:
            wanted = "active" if seen_at == "alertmanager" else "firing"
            found = next((alert for alert in self.at(task) if alert.state == wanted and has(alert.labels, row.labels)), None)
            return (time.monotonic(), found.annotations) if found else None
        return receiver if self.by_receiver(task) else service

    def at(self, task: Task) -> list[services.Alert]:
        if task.drill.get("seen_at") == "prometheus":
            return self.web.prometheus(self.server("prometheus", task.region).address)
        return self.web.alertmanager(self.server("alertmanager", task.region).address)

    def inhibited(self, task: Task, result: Result, since: float) -> None:
        """What the drill calls silent is held back by Alertmanager, and nobody was told of it."""
        rows = [Row(name, self.labels(task, name, labels), inhibited=True) for name, labels in (task.drill.get("silent") or {}).items()]
        result.rows += rows
        if not rows:
            return
        address = self.server("alertmanager", task.told_in).address
        while missing := [row for row in rows if row.detected is None]:
            held = self.web.alertmanager(address)
            for row in missing:
                if any(alert.inhibited and has(alert.labels, row.labels) for alert in held):
                    row.detected = max(0.0, time.monotonic() - since)
                    say(f"  {row.alert} held back after {row.detected:.0f} s")
            if time.monotonic() > since + int(task.drill["within"]):
                late = [row.alert for row in rows if row.detected is None]
                if late:
                    raise Failed(f"{', '.join(late)} was not held back within {task.drill['within']} s")
            self.pause()
        told = [row.alert for row in rows if self.feed.find("firing", row.labels, since, task.told_in)]
        if told:
            raise Failed(f"{', '.join(told)} should have been held back, but the receiver was told")

    def clear(self, task: Task, rows: Sequence[Row], undone: float) -> None:
        """Wait until the receiver was told that every alert is over."""
        lasts = task.drill.get("lasts", {})
        wanted = [row for row in rows if row.detected is not None and not row.inhibited and row.alert not in lasts]
        direct = not self.by_receiver(task)
        while missing := [row for row in wanted if row.cleared is None]:
            there = self.at(task) if direct else []
            for row in missing:
                held = direct and any(has(alert.labels, row.labels) for alert in there)
                if not held and (direct or self.feed.find("resolved", row.labels, undone, self.told_in(task, row))):
                    row.cleared = max(0.0, time.monotonic() - undone)
            if time.monotonic() > undone + int(task.drill.get("clears_within", 0)):
                left = [row.alert for row in wanted if row.cleared is None]
                if left:
                    raise Failed(f"{', '.join(left)} did not clear within {task.drill['clears_within']} s")
            self.pause()

    def pause(self) -> None:
        if self.stop.wait(POLL):
            raise Interrupted


def everything(runner: Runner, tasks: Sequence[Task]) -> list[Result]:
    """Run all drills, as many at a time as do not disturb each other."""
    waiting, running, results = list(tasks), list[Task](), list[Result]()
    changed = threading.Condition()

    def one(task: Task) -> None:
        try:
            result = runner.run(task)
        except Exception as error:  # a fault of this program is that drill's failure; the others go on
            result = Result(task, [], f"{type(error).__name__}: {error}")
        with changed:
            running.remove(task)
            results.append(result)
            changed.notify()
    with changed:
        while running or (waiting and not runner.stop.is_set()):
            if not runner.stop.is_set():
                for task in schedule.startable(waiting, running):
                    waiting.remove(task)
                    running.append(task)
                    threading.Thread(target=one, args=(task,)).start()
            changed.wait(1)
    results += [Result(task, [], "not run: the run was interrupted") for task in waiting]
    return sorted(results, key=lambda result: result.task.id)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


def table(results: Sequence[Result]) -> str:
    """Alert, region, where it was seen, seconds to detect and to clear, links, drill."""
    rows = [("ALERT", "REGION", "SEEN AT", "DETECTED", "OWNER TOLD", "CLEARED", "LINKS", "DRILL")]
    for result in results:
        seen = result.task.drill.get("seen_at", "receiver")
        for row in result.rows:
            cleared = "not waited for" if row.alert in result.task.drill.get("lasts", {}) else _seconds(row.cleared)
            links = "" if row.inhibited else "ok" if row.followed and all(words == "ok" for words in row.followed.values()) else "-"
            rows.append((row.alert, result.task.region, "held back" if row.inhibited else seen, _seconds(row.detected),
                         f"{row.told:.0f} s, {row.receiver}" if row.told is not None else "", "" if row.inhibited else cleared, links,
                         result.task.id))
        if result.error:
            rows.append(("", "", "", "", "", "", "", f"{result.task.id} FAILED: {result.error}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def inventory(path: str) -> tuple[lab_hosts.Lab, tuple[Host, ...], str]:
    """The lab, its hosts with all their groups, and the user that logs in."""
    tool = shutil.which("ansible-inventory", path=f"{Path(sys.executable).parent}") or "ansible-inventory"
    lab = lab_hosts.read(path, tool)
    listing = json.loads(subprocess.run([tool, "-i", path, "--list"], capture_output=True, text=True, check=True).stdout)

    def members(group: str) -> set[str]:
        row = listing.get(group, {})
        return set(row.get("hosts", [])) | {name for child in row.get("children", []) for name in members(child)}
    groups = {group: members(group) for group in listing if group != "_meta"}
    groups["all"] = {host.name for host in lab.hosts}
    every = tuple(Host(host.name, host.address, host.region, frozenset(name for name, found in groups.items() if host.name in found))
                  for host in lab.hosts)
    user = next(iter(listing["_meta"]["hostvars"].values())).get("ansible_user", "ops")
    return lab, every, user


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="drill", description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("-i", "--inventory", required=True, help="inventory whose hosts are the lab's")
    parser.add_argument("--bundle", type=Path, help="the bundle with drills.json (default: that of the lab)")
    parser.add_argument("--only", nargs="+", default=[], metavar="SYSTEM[/ID]", help="only these drills")
    parser.add_argument("--within", type=int, metavar="SECONDS", help="only drills whose alerts must all have come by then")
    parser.add_argument("--list", action="store_true", help="say what would be done, and on which hosts")
    parser.add_argument("--json", type=Path, help="also write the results here")
    options = parser.parse_args(argv)
    lab, every, user = inventory(options.inventory)
    source = (options.bundle or lab.state / "bundle") / "drills.json"
    try:
        drills = json.loads(source.read_text(encoding="utf-8"))["drills"]
    except (OSError, ValueError, KeyError) as error:
        print(f"drill: {source}: no drills can be read: {error}", file=sys.stderr)
        return 2
    if options.only:
        drills = [row for row in drills if {row["system"], f"{row['system']}/{row['id']}"} & set(options.only)]
    if options.within is not None:
        drills = [row for row in drills if row["within"] <= options.within]
    try:
        tasks = [schedule.task(row, every) for row in drills]
    except schedule.NotPossible as error:
        print(f"drill: {error}", file=sys.stderr)
        return 2
    if options.list or not tasks:
        for task in tasks:
            print(f"{task.id}: {task.drill['what']} ({', '.join(host.name for host in task.hosts)}) -> {', '.join(task.drill['alerts'])}")
        return 0 if tasks else 2
    secrets = json.loads((lab.state / "secrets.json").read_text())
    with tempfile.TemporaryDirectory(prefix="psf-drills-") as work:
        access = Access(user, lab.key, lab.known_hosts, Path(work))
        feed = Feed(access)
        web = services.Web(lab.state / "pki/ca.crt", "observatory", secrets["machine_password"])
        runner = Runner(access, every, feed, web, lab.state / "pki")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: runner.stop.set())
        feed.follow([host for host in every if "alert_log" in host.groups])
        results = everything(runner, tasks)
        feed.close()
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps([result.document() for result in results], indent=1) + "\n", encoding="utf-8")
    failed = [result for result in results if result.error]
    print(f"{len(results) - len(failed)} of {len(results)} drills passed in {time.monotonic() - STARTED:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Hosts of a lab by SSH: a fault with its undo, which also runs by a timer of the host's own, and the log of notifications."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from schedule import Host, Task

ON_HOST = "/run/psf-drills"
# The receiver that is told everything at once; the others are those of the owners.
LOG = "alert_log"


class RemoteError(Exception):
    """A command on a host that failed, with its last words."""


@dataclass(frozen=True)
class Access:
    """How hosts are reached; `work` holds the shared connections."""

    user: str
    key: Path
    known_hosts: Path
    work: Path

    def ssh(self, host: Host) -> list[str]:
        options = (f"UserKnownHostsFile={self.known_hosts}", "IdentitiesOnly=yes", "BatchMode=yes", "ConnectTimeout=10",
                   "ServerAliveInterval=15", "ControlMaster=auto", f"ControlPath={self.work}/%C", "ControlPersist=30")
        return ["ssh", "-i", str(self.key), *(word for option in options for word in ("-o", option)), f"{self.user}@{host.address}"]

    def run(self, host: Host, script: str, timeout: float = 120) -> str:
        """Run a script as root. Raises RemoteError."""
        try:
            done = subprocess.run([*self.ssh(host), "sudo -n bash -s"], input=script, capture_output=True, text=True, timeout=timeout,
                                  check=False)
        except subprocess.TimeoutExpired as error:
            raise RemoteError(f"{host.name}: no end after {timeout:.0f} s") from error
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines()[-4:]
            raise RemoteError(f"{host.name}: status {done.returncode}: {' | '.join(words)}")
        return done.stdout


def environment(task: Task, host: Host, every: Iterable[Host]) -> dict[str, str]:
    """What a drill's commands find in their environment."""
    return {"HOST": host.name, "REGION": host.region, "DRILL": f"{ON_HOST}/{task.unit}",
            "OTHERS": " ".join(other.address for other in every if other.region != host.region)}


def _exports(values: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def arm(task: Task, values: Mapping[str, str], files: Mapping[str, bytes], seconds: int) -> str:
    """Script that puts a drill's files on a host, with the timer that undoes it after `seconds`, whatever becomes of the runner."""
    folder = values["DRILL"]
    steps = "".join(f"( {command}\n) || {{ echo undo failed: {shlex.quote(command)} >&2; failed=1; }}\n" for command in task.drill["undo"])
    undo = f"#!/bin/bash\n{_exports(values)}exec 9>{ON_HOST}/{task.unit}.lock; flock 9\nfailed=0\n{steps}exit $failed\n"
    script = f"set -eu\nrm -rf {folder}\nmkdir -p {folder}\n"
    for name, data in {"undo": undo.encode(), **files}.items():
        script += f"base64 -d > {folder}/{name} <<'END'\n{base64.encodebytes(data).decode()}END\n"
    script += (f"systemctl stop {task.unit}.timer 2>/dev/null || true\n"
               f"systemd-run --quiet --collect --unit={task.unit} --on-active={seconds} /bin/bash {folder}/undo\n")
    return script


def fault(task: Task, values: Mapping[str, str]) -> str:
    commands = "\n".join(task.drill["fault"])
    # In a function: the script itself comes by standard input, from which no command may read.
    return f"set -eu\n{_exports(values)}fault() {{\n{commands}\n}}\nfault </dev/null >&2\n"


def undo(task: Task, values: Mapping[str, str]) -> str:
    """Script that undoes a drill and takes away what `arm` put there; right also where nothing is left of it."""
    folder = values["DRILL"]
    return (f"if [ -e {folder}/undo ]; then bash {folder}/undo </dev/null >&2 || exit 1; fi\n"
            f"systemctl stop {task.unit}.timer 2>/dev/null\nrm -rf {folder} {ON_HOST}/{task.unit}.lock\n")


@dataclass(frozen=True)
class Notification:
    """What a receiver was told, and when it was seen here (seconds of time.monotonic()); `region`: whose log of notifications has it."""

    seen: float
    status: str
    receiver: str
    labels: dict[str, str]
    annotations: dict[str, str]
    region: str = ""


def notification(line: str, seen: float) -> tuple[str, Notification | None]:
    """Cursor and notification of one entry of the journal (journalctl -o json); None for what is something else."""
    try:
        entry = json.loads(line)
        message = entry["MESSAGE"]
        cursor = str(entry["__CURSOR"])
    except (ValueError, KeyError, TypeError):
        return "", None
    try:
        data = json.loads(message)
        if data["event"] != "notification":
            return cursor, None
        return cursor, Notification(seen, data["status"], data["receiver"], data["labels"], data["annotations"] or {})
    except (ValueError, KeyError, TypeError):
        return cursor, None


@dataclass
class Feed:
    """The logs of notifications of all regions, followed live."""

    access: Access
    told: list[Notification] = field(default_factory=list)
    _processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    _closed: threading.Event = field(default_factory=threading.Event)

    def follow(self, hosts: Iterable[Host], most: int = 3600) -> None:
        for host in hosts:
            threading.Thread(target=self._follow, args=(host, most), daemon=True).start()

    def _follow(self, host: Host, most: int) -> None:
        cursors: set[str] = set()
        since = int(time.time())
        while not self._closed.is_set():
            command = f"sudo -n timeout {most} journalctl -u alert_log -o json -f --no-pager --since @{since}"
            process = subprocess.Popen([*self.access.ssh(host), command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True)
            self._processes[host.name] = process
            for line in process.stdout or ():
                cursor, found = notification(line, time.monotonic())
                if found and cursor not in cursors:
                    self.told.append(replace(found, region=host.region))
                cursors.add(cursor)
            process.wait()
            self._closed.wait(2)

    def find(self, status: str, labels: Mapping[str, str], since: float, region: str, people: bool = False) -> Notification | None:
        """The first notification of a region's receivers with this status that has all these labels, since a moment; with `people`, not
        to the log alone."""
        return next((row for row in list(self.told) if row.status == status and row.seen >= since and has(row.labels, labels)
                     and row.region == region and not (people and row.receiver == LOG)), None)

    def close(self) -> None:
        self._closed.set()
        for process in self._processes.values():
            process.terminate()


def has(labels: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items())

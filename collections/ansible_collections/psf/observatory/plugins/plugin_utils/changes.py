# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a run: who changed what where, and what became of it; where it is kept, how it is delivered, and what drift is.

A record is one JSON object (docs/adr/0017-change-record.md). It carries names, counts and paths, never a value: of a diff only how many
lines came and went, of variables given to the run only their names. What is left of texts is masked as evidence is.

On disk, in one directory, 0700, files 0600:
  changes.jsonl         every record, one a line; the controller's own audit log
  pending/<id>.json     records that are still to be delivered
  open/<id>.json        runs that have begun; one whose process is gone did not end
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import shlex
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ..module_utils.component import probe
from ..module_utils.governance import mask

NAMES = 40
TEXT = 300
BATCH = 100
# The variables by which the usual CI systems say who started a pipeline, and which.
CI = {"actor": ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID", "GITEA_ACTOR"),
      "run": ("GITHUB_RUN_ID", "CI_PIPELINE_URL", "BUILD_URL")}
JOURNAL = "/run/systemd/journal/socket"
Row = dict[str, Any]


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_id(moment: datetime) -> str:
    """Sorts by time, and is another one for two runs of the same second."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") + "-" + os.urandom(3).hex()


def who(environment: Mapping[str, str] | None = None) -> Row:
    """The person or pipeline that started the run."""
    environment = os.environ if environment is None else environment
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    found: Row = {"user": user, "host": socket.gethostname()}
    if environment.get("SUDO_USER"):
        found["sudo_user"] = environment["SUDO_USER"]
    for key, names in CI.items():
        if value := next((environment[name] for name in names if environment.get(name)), ""):
            found[f"ci_{key}"] = value
    return found


def commit(directory: str | Path) -> str:
    """The commit that is checked out there, without running git; "" where there is none."""
    for place in (Path(directory).resolve(), *Path(directory).resolve().parents):
        git = place / ".git"
        with contextlib.suppress(OSError, ValueError, IndexError):
            if git.is_file():  # a worktree
                git = place / git.read_text(encoding="utf-8").split("gitdir:", 1)[1].strip()
            if not git.is_dir():
                continue
            head = (git / "HEAD").read_text(encoding="utf-8").strip()
            if not head.startswith("ref: "):
                return head[:40]
            common = git / (git / "commondir").read_text(encoding="utf-8").strip() if (git / "commondir").is_file() else git
            if (common / head[5:]).is_file():
                return (common / head[5:]).read_text(encoding="utf-8").strip()[:40]
            for line in (common / "packed-refs").read_text(encoding="utf-8").splitlines():
                if line.endswith(" " + head[5:]):
                    return line[:40]
        return ""
    return ""


def short(text: Any, limit: int = TEXT) -> str:
    # Cut before it is masked, as a long text takes long; at a blank, so that no part of a secret is left that looks like none.
    words = str(text)
    if len(words) > 8 * limit:
        words = words[: 8 * limit].rpartition(" ")[0]
    words = mask.text(" ".join(words.split()))
    return words if len(words) <= limit else words[: limit - 3] + "..."


def differences(result: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    """(path, lines that came, lines that went) of a task's diff; the lines themselves go nowhere."""
    rows = result.get("diff")
    for row in rows if isinstance(rows, list) else [rows]:
        if not isinstance(row, Mapping):
            continue
        name = str(row.get("after_header") or row.get("before_header") or result.get("dest") or result.get("path") or "")
        if isinstance(row.get("prepared"), str):
            lines = row["prepared"].splitlines()
            yield (name, sum(line.startswith("+") and not line.startswith("+++") for line in lines),
                   sum(line.startswith("-") and not line.startswith("---") for line in lines))
        elif "before" in row or "after" in row:
            before, after = (Counter(_lines(row.get(key))) for key in ("before", "after"))
            if before != after:
                yield name, (after - before).total(), (before - after).total()


def _lines(value: Any) -> list[str]:
    if isinstance(value, (dict, list)):
        value = json.dumps(value, sort_keys=True, default=str, indent=1)
    return str(value or "").splitlines()


class Recorder:
    """Gathers what happens in a run, in the order of its tasks."""

    def __init__(self) -> None:
        self.changed: dict[tuple[str, str], list[str]] = {}
        self.diff: dict[str, list[int]] = {}
        self.failures: list[Row] = []
        self.roles: dict[str, dict[str, list[str]]] = {}

    def task(self, host: str, name: str, role: str, result: Mapping[str, Any], ok: bool, ignored: bool = False,
             drift: bool = True) -> None:
        """What became of a task on a host; `drift`: whether a change of it is one of the host itself."""
        seen = self.roles.setdefault(host, {}).setdefault(role or "-", []) if drift else []
        if not ok and not ignored:
            # A failure of a task with no_log says nothing here, too.
            words = "hidden by no_log" if result.get("censored") else result.get("msg") or result.get("stderr") or "failed"
            self.failures.append({"host": host, "task": short(name, 120), "message": short(words)})
        if result.get("changed") and ok:
            self.changed.setdefault((name, role), []).append(host)
            seen.append(name)
            for path, came, went in differences(result) if not result.get("censored") else ():
                row = self.diff.setdefault(path or name, [0, 0, 0])
                row[0], row[1], row[2] = row[0] + came, row[1] + went, row[2] + 1

    def finish(self, base: Row, finished: datetime, result: str, stats: Mapping[str, Mapping[str, int]]) -> Row:
        """The whole record. `base` is what was known at the start, `stats` is host to counts."""
        started = datetime.fromisoformat(base["started"])
        changed = [{"task": short(name, 120), "role": role, "hosts": len(hosts), "names": hosts[:5]}
                   for (name, role), hosts in self.changed.items()]
        diff = [{"path": short(path, 160), "added": came, "removed": went, "hosts": hosts}
                for path, (came, went, hosts) in self.diff.items()]
        counts = Counter[str]()
        for row in stats.values():
            counts.update(row)
        return base | {
            "finished": stamp(finished), "seconds": round((finished - started).total_seconds(), 1), "result": result,
            "where": base["where"] | {"hosts": sorted(stats)[:NAMES], "count": len(stats)},
            "counts": dict(sorted(counts.items())),
            "changed": changed[:NAMES], "changed_tasks": len(changed),
            "diff": diff[:NAMES], "diff_files": len(diff),
            "failures": self.failures[:10], "failed_tasks": len(self.failures)}


# -- on disk -----------------------------------------------------------------------------------------------------------
class Spool:
    def __init__(self, directory: str | Path) -> None:
        self.path = Path(directory)
        for place in (self.path, self.path / "pending", self.path / "open"):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(self, base: Row) -> None:
        write(self.path / "open" / f"{base['id']}.json", json.dumps(base | {"pid": os.getpid()}))

    def end(self, record: Row) -> None:
        """Keep a record, and have it delivered; the run is no longer open."""
        line = json.dumps(record, sort_keys=True)
        write(self.path / "pending" / f"{record['id']}.json", line)
        descriptor = os.open(self.path / "changes.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with open(descriptor, "ab") as log:
            log.write(line.encode() + b"\n")
        (self.path / "open" / f"{record['id']}.json").unlink(missing_ok=True)

    def lost(self, now: datetime) -> list[Row]:
        """Records of runs whose process is gone without an end, such as after a kill or a loss of power."""
        found = []
        for place in sorted((self.path / "open").glob("*.json")):
            with contextlib.suppress(OSError, ValueError, KeyError):
                base = json.loads(place.read_text(encoding="utf-8"))
                pid = base.pop("pid")
                if not _alive(pid):
                    found.append(Recorder().finish(base, now, "lost", {}))
        return found

    def pending(self) -> list[tuple[Path, Row]]:
        """The oldest records that are still to be delivered; what cannot be read is left where it is."""
        found = []
        for place in sorted((self.path / "pending").glob("*.json"))[:BATCH]:
            with contextlib.suppress(OSError, ValueError):
                found.append((place, json.loads(place.read_text(encoding="utf-8"))))
        return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write(path: Path, text: str) -> None:
    """The whole file or none of it."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    new.replace(path)


# -- delivery ----------------------------------------------------------------------------------------------------------
class DeliveryError(Exception):
    """Where a record could not be brought, and why; carries no secret."""


def push_loki(target: Row, records: list[Row], environment: str, timeout: float) -> None:
    """Records as lines of one stream, by Loki's push API; each has the time of its end."""
    labels = {"service_name": "psf-observatory-changes", "system": "observatory", "environment": environment} | (target.get("labels") or {})
    values = [[str(int(datetime.fromisoformat(row["finished"]).timestamp()) * 10**9), json.dumps(row, sort_keys=True)] for row in records]
    headers = {"X-Scope-OrgID": str(target["tenant"])} if target.get("tenant") else {}
    post(target, "/loki/api/v1/push", {"streams": [{"stream": labels, "values": values}]}, timeout, headers)


def annotate(target: Row, record: Row, environment: str, timeout: float) -> None:
    """One annotation, as long as the run was."""
    begin, end = (int(datetime.fromisoformat(record[key]).timestamp() * 1000) for key in ("started", "finished"))
    what = record["what"]
    names = ", ".join(sorted({row["role"] or row["task"] for row in record["changed"]})[:8])
    text = (f"{what['playbook']} by {record['who'].get('ci_actor') or record['who']['user']}: {record['result']}, "
            f"{record['counts'].get('changed', 0)} changed on {record['where']['count']} hosts" + (f" ({names})" if names else ""))
    tags = ["change", record["result"], what["playbook"], *([f"env:{environment}"] if environment else [])]
    post(target, "/api/annotations", {"time": begin, "timeEnd": end, "tags": tags, "text": text}, timeout,
         {"Authorization": f"Bearer {target['token']}"})


def journal(records: list[Row], where: str = JOURNAL) -> None:
    """Records to the controller's own journal, by its native protocol; an agent there brings them to Loki."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        for row in records:
            line = json.dumps(row, sort_keys=True)
            priority = 6 if row["result"] == "ok" else 4
            try:
                connection.sendto(f"MESSAGE={line}\nSYSLOG_IDENTIFIER=psf-changes\nPRIORITY={priority}\n".encode(), where)
            except OSError as error:
                raise DeliveryError(f"journal: {error}") from error


def post(target: Row, path: str, body: Row, timeout: float, headers: dict[str, str]) -> None:
    url = str(target.get("url") or "").rstrip("/") + path
    if not url.startswith("https://") and not (url.startswith("http://") and target.get("tls") is False):
        raise DeliveryError(f"{url}: not https; a server without TLS must have tls: false")
    try:
        status, said = probe.request(url, "POST", timeout, body=json.dumps(body), headers=headers, **probe.credentials(target))
    except (OSError, ValueError) as error:
        raise DeliveryError(f"{url}: {error}") from error
    if not 200 <= status < 300:
        raise DeliveryError(f"{url}: HTTP {status} {short(said, 160)}")


def deliver(spool: Spool, options: Row, environment: str, timeout: float, newest: Row) -> list[str]:
    """Bring all pending records where they shall go; what is wrong, as texts. Nothing that was brought is lost or brought twice by us,
    unless one target took it and another did not: then it is brought to both again, as Loki takes equal lines once."""
    problems: list[str] = []
    rows = spool.pending()
    records = [record for _path, record in rows]
    targets = options.get("loki") if options.get("loki") is not None else []
    brought = False
    for target in targets if isinstance(targets, list) else [targets]:
        try:
            push_loki(target, records, environment, timeout)
            brought = True
        except (DeliveryError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"Loki: {error}")
    if options.get("journal"):
        try:
            journal(records)
            brought = True
        except DeliveryError as error:
            problems.append(str(error))
    if brought and not problems:
        for path, _record in rows:
            path.unlink(missing_ok=True)
    grafana = options.get("grafana") or {}
    if grafana.get("url") and not newest["what"]["check"] and (newest["counts"].get("changed") or newest["result"] != "ok"):
        try:
            annotate(grafana, newest, environment, timeout)
        except (DeliveryError, KeyError, TypeError) as error:
            problems.append(f"Grafana: {error}")
    return problems


# -- drift -------------------------------------------------------------------------------------------------------------
def write_drift(path: Path, recorder: Recorder, finished: datetime, stats: Mapping[str, Mapping[str, int]], hosts: set[str]) -> None:
    """What a check run would have changed, by host and role; hosts that it did not ask keep what was known of them.

    {"format": 1, "hosts": {name: {"finished", "failed", "roles": [{"name", "changed", "tasks"}]}}}
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(".drift.lock"), "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = read_drift(path).get("hosts") or {}
        for host in sorted(hosts & set(stats)):
            roles = recorder.roles.get(host) or {}
            known[host] = {
                "finished": stamp(finished),
                "failed": bool(stats[host].get("failures") or stats[host].get("unreachable")),
                "roles": [{"name": name, "changed": len(tasks), "tasks": [short(task, 120) for task in tasks[:20]]}
                          for name, tasks in sorted(roles.items())]}
        write(path, json.dumps({"format": 1, "hosts": {name: known[name] for name in sorted(known) if name in hosts}}, indent=1))


def read_drift(path: Path) -> Row:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        return {"error": f"{path}: {error}"}
    if not isinstance(found, dict) or found.get("format") != 1 or not isinstance(found.get("hosts"), dict):
        return {"error": f"{path}: not a drift record of format 1"}
    return found


def drift_of(path: str, host: str) -> Row:
    """What the probe `drift` reads of a host: {"host": its row}, {"error": why there is none}, or {}."""
    found = read_drift(Path(path)) if path else {}
    if "error" in found:
        return {"error": found["error"]}
    row = (found.get("hosts") or {}).get(host)
    return {"host": row} if row else {}


# -- what was given to the run -----------------------------------------------------------------------------------------
def words(text: str) -> list[str]:
    """Words as a shell has them; where a quote does not end, what stands between blanks."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def mapping_names(text: str) -> list[str]:
    """The keys of a mapping in JSON or YAML; a text that is none has no names."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return []
    return [str(name) for name in found] if isinstance(found, dict) else []

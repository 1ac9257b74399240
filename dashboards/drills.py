"""Fire drills: a system's drills.yml says which faults are made in a lab, and which alerts must then arrive and go away again.

Commands are shell, run as root on the hosts of a lab, with HOST, REGION, OTHERS (addresses of the hosts of all other regions) and DRILL
(a directory for the drill's own files) in the environment. `undo` also runs by a timer on the host, so it must be right at any moment,
more than once, and when the fault was made only in part."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import yaml

from dashboards.load import Content, Loaded
from dashboards.model import ALERT, ContentError, require

DRILL_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
HOSTS = ("first", "all")
REGIONS = ("first", "last")
SEEN_AT = ("receiver", "elsewhere", "alertmanager", "prometheus")
# The region of an alert that another region raises about this one.
OTHER = "$OTHER"
# Files that the runner makes for a drill: a small ext4 image, a certificate of the lab's authority that ends soon.
FILES = ("disk.img", "ending.crt")
MOST = 1200


@dataclass(frozen=True)
class Drill:
    """A fault and what it must raise.

    on: inventory group; hosts: its first host in the region, or all of them; region: the first or the last by name.
    alerts, and silent (inhibited while the fault lasts): name to labels beyond region. within and clears_within: seconds from
    fault and from undo; lasts: alerts not waited for to clear, with reasons. takes: what no other drill may use meanwhile ("host", or a
    system of the region); needs: what must not be taken. seen_at: how far the alert can get while the fault lasts, or "elsewhere": to the
    receiver of another region."""

    id: str
    what: str
    on: str
    fault: tuple[str, ...]
    undo: tuple[str, ...]
    alerts: dict[str, dict[str, str]]
    within: int
    clears_within: int = 0
    lasts: dict[str, str] | None = None
    silent: dict[str, dict[str, str]] | None = None
    hosts: str = "first"
    region: str = "first"
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    alone: bool = False
    seen_at: str = "receiver"


@dataclass(frozen=True)
class Drills:
    """What one system's drills.yml says; not_drilled is alert to reason."""

    drills: tuple[Drill, ...] = ()
    not_drilled: dict[str, str] | None = None


KNOWN = tuple(Drill.__dataclass_fields__)
NEEDED = ("id", "what", "on", "fault", "undo", "alerts", "within")


def of(loaded: Loaded) -> Drills:
    """The drills of a system; none, where it has no drills.yml. Raises ContentError."""
    path = loaded.folder / "drills.yml"
    if not path.is_file():
        return Drills()
    return parse(path.read_text(encoding="utf-8"), f"systems/{loaded.system.id}/drills.yml")


def parse(text: str, where: str) -> Drills:
    """drills.yml as data. Raises ContentError with file and key."""
    try:
        data = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ContentError(f"{where}: is not YAML: {str(error).replace(chr(10), ' ')}") from error
    require(isinstance(data, dict), where, "must be a mapping with the keys drills and not_drilled")
    unknown = sorted(set(data) - {"drills", "not_drilled"})
    require(not unknown, where, f"unknown keys {', '.join(map(str, unknown))}; known are drills, not_drilled")
    rows = data.get("drills") or []
    require(isinstance(rows, list), f"{where}: drills", "must be a list")
    drills = tuple(_drill(row, f"{where}: drills[{number}]") for number, row in enumerate(rows))
    ids = [drill.id for drill in drills]
    double = sorted({name for name in ids if ids.count(name) > 1})
    require(not double, f"{where}: drills", f"the id {', '.join(double)} is used twice")
    reasons = data.get("not_drilled") or {}
    require(isinstance(reasons, dict), f"{where}: not_drilled", "must map alerts to reasons")
    for name, reason in reasons.items():
        require(isinstance(name, str) and ALERT.match(name), f"{where}: not_drilled.{name}", "is not the name of an alert")
        require(isinstance(reason, str) and len(reason.split()) > 2, f"{where}: not_drilled.{name}", "needs a reason, in a sentence")
    return Drills(drills, dict(reasons))


def _drill(row: Any, where: str) -> Drill:
    require(isinstance(row, dict), where, "must be a mapping")
    if isinstance(row.get("id"), str):
        where = f"{where} ({row['id']})"
    # YAML 1.1 reads the bare key `on` as true.
    row = {("on" if key is True else key): value for key, value in row.items()}
    unknown = sorted(set(map(str, row)) - set(KNOWN))
    require(not unknown, where, f"unknown keys {', '.join(unknown)}; known are {', '.join(KNOWN)}")
    missing = [key for key in NEEDED if not row.get(key)]
    require(not missing, where, f"{', '.join(missing)} missing")
    require(isinstance(row["id"], str) and DRILL_ID.match(row["id"]), f"{where}: id", f"{row['id']!r} is not lower case words joined by -")
    for key in ("what", "on"):
        require(isinstance(row.get(key, ""), str), f"{where}: {key}", "must be text")
    for key in ("fault", "undo", "takes", "needs", "files"):
        value = row.get(key, [])
        good = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
        require(good, f"{where}: {key}", "must be a list of texts")
    for key, choices in (("hosts", HOSTS), ("region", REGIONS), ("seen_at", SEEN_AT)):
        require(row.get(key, choices[0]) in choices, f"{where}: {key}", f"{row.get(key)!r} is not one of {', '.join(choices)}")
    for name in row.get("files", []):
        require(name in FILES, f"{where}: files", f"{name!r} is not one of {', '.join(FILES)}")
    for key in ("within", "clears_within"):
        value = row.get(key, 0)
        require(isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST, f"{where}: {key}",
                f"{value!r} is not seconds up to {MOST}")
    require(isinstance(row.get("alone", False), bool), f"{where}: alone", "must be true or false")
    lists = {key: tuple(row[key]) for key in ("fault", "undo", "takes", "needs", "files") if key in row}
    alerts = {key: _alerts(row[key], f"{where}: {key}") for key in ("alerts", "silent") if row.get(key)}
    lasts = row.get("lasts") or {}
    require(isinstance(lasts, dict) and set(lasts) <= set(alerts["alerts"]), f"{where}: lasts", "must map alerts of this drill to reasons")
    good = all(isinstance(reason, str) and len(reason.split()) > 2 for reason in lasts.values())
    require(good, f"{where}: lasts", "needs reasons, in a sentence")
    require(bool(row.get("clears_within")) == (set(lasts) != set(alerts["alerts"])), where,
            "needs clears_within (seconds) unless lasts says of every alert why clearing is not waited for")
    return Drill(**cast("dict[str, Any]", {**row, **lists, **alerts}))


def _alerts(value: Any, where: str) -> dict[str, dict[str, str]]:
    require(isinstance(value, dict), where, "must map alerts to the labels that they must have, {} for none beyond region")
    for name, labels in value.items():
        require(isinstance(name, str) and ALERT.match(name), f"{where}.{name}", "is not the name of an alert")
        require(isinstance(labels, dict) and all(isinstance(item, str) for pair in labels.items() for item in pair),
                f"{where}.{name}", "must map labels to texts")
        require(labels.get("region", OTHER) == OTHER, f"{where}.{name}",
                f"region is that of the drill; leave it out, or say {OTHER} where another region raises the alert")
    return {str(name): dict(labels) for name, labels in value.items()}


def document(present: Iterable[Loaded]) -> dict[str, Any]:
    """drills.json of the bundle: every drill with its system, and the alerts that have a reason instead."""
    drills: list[dict[str, Any]] = []
    reasons: dict[str, str] = {}
    for loaded in present:
        found = of(loaded)
        for drill in found.drills:
            said = {key: value for key, value in vars(drill).items() if value not in (None, (), "", False, 0)}
            drills.append({"system": loaded.system.id, **said})
        reasons |= found.not_drilled or {}
    return {"drills": drills, "not_drilled": dict(sorted(reasons.items()))}


def drilled(content: Content) -> set[str]:
    """Every alert that some drill, of whatever system, must raise or see inhibited."""
    return {name for loaded in content.systems for drill in of(loaded).drills for name in (*drill.alerts, *(drill.silent or {}))}

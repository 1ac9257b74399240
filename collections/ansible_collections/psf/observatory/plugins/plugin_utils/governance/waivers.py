# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: an accepted deviation with an owner, an approver who is another, a reason and an end.

`parse` validates; what is wrong makes a waiver invalid, and an invalid one waives nothing. `apply` is the only place where a waiver
meets a result. It runs after everything was evaluated, so what is waived is still seen, and it waives failures only: that something
could not be read is no deviation that anyone could accept.

A waiver:

    - id: WVR-2026-014
      control: NET-01
      scope: {host: app-eu-1}       # type, name, region, namespace, or a type of subject with its name; globs; lists
      reason: the vendor's chart lacks policies
      ticket: SEC-1234
      requested_by: crm
      approved_by: security         # another
      created: 2026-11-01           # YYYY-MM-DD, UTC
      expires: 2027-01-15           # the last day on which it stands; at most 90 days after created for critical, else 180
      compensating: a rule on the gateway

Format and states: docs/adr/0015-evidence.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from .model import FAIL, Control, GovernanceError, Result

ACTIVE, EXPIRING, EXPIRED, UNUSED, INVALID = STATES = ("active", "expiring", "expired", "unused", "invalid")
REQUIRED = ("id", "control", "scope", "reason", "ticket", "requested_by", "approved_by", "created", "expires")
OPTIONAL = ("compensating",)
MAX_DAYS = {"critical": 90}
MAX_DAYS_OTHERWISE = 180
EXPIRING_DAYS = 14
# Controls over the waivers and the assessment themselves: one that could be waived would not be one.
NEVER = ("CHG-04",)
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Waiver:
    """A waiver as declared; `problems` say why it is invalid. `state` and `matched` (fingerprints) are filled by `apply`."""

    id: str
    control: str
    scope: Mapping[str, tuple[str, ...]]
    reason: str = ""
    ticket: str = ""
    requested_by: str = ""
    approved_by: str = ""
    created: date | None = None
    expires: date | None = None
    compensating: str = ""
    origin: str = "governance_waivers"
    problems: list[str] = field(default_factory=list)
    state: str = ACTIVE
    matched: list[str] = field(default_factory=list)

    @property
    def ends_at(self) -> datetime | None:
        """The moment from which it does not stand any more: the end of its last day, UTC."""
        return datetime.combine(self.expires + timedelta(days=1), time(), UTC) if self.expires else None

    def covers(self, result: Result) -> bool:
        """Whether the scope holds the subject of a result: every key of it must match."""
        if self.control != result.control:
            return False
        subject = {"type": result.type, "name": result.name, "region": result.region or "", "namespace": result.namespace}
        for key, patterns in self.scope.items():
            if key in ("type", "name", "region"):
                value = subject[key]
            elif key == "namespace" and result.namespace:
                value = result.namespace
            elif key == result.type:
                value = result.name
            else:
                return False
            if not any(fnmatchcase(value, pattern) for pattern in patterns):
                return False
        return True


def load(source: Any, base: str | Path = ".") -> list[tuple[str, Any]]:
    """(origin, row) pairs from a list, a file (relative to `base`), or nothing. Raises GovernanceError for a file that cannot be read."""
    if source in (None, "", []):
        return []
    if isinstance(source, str):
        path = Path(base) / source
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise GovernanceError(
                f"governance_waivers: {path}: {getattr(error, 'strerror', None) or error}; it must be a YAML file with a "
                "list of waivers that this account can read"
            ) from error
        try:
            source = yaml.load(text, Loader=LOADER)  # noqa: S506 (a safe loader)
        except (yaml.YAMLError, ValueError) as error:
            raise GovernanceError(f"governance_waivers: {path}: not YAML: {' '.join(str(error).split())}") from error
        if isinstance(source, Mapping) and set(source) == {"governance_waivers"}:
            source = source["governance_waivers"]
        if source is None:
            return []
        origin = str(path)
    else:
        origin = "governance_waivers"
    if not isinstance(source, list):
        raise GovernanceError(f"{origin}: {type(source).__name__} given; it must be a list of waivers, or the name of a file with one")
    return [(origin, row) for row in source]


def parse(rows: Iterable[tuple[str, Any]], controls: Mapping[str, Control], now: datetime) -> list[Waiver]:
    """Every row as a waiver, with the problems of each; never raises for what a row says."""
    today = _today(now)
    found = [_parse(origin, index, row, controls, today) for index, (origin, row) in enumerate(rows)]
    seen: dict[str, int] = {}
    for waiver in found:
        seen[waiver.id] = seen.get(waiver.id, 0) + 1
    for waiver in found:
        if seen[waiver.id] > 1:
            waiver.problems.append(_problem(waiver, "id", f"{seen[waiver.id]} waivers have this id; each needs its own"))
        if waiver.problems:
            waiver.state = INVALID
    return found


def _today(now: datetime) -> date:
    if now.tzinfo is None:
        raise ValueError("now needs a zone")
    return now.astimezone(UTC).date()


def _problem(waiver: Waiver, key: str, reason: str) -> str:
    return f"{waiver.origin}: {waiver.id}: {key}: {reason}"


def _parse(origin: str, index: int, row: Any, controls: Mapping[str, Control], today: date) -> Waiver:
    waiver = Waiver(id=f"[{index}]", control="", scope={}, origin=origin)
    if not isinstance(row, Mapping):
        waiver.problems.append(_problem(waiver, "row", f"{_short(row)} is not a mapping with {', '.join(REQUIRED)}"))
        return waiver
    identifier = row.get("id")
    if isinstance(identifier, str) and ID.fullmatch(identifier):
        waiver.id = str(identifier)
    elif identifier is not None:
        waiver.problems.append(_problem(waiver, "id", f"{_short(identifier)} is not letters, digits, '.', '_' and '-' (64 at most)"))
    for key in REQUIRED:
        if row.get(key) in (None, "", {}, []):
            waiver.problems.append(_problem(waiver, key, "is missing"))
    for key in row:
        if key not in REQUIRED + OPTIONAL:
            waiver.problems.append(_problem(waiver, str(key), f"is unknown; known are {', '.join(REQUIRED + OPTIONAL)}"))
    _texts(waiver, row)
    control = controls.get(waiver.control)
    if waiver.control and control is None:
        waiver.problems.append(_problem(waiver, "control", f"{waiver.control!r} does not exist"))
    if waiver.control in NEVER:
        waiver.problems.append(_problem(waiver, "control", f"{waiver.control} judges the waivers and cannot be waived"))
    if waiver.requested_by and _person(waiver.requested_by) == _person(waiver.approved_by):
        waiver.problems.append(_problem(waiver, "approved_by", f"{waiver.approved_by!r} also requested it; it must be another"))
    severity = control.severity if control else "critical"
    _scope(waiver, row.get("scope"), severity)
    _dates(waiver, row, severity, today)
    return waiver


def _texts(waiver: Waiver, row: Mapping[Any, Any]) -> None:
    for key in ("control", "reason", "ticket", "requested_by", "approved_by", "compensating"):
        value = row.get(key)
        if value not in (None, "", {}, []) and not (isinstance(value, str) and value.strip()):
            waiver.problems.append(_problem(waiver, key, f"{_short(value)} is not text"))
        elif isinstance(value, str):
            setattr(waiver, key, str(value).strip())


def _person(name: str) -> str:
    """The same person however the name is written: case, width and spaces do not count."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _scope(waiver: Waiver, scope: Any, severity: str) -> None:
    if scope in (None, "", {}, []):
        return
    if not isinstance(scope, Mapping):
        waiver.problems.append(_problem(waiver, "scope", f"{_short(scope)} is not a mapping such as {{host: app-eu-1}}"))
        return
    found: dict[str, tuple[str, ...]] = {}
    for key, value in scope.items():
        patterns = value if isinstance(value, (list, tuple)) else [value]
        if not isinstance(key, str) or not patterns or not all(isinstance(item, str) and item for item in patterns):
            waiver.problems.append(_problem(waiver, f"scope.{key}", f"{_short(value)} is not a name, a pattern or a list of these"))
            return
        found[str(key)] = tuple(str(item) for item in patterns)
    waiver.scope = found
    # What is left when stars and question marks are taken away is what the scope really says.
    narrow = [key for key, patterns in found.items() if key != "type" and all(pattern.strip("*?") for pattern in patterns)]
    if severity == "critical" and not narrow:
        waiver.problems.append(
            _problem(waiver, "scope", f"{_short(dict(scope))} holds everything; for a critical control it must name what it is for")
        )


def _dates(waiver: Waiver, row: Mapping[Any, Any], severity: str, today: date) -> None:
    for key in ("created", "expires"):
        value = row.get(key)
        if value in (None, "", {}, []):
            continue
        try:
            setattr(waiver, key, read_date(value))
        except ValueError as error:
            waiver.problems.append(_problem(waiver, key, str(error)))
    if waiver.created and waiver.created > today + timedelta(days=1):  # a day ahead is still today somewhere
        waiver.problems.append(_problem(waiver, "created", f"{waiver.created} is in the future"))
    if waiver.created and waiver.expires:
        days, most = (waiver.expires - waiver.created).days, MAX_DAYS.get(severity, MAX_DAYS_OTHERWISE)
        if days < 0:
            waiver.problems.append(_problem(waiver, "expires", f"{waiver.expires} is before created, {waiver.created}"))
        elif days > most:
            waiver.problems.append(
                _problem(
                    waiver, "expires", f"{waiver.expires} is {days} days after created; at most {most} are allowed for severity {severity}"
                )
            )


def read_date(value: Any) -> date:
    """YYYY-MM-DD, as text or as YAML's own date. Raises ValueError that says what was given."""
    if isinstance(value, datetime):
        raise ValueError(f"{value} has a time of day; only a date, YYYY-MM-DD, is read")
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    # fromisoformat reads other forms too (20261101, 2026-W45-1), and \d other digits.
    if not isinstance(value, str) or not DATE.fullmatch(value) or not value.isascii():
        raise ValueError(f"{_short(value)} is not a date of the form YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not a day of the calendar: {error}") from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def apply(results: Iterable[Result], waivers: Iterable[Waiver], now: datetime, complete: bool = True) -> None:
    """Flag the failures that a waiver covers today, and give each waiver its state. Evaluated statuses are never touched.

    Where several waivers cover one failure, the one that ends last is named. `complete`: every host was asked; else a waiver
    that met nothing is not called unused.
    """
    today = _today(now)
    rows, known = list(results), list(waivers)
    for result in rows:
        result.waiver, result.waived_until = None, None
    for waiver in known:
        waiver.matched = []
        if waiver.problems or waiver.expires is None:
            waiver.state = INVALID
            continue
        covered = [row for row in rows if waiver.covers(row)]
        waiver.matched = [row.fingerprint for row in covered if row.status == FAIL]
        left = (waiver.expires - today).days
        if left < 0:
            waiver.state = EXPIRED
        elif not waiver.matched and (covered or complete):
            waiver.state = UNUSED
        else:
            waiver.state = EXPIRING if left < EXPIRING_DAYS else ACTIVE
    standing = sorted((waiver for waiver in known if waiver.state in (ACTIVE, EXPIRING)), key=lambda row: (row.expires or today, row.id))
    for waiver in standing:
        of = set(waiver.matched)
        for result in rows:
            if result.status == FAIL and result.fingerprint in of:
                result.waiver, result.waived_until = waiver.id, waiver.expires

# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls, results and the report of a run as types, and the reading of what the hosts handed over.

Times are aware datetimes in UTC. A result is of one control and one subject; `waived` is a flag beside its status, never a status.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .score import Score

PASS, FAIL, ERROR, NOT_APPLICABLE, MANUAL = "pass", "fail", "error", "not_applicable", "manual"
# From worst to best: where two hosts report the same subject, the worse counts, so that nothing passes that one of them could not read.
STATUSES = (FAIL, ERROR, MANUAL, PASS, NOT_APPLICABLE)
SEVERITIES = ("critical", "high", "medium", "low", "info")
FRAMEWORKS = {"gdpr": "GDPR", "iso27001": "ISO/IEC 27001:2022", "nist80053": "NIST SP 800-53 Rev. 5", "soc2": "SOC 2", "cis": "CIS"}
# The region of a subject that belongs to none.
NOWHERE = "global"
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)")


class GovernanceError(Exception):
    """Input that cannot be used, or a place that cannot be written: what, where, why, and what would be right."""


@dataclass(frozen=True)
class Control:
    """A control, as far as a report needs it. `max_age` in seconds; `frameworks`: id to identifiers."""

    id: str
    title: str
    severity: str
    domain: str
    owner: str
    component: str = "host"
    mode: str = "automated"
    rationale: str = ""
    max_age: int = 86400
    frameworks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    remediation: str = ""
    disruptive: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Result:
    """The verdict on one subject. `region` is None where the subject belongs to no region; `hosts`: who looked."""

    control: str
    type: str
    name: str
    region: str | None
    status: str
    namespace: str = ""
    expected: str = ""
    actual: str = ""
    message: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    overridden: list[str] = field(default_factory=list)
    duration_ms: float = 0.0
    hosts: list[str] = field(default_factory=list)
    waiver: str | None = None
    waived_until: date | None = None
    # Filled by run.py: where the evidence lies in the run's directory, and its sha256.
    evidence_path: str = ""
    evidence_sha256: str = ""
    # Filled by the comparison with the run before: new, fixed, regressed, unchanged.
    change: str = "new"

    @property
    def fingerprint(self) -> str:
        """The same control and subject have the same one in every run; 32 hex digits."""
        text = json.dumps([self.control, self.type, self.name, self.namespace, self.region or ""])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def waived(self) -> bool:
        return self.waiver is not None

    @property
    def bad(self) -> bool:
        """Counts against the platform: failed or could not be read, and no waiver stands."""
        return self.status in (FAIL, ERROR) and not self.waived

    @property
    def state(self) -> str:
        """The status, or `waived` where a waiver stands; for counting and for people."""
        return "waived" if self.waived else self.status

    @property
    def collected_at(self) -> datetime | None:
        value = self.evidence.get("collected_at")
        return moment(value) if isinstance(value, str) else None


@dataclass(frozen=True)
class HostRun:
    """What one host said about its own run."""

    host: str
    region: str | None
    started: datetime
    finished: datetime


@dataclass
class Report:
    """One run: everything that the outputs read."""

    run_id: str
    environment: str
    started: datetime
    finished: datetime
    controls: dict[str, Control]
    results: list[Result]
    waivers: list[Any]
    scores: list[Score]
    coverage: float | None
    hosts: list[HostRun]
    # Hosts that were asked and gave nothing, with their region.
    silent: dict[str, str | None]
    # Whether every host of the environment was asked; with a limit, nothing can be said of what is missing.
    complete: bool
    previous: str | None = None
    gone: list[str] = field(default_factory=list)
    # Earlier runs, oldest first: {"run", "finished", "strict", "effective", "grade", "coverage", "counts"}.
    history: list[dict[str, Any]] = field(default_factory=list)
    version: str = ""

    def counts(self) -> dict[str, int]:
        """How many results are in which state; all states are there."""
        found = dict.fromkeys((*STATUSES, "waived"), 0)
        for result in self.results:
            found[result.state] += 1
        return found

    def changes(self) -> dict[str, int]:
        found = dict.fromkeys(("new", "fixed", "regressed", "unchanged"), 0)
        for result in self.results:
            found[result.change] += 1
        return found | {"gone": len(self.gone)}

    def score(self, scope: str = "overall", name: str = "overall") -> Score:
        for score in self.scores:
            if score.scope == scope and score.name == name:
                return score
        raise KeyError(f"{scope} {name}")

    @property
    def regions(self) -> list[str]:
        """The regions of hosts and subjects, sorted."""
        return sorted({row.region for row in self.hosts if row.region} | {row.region for row in self.results if row.region})


def moment(value: Any) -> datetime | None:
    """An ISO 8601 time with a zone as UTC; None for anything else."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def stamp(value: datetime) -> str:
    """A time as everything here writes it: 2026-11-24T13:47:00Z."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str) -> int:
    """24h -> 86400, 1h30m -> 5400. Raises ValueError."""
    parts = DURATION.findall(str(text))
    if not parts or "".join(number + unit for number, unit in parts) != str(text).strip():
        raise ValueError(f"{text!r} is not a duration (such as 24h, 15d, 1h30m)")
    return int(sum(float(number) * UNITS[unit] for number, unit in parts))


def read_control(data: Any, where: str) -> Control:
    """A control as the assessment hands it over. Raises GovernanceError naming control and key."""
    if not isinstance(data, Mapping):
        raise GovernanceError(f"{where}: {data!r} is not a control")
    name = str(data.get("id") or "?")
    for key in ("id", "title", "severity", "domain", "owner"):
        if not isinstance(data.get(key), str) or not data[key].strip():
            raise GovernanceError(f"{where}: control {name}: {key} is missing")
    if data["severity"] not in SEVERITIES:
        raise GovernanceError(f"{where}: control {name}: severity: {data['severity']!r} is not one of {', '.join(SEVERITIES)}")
    remediation = data.get("remediation") or {}
    try:
        max_age = seconds(data.get("max_age") or "24h")
    except ValueError as error:
        raise GovernanceError(f"{where}: control {name}: max_age: {error}") from error
    frameworks = {key: tuple(str(item) for item in (data.get("frameworks") or {}).get(key) or ()) for key in FRAMEWORKS}
    return Control(
        id=str(data["id"]),
        title=str(data["title"]),
        severity=str(data["severity"]),
        domain=str(data["domain"]),
        owner=str(data["owner"]),
        component=_component(data.get("applies_to")),
        mode=str(data.get("mode") or "automated"),
        rationale=" ".join(str(data.get("rationale") or "").split()),
        max_age=max_age,
        frameworks=frameworks,
        remediation=str(remediation.get("text") or "") if isinstance(remediation, Mapping) else str(remediation),
        disruptive=bool(isinstance(remediation, Mapping) and remediation.get("disruptive")),
        params=dict(data.get("params") or {}),
    )


def _component(applies_to: Any) -> str:
    """The part of the platform that a control is about: the first group that it applies to, else hosts or regions as such."""
    if not isinstance(applies_to, Mapping):
        return "host"
    groups = applies_to.get("groups")
    found = applies_to.get("component") or (groups[0] if isinstance(groups, list) and groups else None)
    return str(found) if found and found != "all" else str(applies_to.get("per") or "host")


def read_result(data: Any, host: str, controls: Mapping[str, Control], where: str) -> Result:
    """A result as the assessment hands it over. Raises GovernanceError."""
    if not isinstance(data, Mapping) or not isinstance(data.get("subject"), Mapping):
        raise GovernanceError(f"{where}: {str(data)[:200]} is not a result with a control and a subject")
    control, subject = str(data.get("control")), data["subject"]
    if control not in controls:
        raise GovernanceError(f"{where}: a result is of control {control}, which was not handed over")
    if data.get("status") not in STATUSES:
        raise GovernanceError(f"{where}: control {control}: status: {data.get('status')!r} is not one of {', '.join(sorted(STATUSES))}")
    return Result(
        control=control,
        type=str(subject.get("type") or "host"),
        name=_text(subject.get("name") or host),
        region=str(subject["region"]) if subject.get("region") else None,
        namespace=_text(subject.get("namespace")),
        status=str(data["status"]),
        expected=_text(data.get("expected")),
        actual=_text(data.get("actual")),
        message=_text(data.get("message")),
        evidence=dict(data.get("evidence") or {}),
        parameters=dict(data.get("parameters") or {}),
        overridden=sorted(str(name) for name in data.get("overridden") or ()),
        duration_ms=float(data.get("duration_ms") or 0),
        hosts=[host],
    )


def _text(value: Any) -> str:
    """Text as UTF-8 can hold it: a host's file names may have bytes that are none."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _named(name: str, catalogue: Mapping[str, Control], where: str) -> Control:
    if name not in catalogue:
        raise GovernanceError(f"{where}: control {name} is not among the controls that the report was given")
    return catalogue[name]


def gather(
    answers: Iterable[tuple[str, Any]], catalogue: Mapping[str, Control] | None = None
) -> tuple[dict[str, Control], list[Result], list[HostRun]]:
    """(host, its assessment_result) pairs as controls, results (one for each control and subject) and the hosts' runs.

    A host hands over its controls as they are, or by their ids; then the catalogue says what they are.
    """
    controls: dict[str, Control] = {}
    found: dict[str, Result] = {}
    hosts: list[HostRun] = []
    rows = list(answers)
    for host, answer in rows:
        where = f"host {host}: assessment_result"
        if not isinstance(answer, Mapping):
            raise GovernanceError(f"{where}: is no mapping with results and controls")
        for data in answer.get("controls") or ():
            control = _named(data, catalogue or {}, where) if isinstance(data, str) else read_control(data, where)
            controls.setdefault(control.id, control)
        started, finished = moment(answer.get("started")), moment(answer.get("finished"))
        if started is None or finished is None:
            raise GovernanceError(
                f"{where}: started {answer.get('started')!r} and finished {answer.get('finished')!r} must be ISO 8601 times with a zone"
            )
        hosts.append(HostRun(host, str(answer["region"]) if answer.get("region") else None, started, finished))
    for host, answer in rows:
        for data in answer.get("results") or ():
            result = read_result(data, host, controls, f"host {host}: assessment_result")
            known = found.get(result.fingerprint)
            if known is None:
                found[result.fingerprint] = result
            else:
                worse, other = sorted((result, known), key=lambda row: STATUSES.index(row.status))
                worse.hosts = sorted({*worse.hosts, *other.hosts})
                found[result.fingerprint] = worse
    results = sorted(found.values(), key=lambda row: (row.control, row.region or "", row.type, row.namespace, row.name))
    return controls, results, hosts

# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the hosts handed over, the waivers and the run before to one Report; and a Report as plain data (results.json)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from . import hygiene
from .model import (
    NOT_APPLICABLE,
    PASS,
    Control,
    Report,
    Result,
    gather,
    read_control,
    stamp,
)
from .score import coverage, scores
from .waivers import Waiver, apply, parse

FORMAT = 1


@dataclass
class Earlier:
    """The run before: its id, its results by fingerprint (status, waived), and the summaries of all runs, oldest first."""

    run_id: str | None = None
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)


def build(
    answers: Iterable[tuple[str, Any]],
    waiver_rows: Iterable[tuple[str, Any]],
    *,
    run_id: str,
    environment: str,
    now: datetime,
    asked: Mapping[str, str | None],
    own_controls: Iterable[tuple[str, Any]] = (),
    known: Iterable[Control] = (),
    earlier: Earlier | None = None,
    complete: bool = True,
    version: str = "",
) -> Report:
    """One run's report.

    answers: (host, assessment_result); waiver_rows: as waivers.load gives them;
    asked: the hosts that should have answered, with their regions;
    own_controls: (file, control) of the controls that are judged here, for those that no host handed over;
    known: every control that exists, for hosts that name theirs by id, and for waivers of what was not evaluated this time.
    """
    earlier = earlier or Earlier()
    catalogue = {control.id: control for control in known}
    controls, results, hosts = gather(answers, catalogue)
    for where, data in own_controls:
        control = read_control(data, where)
        controls.setdefault(control.id, control)
    results = [row for row in results if row.control not in (hygiene.WAIVERS, hygiene.FRESHNESS)]
    expected = sorted({*asked, *(host.host for host in hosts)})
    silent = {host: asked[host] for host in expected if host not in {row.host for row in hosts}}
    if hygiene.FRESHNESS in controls:
        results.append(
            hygiene.judge_freshness(
                controls[hygiene.FRESHNESS], controls, list(results), sorted(silent), len(expected), environment, now
            )
        )
    waivers = parse(waiver_rows, {**catalogue, **controls}, now)
    # What a silent host would have said is not known, so its waivers are not called unused.
    apply(results, waivers, now, complete and not silent)
    if hygiene.WAIVERS in controls:
        results.append(hygiene.judge_waivers(controls[hygiene.WAIVERS], waivers, environment, now))
    results.sort(key=lambda row: (row.control, row.region or "", row.type, row.namespace, row.name))
    gone = compare(results, earlier.results) if earlier.run_id else []
    return Report(
        run_id=run_id,
        environment=environment,
        started=min((host.started for host in hosts), default=now),
        finished=now.astimezone(UTC),
        controls=dict(sorted(controls.items())),
        results=results,
        waivers=waivers,
        scores=scores(results, controls),
        coverage=coverage(results, len(expected) - len(silent), len(expected)),
        hosts=sorted(hosts, key=lambda row: row.host),
        silent=silent,
        complete=complete,
        previous=earlier.run_id,
        gone=gone if complete else [],
        history=earlier.history,
        version=version,
    )


def compare(results: Iterable[Result], before: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say of each result what changed since the run before; returns the fingerprints that are gone.

    What counts is whether a subject is bad, that is failed or unreadable with no waiver: a waiver that ends is a regression.
    """
    seen = set()
    for row in results:
        seen.add(row.fingerprint)
        old = before.get(row.fingerprint)
        if old is None:
            row.change = "new"
        else:
            was_bad = old["status"] in ("fail", "error") and not old.get("waiver")
            row.change = (
                "regressed" if row.bad and not was_bad else "fixed" if was_bad and row.status in (PASS, NOT_APPLICABLE) else "unchanged"
            )
    return sorted(set(before) - seen)


def control_data(control: Control) -> dict[str, Any]:
    return {**asdict(control), "frameworks": {key: list(ids) for key, ids in control.frameworks.items()}}


def result_data(row: Result) -> dict[str, Any]:
    """A result as results.json has it; the evidence itself is in a file of its own."""
    return {
        "control": row.control,
        "subject": {"type": row.type, "name": row.name, "region": row.region} | ({"namespace": row.namespace} if row.namespace else {}),
        "status": row.status,
        "waiver": row.waiver,
        "waived_until": str(row.waived_until) if row.waived_until else None,
        "expected": row.expected,
        "actual": row.actual,
        "message": row.message,
        "parameters": row.parameters,
        "overridden": row.overridden,
        "duration_ms": row.duration_ms,
        "hosts": row.hosts,
        "fingerprint": row.fingerprint,
        "change": row.change,
        "evidence": {
            "path": row.evidence_path,
            "sha256": row.evidence_sha256,
            "collected_at": row.evidence.get("collected_at"),
            "collector": row.evidence.get("collector"),
        },
    }


def waiver_data(row: Waiver) -> dict[str, Any]:
    return {
        "id": row.id,
        "control": row.control,
        "scope": {key: list(value) for key, value in row.scope.items()},
        "reason": row.reason,
        "ticket": row.ticket,
        "requested_by": row.requested_by,
        "approved_by": row.approved_by,
        "created": str(row.created or ""),
        "expires": str(row.expires or ""),
        "compensating": row.compensating,
        "origin": row.origin,
        "state": row.state,
        "problems": row.problems,
        "matched": row.matched,
    }


def data(report: Report) -> dict[str, Any]:
    """The whole run as plain data."""
    return {
        "format": FORMAT,
        "run": report.run_id,
        "environment": report.environment,
        "started": stamp(report.started),
        "finished": stamp(report.finished),
        "complete": report.complete,
        "previous": report.previous,
        "version": report.version,
        "hosts": [
            {"host": row.host, "region": row.region, "started": stamp(row.started), "finished": stamp(row.finished)} for row in report.hosts
        ],
        "silent": report.silent,
        "coverage": report.coverage,
        "counts": report.counts(),
        "changes": report.changes(),
        "gone": report.gone,
        "scores": [asdict(score) for score in report.scores],
        "controls": [control_data(row) for row in report.controls.values()],
        "results": [result_data(row) for row in report.results],
        "waivers": [waiver_data(row) for row in report.waivers],
    }


def summary(report: Report) -> dict[str, Any]:
    """What later runs read of this one: small, so that a trend over hundreds of runs costs nothing."""
    overall = report.score()
    return {
        "run": report.run_id,
        "environment": report.environment,
        "finished": stamp(report.finished),
        "strict": overall.strict,
        "effective": overall.effective,
        "grade": overall.grade,
        "capped": overall.capped,
        "coverage": report.coverage,
        "counts": report.counts(),
        "changes": report.changes(),
        "complete": report.complete,
        "waivers": {
            state: sum(row.state == state for row in report.waivers) for state in ("active", "expiring", "expired", "unused", "invalid")
        },
    }

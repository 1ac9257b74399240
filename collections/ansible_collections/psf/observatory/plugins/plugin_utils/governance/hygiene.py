# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two controls that no host can judge: CHG-04, hygiene of the waivers, and CHG-05, freshness and coverage of the assessment.

Both enter the run as results on the environment, beside those of the hosts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from .model import FAIL, PASS, Control, Result, stamp
from .score import coverage
from .waivers import EXPIRED, INVALID, STATES, UNUSED, Waiver

WAIVERS, FRESHNESS = "CHG-04", "CHG-05"
# How far a host's clock may be ahead of the controller's, in seconds.
CLOCK_AHEAD = 300
# Names in one message; the rest is in the evidence.
NAMED = 8


def parameter(control: Control, name: str, default: float) -> float:
    """A parameter's value: as it is, that of the environment, or the default of its description."""
    value = control.params.get(name, default)
    if isinstance(value, Mapping):
        value = value.get("value", value.get("default", default))
    return float(value)


def overridden(control: Control) -> list[str]:
    """Parameters for which the environment gave a value."""
    return sorted(name for name, spec in control.params.items() if isinstance(spec, Mapping) and "value" in spec)


def _result(
    control: Control, environment: str, now: datetime, problems: list[str], good: str, data: Any, parameters: dict[str, Any], expected: str
) -> Result:
    more = f" and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
    return Result(
        control=control.id,
        type="environment",
        name=environment,
        region=None,
        status=FAIL if problems else PASS,
        expected=expected,
        actual=f"{len(problems)} problems" if problems else good,
        message="; ".join(problems[:NAMED]) + more if problems else good,
        evidence={"collected_at": stamp(now), "collector": "report", "data": data},
        parameters=parameters,
        overridden=overridden(control),
    )


def judge_waivers(control: Control, waivers: Iterable[Waiver], environment: str, now: datetime) -> Result:
    """CHG-04: no waiver is expired, unused (unless `allow_unused`) or invalid. No waivers at all is good."""
    rows = list(waivers)
    allowed = bool(parameter(control, "allow_unused", 0))
    problems = [f"{row.id} expired on {row.expires}" for row in rows if row.state == EXPIRED]
    problems += [f"{row.id} covers no failure of {row.control} any more" for row in rows if row.state == UNUSED and not allowed]
    problems += [problem for row in rows if row.state == INVALID for problem in row.problems]
    counts = {state: sum(row.state == state for row in rows) for state in STATES}
    data = {
        "counts": counts,
        "waivers": [
            {
                "id": row.id,
                "state": row.state,
                "expires": str(row.expires or ""),
                "problems": row.problems,
                "control": row.control,
                "failures": len(row.matched),
            }
            for row in rows
        ],
    }
    return _result(
        control,
        environment,
        now,
        problems,
        f"{len(rows)} waivers, all of them in order" if rows else "no waivers",
        data,
        {"allow_unused": allowed},
        f"no waiver is expired{'' if allowed else ', unused'} or invalid",
    )


def judge_freshness(
    control: Control,
    controls: Mapping[str, Control],
    results: Iterable[Result],
    silent: list[str],
    asked: int,
    environment: str,
    now: datetime,
) -> Result:
    """CHG-05: every host answered, enough of what applies was evaluated, and no evidence is older than its control allows."""
    rows = [row for row in results if row.status in (PASS, FAIL)]
    least = parameter(control, "min_coverage", 0.95)
    found = coverage(results, asked - len(silent), asked)
    problems = [f"host {host} gave no results" for host in silent]
    if found is None:
        problems.append("nothing was evaluated")
    elif found < least:
        problems.append(f"coverage is {found:.1%}, at least {least:.0%} is wanted")
    ages = []
    for row in rows:
        collected, allowed = row.collected_at, controls[row.control].max_age
        where = f"{row.control} on {row.name}"
        if collected is None:
            problems.append(f"{where}: the evidence does not say when it was collected")
            continue
        age = int((now - collected).total_seconds())
        ages.append(age)
        if age > allowed:
            problems.append(f"{where}: the evidence is {age} s old, at most {allowed} s are allowed")
        elif age < -CLOCK_AHEAD:
            problems.append(f"{where}: the evidence is from {-age} s in the future; the clock of {', '.join(row.hosts)} is ahead")
    return _result(
        control,
        environment,
        now,
        problems,
        f"coverage {found or 0:.1%}, evidence of {len(rows)} results is fresh",
        {"coverage": found, "silent": silent, "asked": asked, "evaluated": len(rows), "oldest_s": max(ages, default=0)},
        {"min_coverage": least},
        f"coverage of at least {least:.0%}, no evidence older than its control allows",
    )

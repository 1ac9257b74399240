# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Score, grade and coverage.

    score = sum(weight * share) / sum(weight), over the controls that have at least one scored result

`weight` follows the control's severity: critical 10, high 5, medium 2, low 1, info 0. `share` is the control's passed subjects divided
by its scored ones, so that a control with many subjects does not weigh more than one with few. Scored are pass, fail and error; an
error counts as a failure. not_applicable and manual are not scored.

strict: a waived failure counts as a failure. effective: it is not scored. So effective is never below strict.

The grade is that of the effective score (A from 0.95, B from 0.85, C from 0.70, D from 0.50, else F), but at best C while a critical
control has a failure or an error that nothing waives.

coverage = evaluated / (evaluated + errors) * answering hosts / asked hosts, where evaluated are pass and fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .model import ERROR, FAIL, NOWHERE, PASS, Control, Result

WEIGHTS = {"critical": 10, "high": 5, "medium": 2, "low": 1, "info": 0}
GRADES = ((0.95, "A"), (0.85, "B"), (0.70, "C"), (0.50, "D"))
LOWEST, CAP = "F", "C"
SCOPES = ("overall", "domain", "framework", "owner", "region")


@dataclass(frozen=True)
class Score:
    """`strict` and `effective` from 0 to 1, None where nothing is scored; `capped`: the grade would be better but for a critical."""

    scope: str
    name: str
    strict: float | None
    effective: float | None
    grade: str
    capped: bool
    controls: int
    results: int


def one(scope: str, name: str, results: Iterable[Result], controls: Mapping[str, Control]) -> Score:
    """The score of these results."""
    by_control: dict[str, list[Result]] = {}
    for result in results:
        if result.status in (PASS, FAIL, ERROR):
            by_control.setdefault(result.control, []).append(result)
    strict = _ratio(by_control, controls)
    effective = _ratio({name: [row for row in rows if not row.waived] for name, rows in by_control.items()}, controls)
    critical = any(row.bad and controls[row.control].severity == "critical" for rows in by_control.values() for row in rows)
    # All that could be scored is waived: the effective score has nothing to say, and the strict one stands.
    earned = grade(effective if effective is not None else strict)
    capped = critical and earned < CAP
    return Score(scope, name, strict, effective, CAP if capped else earned, capped, len(by_control), sum(map(len, by_control.values())))


def _ratio(by_control: Mapping[str, list[Result]], controls: Mapping[str, Control]) -> float | None:
    gained = possible = 0.0
    for name, rows in by_control.items():
        weight = WEIGHTS[controls[name].severity]
        if rows and weight:
            gained += weight * sum(row.status == PASS for row in rows) / len(rows)
            possible += weight
    return gained / possible if possible else None


def grade(ratio: float | None) -> str:
    """The letter of a ratio; a dash where nothing is scored."""
    if ratio is None:
        return "-"
    return next((letter for least, letter in GRADES if ratio >= least), LOWEST)


def scores(results: Iterable[Result], controls: Mapping[str, Control]) -> list[Score]:
    """Overall, and by domain, framework, owner and region. A control counts in each framework of which it has an identifier."""
    rows = list(results)
    keys: dict[str, Callable[[Result], Iterable[str]]] = {
        "domain": lambda row: [controls[row.control].domain],
        "framework": lambda row: [name for name, ids in controls[row.control].frameworks.items() if ids],
        "owner": lambda row: [controls[row.control].owner],
        "region": lambda row: [row.region or NOWHERE],
    }
    found = [one("overall", "overall", rows, controls)]
    for scope, names in keys.items():
        groups: dict[str, list[Result]] = {}
        for row in rows:
            for name in names(row):
                groups.setdefault(name, []).append(row)
        found += [one(scope, name, groups[name], controls) for name in sorted(groups)]
    return found


def coverage(results: Iterable[Result], answered: int, asked: int) -> float | None:
    """How much of what applies was really evaluated, from 0 to 1; None where nothing applies."""
    rows = list(results)
    evaluated = sum(row.status in (PASS, FAIL) for row in rows)
    errors = sum(row.status == ERROR for row in rows)
    if not evaluated + errors or not asked:
        return None
    return evaluated / (evaluated + errors) * min(answered, asked) / asked

# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as one HTML page that needs nothing else: no network, no files beside it (evidence is linked where it lies).

The page is made of report.html.j2, report.css and report.js beside this file. What hosts said is escaped by the template engine, and the
page's own policy runs no script but this one. Without scripts everything is there, only the filters are not.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from ..model import ERROR, FAIL, FRAMEWORKS, MANUAL, NOT_APPLICABLE, PASS, SEVERITIES, Report, Result, moment, stamp
from ..score import WEIGHTS, Score
from ..waivers import EXPIRED, EXPIRING, INVALID, UNUSED
from .markdown import percent, worst_first

HERE = Path(__file__).resolve().parent
STATES = (
    (FAIL, "failed"),
    (ERROR, "could not be read"),
    ("waived", "waived"),
    (MANUAL, "to be checked by hand"),
    (PASS, "passed"),
    (NOT_APPLICABLE, "not applicable"),
)
# Subjects of one control and state that are listed; results.json has all.
LISTED = 200
# Subjects that are named in one line.
SUBJECTS = 4
# A message that all subjects share is shown with them, up to this length.
MESSAGE = 120
# The trend, in units of its own coordinates.
WIDTH, HEIGHT = 600.0, 150.0


def render(report: Report) -> str:
    style, script = (HERE / "report.css").read_text(encoding="utf-8"), (HERE / "report.js").read_text(encoding="utf-8")
    bad = worst_first(report, (row for row in report.results if row.bad))
    return _template().render(
        report=report,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        overall=report.score(),
        counts=report.counts(),
        changes=report.changes(),
        states=STATES,
        severities=SEVERITIES,
        frameworks=FRAMEWORKS,
        bad=bad,
        bad_by={severity: sum(report.controls[row.control].severity == severity for row in bad) for severity in SEVERITIES},
        first=_first(report, bad),
        controls=_controls(report),
        scopes=_scopes(report),
        trend=_trend(report),
        waivers=_waivers(report),
        weights=WEIGHTS,
        regressed=[row for row in bad if row.change == "regressed"],
        fixed=[row for row in report.results if row.change == "fixed"],
        new_bad=[row for row in bad if row.change == "new"],
        names=_names(report),
        listed=LISTED,
    )


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(
        percent=percent,
        stamp=stamp,
        minute=lambda value: stamp(value).replace("T", " ")[:16] + " UTC",
        second=lambda value: stamp(value).replace("T", " "),
    )
    return environment.get_template("report.html.j2")


def _hash(text: str) -> str:
    """What a content security policy names a script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _names(report: Report) -> dict[str, list[str]]:
    """The choices of the filters."""
    controls = [report.controls[row.control] for row in report.results]
    return {
        "domain": sorted({row.domain for row in controls}),
        "owner": sorted({row.owner for row in controls}),
        "region": sorted({row.region or "global" for row in report.results}),
        "framework": [name for name in FRAMEWORKS if any(row.frameworks.get(name) for row in controls)],
    }


def _first(report: Report, bad: list[Result]) -> list[dict[str, Any]]:
    """The findings by control, in the order of their severity: where it fails, and where it could not be read."""
    by_control: dict[str, list[Result]] = {}
    for row in bad:
        by_control.setdefault(row.control, []).append(row)
    found = []
    for name, rows in by_control.items():
        said = []
        for status, words in ((FAIL, "fails on"), (ERROR, "could not be read on")):
            subjects = [
                f"{row.name} ({row.region})" if row.region and row.name != row.region else row.name for row in rows if row.status == status
            ]
            more = f" and {len(subjects) - SUBJECTS} more" if len(subjects) > SUBJECTS else ""
            if subjects:
                said.append(f"{words} {', '.join(subjects[:SUBJECTS])}{more}")
        if len(messages := {row.message for row in rows}) == 1 and len(rows[0].message) <= MESSAGE:
            said += messages
        found.append(
            {"control": report.controls[name], "said": "; ".join(said), "regressed": any(row.change == "regressed" for row in rows)}
        )
    return found


def _controls(report: Report) -> list[dict[str, Any]]:
    """Controls with their results, what must be acted upon first at the top."""
    by_control: dict[str, list[Result]] = {name: [] for name in report.controls}
    for row in report.results:
        by_control[row.control].append(row)
    order = [state for state, _text in STATES]
    found: list[dict[str, Any]] = []
    for name, unsorted in by_control.items():
        control = report.controls[name]
        rows = sorted(unsorted, key=lambda row: (order.index(row.state), row.region or "", row.name))
        counts = {state: sum(row.state == state for row in rows) for state in order}
        shown = [row for state in order for row in [row for row in rows if row.state == state][:LISTED]]
        overridden = {key: row.parameters.get(key) for row in rows for key in row.overridden}
        found.append(
            {
                "control": control,
                "rows": shown,
                "hidden": len(rows) - len(shown),
                "counts": counts,
                "overridden": overridden,
                "parameters": {key: value for row in rows for key, value in row.parameters.items()},
                "frameworks": [name for name, ids in control.frameworks.items() if ids],
                "state": next((state for state in order if counts[state]), NOT_APPLICABLE),
                "empty": not rows,
            }
        )
    return sorted(found, key=lambda row: (order.index(row["state"]), SEVERITIES.index(row["control"].severity), row["control"].id))


def _scopes(report: Report) -> list[tuple[str, str, list[tuple[str, Score]]]]:
    """(title, filter, [(label, score)]) of every way to cut the score."""
    found = []
    for scope, title in (("domain", "Domain"), ("region", "Region"), ("owner", "Owner"), ("framework", "Framework")):
        labels = FRAMEWORKS if scope == "framework" else {}
        rows = [(labels.get(score.name, score.name.replace("-", " ")), score) for score in report.scores if score.scope == scope]
        rows.sort(key=lambda row: (row[1].effective is None, row[1].effective if row[1].effective is not None else 0.0, row[0]))
        found.append((title, scope, rows))
    return found


def _waivers(report: Report) -> list[dict[str, Any]]:
    urgency = (INVALID, EXPIRED, EXPIRING, UNUSED)
    rows = sorted(
        report.waivers, key=lambda row: (urgency.index(row.state) if row.state in urgency else len(urgency), str(row.expires), row.id)
    )
    today = report.finished.date()
    return [
        {
            "waiver": row,
            "left": (row.expires - today).days if row.expires else None,
            "scope": ", ".join(f"{key} {' or '.join(value)}" for key, value in row.scope.items()),
        }
        for row in rows
    ]


def _trend(report: Report) -> dict[str, Any]:
    """The scores over the runs as lines in a picture of WIDTH by HEIGHT; by time, so that a gap is seen."""
    now = {
        "run": report.run_id,
        "finished": stamp(report.finished),
        "strict": report.score().strict,
        "effective": report.score().effective,
        "grade": report.score().grade,
        "counts": report.counts(),
    }
    runs = [row for row in [*report.history, now] if isinstance(row.get("effective"), (int, float)) and moment(row.get("finished"))]
    times: list[datetime] = [at for row in runs if (at := moment(row["finished"]))]
    if len(runs) < 2:
        return {"runs": runs, "lines": {}}
    span = (times[-1] - times[0]).total_seconds() or 1.0
    least = min(min(row["effective"], row["strict"] if row.get("strict") is not None else 1.0) for row in runs)
    floor = max(0.0, int(least * 10 - 0.5) / 10)  # the axis begins a little below the lowest
    xs = [(at - times[0]).total_seconds() / span * WIDTH for at in times]

    def y(value: float) -> float:
        return HEIGHT - (value - floor) / (1 - floor or 1) * HEIGHT

    lines = {
        kind: " ".join(f"{x:.1f},{y(row[kind]):.1f}" for x, row in zip(xs, runs, strict=True) if row.get(kind) is not None)
        for kind in ("effective", "strict")
    }
    points = [
        {"x": round(x, 1), "y": round(y(row["effective"]), 1), "run": row["run"], "score": row["effective"], "grade": row.get("grade", "")}
        for x, row in zip(xs, runs, strict=True)
    ]
    ticks = [{"y": round(y(value), 1), "text": f"{value:.0%}"} for value in (floor, (1 + floor) / 2, 1.0)]
    return {"runs": runs, "lines": lines, "points": points, "ticks": ticks, "first": times[0], "last": times[-1]}

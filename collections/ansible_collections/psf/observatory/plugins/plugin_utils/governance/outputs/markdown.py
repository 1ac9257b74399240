# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as a short Markdown summary, for the page of a CI job or a ticket."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..model import SEVERITIES, Report, Result, stamp

ROWS = 50


def percent(value: float | None) -> str:
    """A ratio for people, never rounded up to 100 %."""
    if value is None:
        return "-"
    return "100 %" if value >= 1 else f"{min(value * 100, 99.9):.1f} %"


def cell(text: object) -> str:
    """Text that stays in its cell and does nothing there."""
    return re.sub(r"([\\`*_{}\[\]<>|~#])", r"\\\1", " ".join(str(text).split()))[:300] or " "


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    names = list(head)
    return ["| " + " | ".join(names) + " |", "|" + "---|" * len(names), *("| " + " | ".join(map(cell, row)) + " |" for row in rows)]


def worst_first(report: Report, rows: Iterable[Result]) -> list[Result]:
    return sorted(rows, key=lambda row: (SEVERITIES.index(report.controls[row.control].severity), row.control, row.region or "", row.name))


def render(report: Report) -> str:
    overall, counts, changes = report.score(), report.counts(), report.changes()
    capped = " (held there by a critical control that fails)" if overall.capped else ""
    lines = [
        f"# Governance of {cell(report.environment)}: grade {overall.grade}{capped}",
        "",
        f"Run {report.run_id}, {stamp(report.finished)}. Score {percent(overall.effective)}, strict {percent(overall.strict)}; "
        f"coverage {percent(report.coverage)}.",
        "",
        *table(
            ("pass", "fail", "error", "waived", "manual", "not applicable"),
            [[counts[key] for key in ("pass", "fail", "error", "waived", "manual", "not_applicable")]],
        ),
        "",
        f"Since {report.previous}: " + ", ".join(f"{changes[key]} {key}" for key in ("regressed", "fixed", "new", "gone")) + "."
        if report.previous
        else "The first run.",
        "",
    ]
    if report.silent:
        lines += ["Hosts that gave no results: " + ", ".join(cell(host) for host in report.silent) + ".", ""]
    bad = worst_first(report, (row for row in report.results if row.bad))
    for title, rows in (("Regressed", [row for row in bad if row.change == "regressed"]), ("To be done", bad)):
        if rows:
            lines += [
                f"## {title}",
                "",
                *table(
                    ("control", "severity", "subject", "region", "status", "what", "owner"),
                    (
                        (
                            row.control,
                            report.controls[row.control].severity,
                            row.name,
                            row.region or "-",
                            row.status,
                            row.message,
                            report.controls[row.control].owner,
                        )
                        for row in rows[:ROWS]
                    ),
                ),
                "",
            ]
            if len(rows) > ROWS:
                lines += [f"and {len(rows) - ROWS} more.", ""]
    if report.waivers:
        lines += [
            "## Waivers",
            "",
            *table(
                ("waiver", "control", "state", "expires", "failures", "approved by", "ticket"),
                (
                    (row.id, row.control, row.state, row.expires or "-", len(row.matched), row.approved_by, row.ticket)
                    for row in report.waivers[:ROWS]
                ),
            ),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"

# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as JSON lines for Loki: one line a result, and one for the run. What may become a label has few values; names are fields.

A line has at most BYTES bytes, and a region's file at most LINES results: where there are more, those that pass are left out first.
"""

from __future__ import annotations

import json

from ..model import ERROR, FAIL, MANUAL, NOT_APPLICABLE, PASS, SEVERITIES, Report, Result, stamp

LINES = 5000
BYTES = 8000
TEXT = 1000
# What is kept when there are too many lines: what must be acted upon first.
ORDER = ("regressed", FAIL, ERROR, "waived", MANUAL, PASS, NOT_APPLICABLE)
# The levels that Loki and Grafana know.
LEVELS = {"critical": "error", "high": "error", "medium": "warn", "low": "info", "info": "info"}


def render(report: Report, region: str) -> str:
    """The lines of one region; what belongs to no region is in every region's."""
    own = [row for row in report.results if row.region in (region, None)]
    own.sort(
        key=lambda row: (
            ORDER.index("regressed" if row.change == "regressed" else row.state),
            SEVERITIES.index(report.controls[row.control].severity),
            row.control,
            row.fingerprint,
        )
    )
    counts = dict.fromkeys((*ORDER[1:],), 0)
    for row in own:
        counts[row.state] += 1
    overall = report.score()
    run = {
        "event": "run",
        "run": report.run_id,
        "env": report.environment,
        "level": "info",
        "results": len(own),
        "lines": min(len(own), LINES),
        "counts": counts,
        "strict": overall.strict,
        "effective": overall.effective,
        "grade": overall.grade,
        "coverage": report.coverage,
        "finished": stamp(report.finished),
        "silent": len(report.silent),
    }
    return "".join(_line(row) for row in [run, *(_result(report, row) for row in own[:LINES])])


def _result(report: Report, row: Result) -> dict[str, object]:
    control = report.controls[row.control]
    return {
        "event": "result",
        "run": report.run_id,
        "env": report.environment,
        "control": row.control,
        "title": control.title,
        "severity": control.severity,
        "domain": control.domain,
        "owner": control.owner,
        "status": row.status,
        "waived": row.waived,
        "waiver": row.waiver,
        "change": row.change,
        "reach": "region" if row.region else "global",
        "subject_type": row.type,
        "subject": row.name,
        "namespace": row.namespace,
        "level": LEVELS[control.severity] if row.bad else "info",
        "message": row.message[:TEXT],
        "expected": row.expected[:TEXT],
        "actual": row.actual[:TEXT],
        "fingerprint": row.fingerprint,
        "evidence_sha256": row.evidence_sha256,
        "duration_ms": row.duration_ms,
    }


def _line(data: dict[str, object]) -> str:
    """One line; characters that a terminal or the journal would act upon are escaped, as JSON does for all that is not ASCII.

    Without spaces, as the agent finds the level in it.
    """

    def dump() -> str:
        return json.dumps(data, default=str, separators=(",", ":"))

    for key in ("actual", "expected", "message", "title", "subject"):
        if len(dump()) > BYTES:
            data = data | {key: str(data.get(key, ""))[:100]}
    return dump() + "\n"

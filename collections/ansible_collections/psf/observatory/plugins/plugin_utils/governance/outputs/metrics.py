# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as Prometheus metrics, in the text format: counts and scores, never the name of a resource.

One file a region, read by the node exporter of a host there, so that each region answers for itself. The label `region` comes with the
scrape and is not repeated here. What belongs to no region is in every region's file, marked reach="global": add up reach="region" over
regions, and take the maximum of reach="global".

A file, and with it the Prometheus of a region, never has more than BUDGET series, whatever the estate is like: what there is of a
control depends on the number of controls alone, of drift and of waivers the worst rows are kept, and where a site has so many controls of
its own that it would still be more, LEAST_NEEDED says what is left out first, and a comment at the end how much. All regions together
have as many times that. Of each control that the region has results of, pass and fail are always there, so that a first failure is a rise
from 0; the other states only when they are not 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from ..model import ERROR, FAIL, MANUAL, NOT_APPLICABLE, PASS, SEVERITIES, Report, Result
from ..score import coverage, scores
from ..waivers import ACTIVE, EXPIRING, STATES

# Name to (type, help). The names are an interface: dashboards and alerts are made of them.
METRICS: dict[str, tuple[str, str]] = {
    "gov_control_info": ("gauge", "A control and what it is about; always 1."),
    "gov_control_subjects": (
        "gauge",
        "Subjects of a control by status: pass, fail, waived, error, na, manual. reach says whether they belong to this region or to none.",
    ),
    "gov_control_last_evaluated_timestamp_seconds": ("gauge", "When the oldest evidence of a control's pass or fail was collected."),
    "gov_score_ratio": (
        "gauge",
        "Weighted share of passed controls, 0 to 1. strict counts waived failures as failures, effective leaves them "
        "out. scope environment is over all regions, the others are of this region.",
    ),
    "gov_score_capped": ("gauge", "1 when the grade is held at C by a critical control that fails and is not waived, in any region."),
    "gov_coverage_ratio": (
        "gauge",
        "Share of what applies in this region that could be evaluated, 0 to 1; errors and silent hosts lower it.",
    ),
    "gov_changes": ("gauge", "Results of this region by what changed since the run before: new, fixed, regressed, by severity."),
    "gov_waivers": ("gauge", "Waivers of the environment by state: active, expiring, expired, unused, invalid."),
    "gov_waiver_expiry_timestamp_seconds": ("gauge", "When a standing waiver ends."),
    "gov_drift_changed_tasks": ("gauge", "Tasks that the last drift run would have changed on a host, by role."),
    "gov_hosts_silent": ("gauge", "Hosts that were asked and gave no results, in any region."),
    "gov_run_duration_seconds": ("gauge", "From the first question to the finished report."),
    "gov_run_last_success_timestamp_seconds": ("gauge", "When the last whole run finished."),
}
STATES_OF_SUBJECTS = {PASS: "pass", FAIL: "fail", "waived": "waived", ERROR: "error", NOT_APPLICABLE: "na", MANUAL: "manual"}
CHANGES = ("regressed", "fixed", "new")
WAIVERS, DRIFTED, BUDGET = 50, 50, 1000
# Left out first where it is too much; what alerts are made of comes last.
LEAST_NEEDED = (
    "gov_drift_changed_tasks",
    "gov_waiver_expiry_timestamp_seconds",
    "gov_control_last_evaluated_timestamp_seconds",
    "gov_control_info",
    "gov_control_subjects",
)
# The control whose evidence has the drift of a host.
DRIFT = "CHG-01"


class Add(Protocol):
    """Add one series: name, value, labels."""

    def __call__(self, name: str, value: float, /, **labels: object) -> None: ...


def escape(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def line(name: str, labels: Mapping[str, object], value: float) -> str:
    text = ",".join(f'{key}="{escape(labels[key])}"' for key in sorted(labels))
    number = repr(float(value))
    return f"{name}{{{text}}} {number[:-2] if number.endswith('.0') else number}"


def render(report: Report, region: str) -> str:
    """The file of one region; ends with a line break, as the format wants it."""
    env = {"env": report.environment}
    own = [row for row in report.results if row.region in (region, None)]
    rows: dict[str, list[str]] = {name: [] for name in METRICS}

    def add(metric: str, value: float, /, **labels: object) -> None:
        rows[metric].append(line(metric, env | labels, value))

    for control in sorted({row.control for row in own}):
        known = report.controls[control]
        add("gov_control_info", 1, control=control, title=known.title, domain=known.domain, severity=known.severity, owner=known.owner)
        of = [row for row in own if row.control == control]
        _subjects(add, control, of)
        times = [row.collected_at for row in of if row.status in (PASS, FAIL)]
        if known_times := [time for time in times if time is not None]:
            add("gov_control_last_evaluated_timestamp_seconds", int(min(known_times).timestamp()), control=control)
    _scores(add, report, own)
    add("gov_score_capped", report.score().capped)
    answered = sum(row.region in (region, None) for row in report.hosts)
    share = coverage(own, answered, answered + sum(of in (region, None) for of in report.silent.values()))
    if share is not None:
        add("gov_coverage_ratio", share)
    for change in CHANGES:
        for severity in SEVERITIES:
            count = sum(row.change == change and report.controls[row.control].severity == severity for row in own)
            if count or change == "regressed":
                add("gov_changes", count, change=change, severity=severity)
    for state in STATES:
        add("gov_waivers", sum(row.state == state for row in report.waivers), state=state)
    standing = sorted((row.ends_at, row.id, row.control) for row in report.waivers if row.state in (ACTIVE, EXPIRING) and row.ends_at)
    for ends, waiver, control in standing[:WAIVERS]:
        add("gov_waiver_expiry_timestamp_seconds", int(ends.timestamp()), waiver=waiver, control=control)
    for value, host, role in sorted((found for row in own if row.control == DRIFT for found in _drift(row)), reverse=True)[:DRIFTED]:
        add("gov_drift_changed_tasks", value, host=host, role=role)
    add("gov_hosts_silent", len(report.silent))
    add("gov_run_duration_seconds", max(0.0, (report.finished - report.started).total_seconds()))
    add("gov_run_last_success_timestamp_seconds", int(report.finished.timestamp()))
    left_out = _bound(rows)
    lines: list[str] = []
    for name, (kind, text) in METRICS.items():
        if rows[name]:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *rows[name]]
    if left_out:
        lines.append(f"# {left_out} series were left out: a file has at most {BUDGET}.")
    return "\n".join(lines) + "\n"


def _bound(rows: dict[str, list[str]]) -> int:
    """Cut the rows down to BUDGET, and say how many went; those of controls that are at the end of the list go first."""
    gone = left = max(0, sum(map(len, rows.values())) - BUDGET)
    for name in LEAST_NEEDED:
        cut = min(left, len(rows[name]))
        del rows[name][len(rows[name]) - cut:]
        left -= cut
    return gone


def _drift(result: Result) -> Iterator[tuple[float, str, str]]:
    """Changed tasks, host, role; by the evidence of CHG-01, which has the roles of one host."""
    for reading in result.evidence.get("data") or ():
        data = reading.get("data") if isinstance(reading, Mapping) else None
        for role in data.get("roles") or () if isinstance(data, Mapping) else ():
            if isinstance(role, Mapping):
                yield float(role["changed"]), result.name, str(role["name"])


def _subjects(add: Add, control: str, rows: Iterable[Result]) -> None:
    of = list(rows)
    for reach in ("region", "global"):
        here = [row for row in of if (row.region is None) == (reach == "global")]
        for state, status in STATES_OF_SUBJECTS.items() if here else []:
            count = sum(row.state == state for row in here)
            # What does not apply anywhere here cannot fail, and the catalogue is long: no zeros for it.
            if count or (state in (PASS, FAIL) and any(row.status != NOT_APPLICABLE for row in here)):
                add("gov_control_subjects", count, control=control, status=status, reach=reach)


def _scores(add: Add, report: Report, own: list[Result]) -> None:
    environment = report.score()
    here = [(score.scope, score.name, score) for score in scores(own, report.controls) if score.scope in ("overall", "domain", "framework")]
    for scope, name, score in [("environment", report.environment, environment), *here]:
        for kind, value in (("strict", score.strict), ("effective", score.effective)):
            if value is not None:
                add("gov_score_ratio", round(value, 6), scope=scope, name=name, kind=kind)

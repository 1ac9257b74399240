# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as OSCAL 1.2.1 assessment results, and its controls as a component definition.

- Every pass, fail, error and manual result is an observation; what does not apply is left out.
- A finding is about one control here and one of NIST SP 800-53; it is satisfied when every pass and fail among its results is a pass.
  OSCAL knows only satisfied and not-satisfied, so what could not be read has an observation and no finding.
- A failure is a risk, open; where a waiver stands, deviation-approved, with the waiver's last day as the deadline and an entry in its log.

Identifiers are UUIDs of version 5: equal runs give equal documents, and a risk keeps its identifier from run to run.
Reference: https://pages.nist.gov/OSCAL-Reference/models/v1.2.1/assessment-results/json-outline/
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, time, timedelta
from typing import Any

from ..model import ERROR, FAIL, MANUAL, NOT_APPLICABLE, PASS, Control, Report, Result, stamp

VERSION = "1.2.1"
NAMESPACE = uuid.UUID("5f1f1c5e-0d7b-5b52-a6f6-6a0f4d1f4c10")
NS = "https://github.com/psf-web/observatory/oscal"
CATALOG = "https://raw.githubusercontent.com/usnistgov/oscal-content/main/nist.gov/SP800-53/rev5/json/NIST_SP-800-53_rev5_catalog.json"


def identifier(*parts: object) -> str:
    return str(uuid.uuid5(NAMESPACE, "\0".join(map(str, parts))))


def prop(name: str, value: object, **more: str) -> dict[str, str]:
    """A property: its value is one line and never empty, as the model wants it."""
    return {"name": name, "ns": NS, "value": line(str(value)), **more}


def line(text: str) -> str:
    """A title: one line, never empty."""
    return " ".join(text.split()) or "-"


def nist_id(name: str) -> str:
    """AC-6(5) -> ac-6.5, as the catalog names it."""
    return re.sub(r"\((\d+)\)", r".\1", name.strip().lower()).replace(" ", "")


def _metadata(report: Report, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "last-modified": stamp(report.finished),
        "version": report.run_id,
        "oscal-version": VERSION,
        "props": [prop("environment", report.environment)],
    }


def _subject(row: Result) -> str:
    return identifier("subject", row.type, row.region or "", row.namespace, row.name)


def assessment_results(report: Report) -> dict[str, Any]:
    overall = report.score()
    rows = [row for row in report.results if row.status != NOT_APPLICABLE]
    plan = identifier("plan", report.environment)
    subjects = {_subject(row): row for row in rows}
    nist = sorted({nist_id(name) for row in rows for name in report.controls[row.control].frameworks.get("nist80053", ())})
    risks = [_risk(report, row) for row in rows if row.status == FAIL]
    findings = _findings(report, rows)
    result: dict[str, Any] = {
        "uuid": identifier("result", report.environment, report.run_id),
        "title": line(f"Run {report.run_id}"),
        "description": f"Automated assessment of the environment {report.environment}.",
        "start": stamp(report.started),
        "end": stamp(report.finished),
        "props": [
            prop("grade", overall.grade),
            prop("score-strict", overall.strict),
            prop("score-effective", overall.effective),
            prop("coverage", report.coverage),
        ],
        "reviewed-controls": {
            "control-selections": [
                {
                    "description": "Controls of NIST SP 800-53 Rev. 5 that the results support.",
                    **({"include-controls": [{"control-id": name} for name in nist]} if nist else {"include-all": {}}),
                }
            ]
        },
        "observations": [_observation(report, row) for row in rows],
    }
    if subjects:
        result["local-definitions"] = {
            "inventory-items": [
                {
                    "uuid": key,
                    "description": f"{row.type} {row.name}",
                    "props": [prop("type", row.type), prop("region", row.region or "global")],
                }
                for key, row in sorted(subjects.items())
            ]
        }
    if risks:
        result["risks"] = risks
    if findings:
        result["findings"] = findings
    if not rows:
        del result["observations"]
    return {
        "assessment-results": {
            "uuid": identifier("assessment-results", report.environment, report.run_id),
            "metadata": _metadata(report, f"Assessment of {report.environment}"),
            "import-ap": {"href": f"#{plan}"},
            "results": [result],
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": "Controls that are assessed",
                        "description": "The plan is the control catalogue of the collection with the parameters of the environment; "
                        "each control of the run is in the component definition beside this file.",
                    }
                ]
            },
        }
    }


def _observation(report: Report, row: Result) -> dict[str, Any]:
    control = report.controls[row.control]
    collected = row.collected_at or report.finished
    found: dict[str, Any] = {
        "uuid": identifier("observation", report.run_id, row.fingerprint),
        "title": line(f"{row.control} on {row.name}"),
        "description": row.message or control.title,
        "props": [
            prop("Rule_Id", row.control),
            prop("status", row.status),
            prop("severity", control.severity),
            prop("expected", row.expected),
            prop("actual", row.actual),
            prop("fingerprint", row.fingerprint),
            *(prop("parameter", f"{name}={row.parameters.get(name)}", **{"class": "overridden"}) for name in row.overridden),
        ],
        "methods": ["EXAMINE" if row.status == MANUAL else "TEST"],
        "types": ["control-objective"],
        "subjects": [{"subject-uuid": _subject(row), "type": "inventory-item", "title": line(row.name)}],
        "collected": stamp(collected),
        "expires": stamp(collected + timedelta(seconds=control.max_age)),
    }
    if row.evidence_path:
        found["relevant-evidence"] = [
            {
                "href": f"../{row.evidence_path}",
                "description": f"Evidence of {row.control} on {row.name}.",
                "props": [prop("sha256", row.evidence_sha256)],
            }
        ]
    return found


def _risk(report: Report, row: Result) -> dict[str, Any]:
    control = report.controls[row.control]
    found: dict[str, Any] = {
        "uuid": identifier("risk", report.environment, row.fingerprint),
        "title": line(f"{control.title}: {row.name}"),
        "description": row.message or control.title,
        "statement": control.rationale or control.title,
        "props": [prop("severity", control.severity), prop("owner", control.owner)],
        "status": "open",
        "related-observations": [{"observation-uuid": identifier("observation", report.run_id, row.fingerprint)}],
    }
    if control.remediation:
        found["remediations"] = [
            {
                "uuid": identifier("remediation", row.fingerprint),
                "lifecycle": "recommendation",
                "title": line(f"Remediation of {row.control}"),
                "description": control.remediation,
            }
        ]
    if row.waived:
        waiver = next(item for item in report.waivers if item.id == row.waiver)
        created = datetime.combine(waiver.created, time(), UTC)
        last = datetime.combine(waiver.expires, time(23, 59, 59), UTC)
        found |= {
            "status": "deviation-approved",
            "deadline": stamp(last),
            "risk-log": {
                "entries": [
                    {
                        "uuid": identifier("waiver", waiver.id, row.fingerprint),
                        "title": line(f"Waiver {waiver.id}"),
                        "start": stamp(created),
                        "end": stamp(last),
                        "description": f"{waiver.reason} (ticket {waiver.ticket}; requested by {waiver.requested_by}, "
                        f"approved by {waiver.approved_by}"
                        f"{'; compensating: ' + waiver.compensating if waiver.compensating else ''})",
                        "status-change": "deviation-approved",
                    }
                ]
            },
        }
    return found


def _findings(report: Report, rows: list[Result]) -> list[dict[str, Any]]:
    found = []
    for name, control in report.controls.items():
        of = [row for row in rows if row.control == name and row.status in (PASS, FAIL)]
        if not of:
            continue
        failed = [row for row in of if row.status == FAIL]
        unread = sum(row.control == name and row.status == ERROR for row in rows)
        for target in [nist_id(item) + "_smt" for item in control.frameworks.get("nist80053", ())] or [name.lower()]:
            found.append(
                {
                    "uuid": identifier("finding", report.run_id, name, target),
                    "title": line(f"{name}: {control.title}"),
                    "description": f"{len(of) - len(failed)} of {len(of)} subjects pass"
                    + (f"; {unread} could not be read." if unread else "."),
                    "props": [prop("Rule_Id", name)],
                    "target": {
                        "type": "statement-id",
                        "target-id": target,
                        "status": {"state": "not-satisfied" if failed else "satisfied", "reason": "fail" if failed else "pass"},
                    },
                    "related-observations": [{"observation-uuid": identifier("observation", report.run_id, row.fingerprint)} for row in of],
                    **(
                        {"related-risks": [{"risk-uuid": identifier("risk", report.environment, row.fingerprint)} for row in failed]}
                        if failed
                        else {}
                    ),
                }
            )
    return found


def component_definition(report: Report) -> dict[str, Any]:
    """One component for each part of the platform; its requirements are those of NIST that its controls support."""
    parts: dict[str, list[Control]] = {}
    for control in report.controls.values():
        parts.setdefault(control.component, []).append(control)
    components = []
    for name, controls in sorted(parts.items()):
        by_nist: dict[str, list[Control]] = {}
        for control in controls:
            for item in control.frameworks.get("nist80053", ()):
                by_nist.setdefault(nist_id(item), []).append(control)
        rules = [
            row
            for number, control in enumerate(controls)
            for row in (
                prop("Rule_Id", control.id, remarks=f"rule_set_{number:03}"),
                prop("Rule_Description", control.title, remarks=f"rule_set_{number:03}"),
                prop("Check_Id", control.id, remarks=f"rule_set_{number:03}"),
                prop("Check_Description", control.rationale or control.title, remarks=f"rule_set_{number:03}"),
            )
        ]
        component: dict[str, Any] = {
            "uuid": identifier("component", name),
            "type": "service",
            "title": line(name),
            "description": f"{name}, as psf.observatory assesses it.",
            "props": rules,
        }
        if by_nist:
            component["control-implementations"] = [
                {
                    "uuid": identifier("implementation", name),
                    "source": CATALOG,
                    "description": "Controls that support requirements of NIST SP 800-53 Rev. 5.",
                    "implemented-requirements": [
                        {
                            "uuid": identifier("requirement", name, item),
                            "control-id": item,
                            "description": "; ".join(f"{control.id}: {control.title}" for control in by_nist[item]),
                            "props": [prop("Rule_Id", control.id) for control in by_nist[item]],
                        }
                        for item in sorted(by_nist)
                    ],
                }
            ]
        components.append(component)
    return {
        "component-definition": {
            "uuid": identifier("component-definition", report.environment),
            "metadata": _metadata(report, "Controls of psf.observatory"),
            **({"components": components} if components else {}),
        }
    }

# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as SARIF 2.1.0. Controls are rules; a waiver is an accepted external suppression; what could not be read is a notification.

Specification: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

from ..model import ERROR, FAIL, MANUAL, NOT_APPLICABLE, PASS, Report, Result, stamp

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
NAMESPACE = uuid.UUID("8b0d6f0e-6f0e-5c1e-9d53-0e1b9f6d7a01")
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
# What tools that sort by a CVSS-like number read (GitHub code scanning).
RANKS = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "0.0"}
KINDS = {PASS: "pass", FAIL: "fail", NOT_APPLICABLE: "notApplicable", MANUAL: "review"}
# Against the run before; where one result has it, all must have it.
BASELINE = {"new": "new", "regressed": "updated", "fixed": "updated", "unchanged": "unchanged"}


def render(report: Report) -> dict[str, Any]:
    rules = list(report.controls)
    index = {name: number for number, name in enumerate(rules)}
    errors = [row for row in report.results if row.status == ERROR]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "psf.observatory",
                        **({"version": report.version} if report.version else {}),
                        "informationUri": "https://github.com/psf-web/observatory",
                        "rules": [_rule(report, name) for name in rules],
                    }
                },
                "automationDetails": {
                    "id": f"governance/{report.environment}/{report.run_id}",
                    "guid": str(uuid.uuid5(NAMESPACE, f"{report.environment}/{report.run_id}")),
                },
                "invocations": [
                    {
                        "executionSuccessful": not errors and not report.silent,
                        "startTimeUtc": stamp(report.started),
                        "endTimeUtc": stamp(report.finished),
                        "toolExecutionNotifications": [_notification(row, index[row.control]) for row in errors]
                        + [{"level": "error", "message": {"text": f"Host {host} gave no results."}} for host in report.silent],
                    }
                ],
                "results": [_result(report, row, index[row.control]) for row in report.results if row.status != ERROR],
                "properties": {
                    "environment": report.environment,
                    "coverage": report.coverage,
                    "score": {"strict": report.score().strict, "effective": report.score().effective, "grade": report.score().grade},
                },
            }
        ],
    }


def _rule(report: Report, name: str) -> dict[str, Any]:
    control = report.controls[name]
    tags = [f"{framework}:{identifier}" for framework, ids in control.frameworks.items() for identifier in ids]
    return {
        "id": name,
        "name": name,
        "shortDescription": {"text": control.title},
        "fullDescription": {"text": control.rationale or control.title},
        "help": {"text": control.remediation or "No remediation is described."},
        "defaultConfiguration": {"level": LEVELS[control.severity]},
        "properties": {
            "security-severity": RANKS[control.severity],
            "severity": control.severity,
            "domain": control.domain,
            "owner": control.owner,
            "tags": list(dict.fromkeys([control.domain, *tags])),
        },
    }


def _location(row: Result) -> dict[str, Any]:
    name = "/".join(part for part in (row.region, row.namespace, row.name) if part)
    return {
        "physicalLocation": {"artifactLocation": {"uri": quote(f"{row.type}/{name}")}},
        "logicalLocations": [{"name": row.name, "fullyQualifiedName": f"{row.type}/{name}", "kind": "resource"}],
    }


def _result(report: Report, row: Result, index: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": row.control,
        "ruleIndex": index,
        "kind": KINDS[row.status],
        # A level other than none is for failures only.
        "level": LEVELS[report.controls[row.control].severity] if row.status == FAIL else "none",
        "message": {"text": row.message or row.actual or row.status},
        "locations": [_location(row)],
        "partialFingerprints": {"controlSubject/v1": row.fingerprint},
        "guid": str(uuid.uuid5(NAMESPACE, f"{report.run_id}/{row.fingerprint}")),
        "properties": {
            "expected": row.expected,
            "actual": row.actual,
            "change": row.change,
            "region": row.region,
            "type": row.type,
            "evidence": {"path": row.evidence_path, "sha256": row.evidence_sha256},
            **({"overridden": {name: row.parameters.get(name) for name in row.overridden}} if row.overridden else {}),
        },
    }
    if report.previous:
        found["baselineState"] = BASELINE[row.change]
    if row.waived:
        waiver = next(item for item in report.waivers if item.id == row.waiver)
        found["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "guid": str(uuid.uuid5(NAMESPACE, f"{waiver.id}/{row.fingerprint}")),
                "justification": f"{waiver.id}: {waiver.reason} ({waiver.ticket}; approved by {waiver.approved_by}; "
                f"until {waiver.expires})",
            }
        ]
    return found


def _notification(row: Result, index: int) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": f"{row.control} on {row.type} {row.name}: {row.message or row.actual or 'could not be read'}"},
        "associatedRule": {"id": row.control, "index": index},
        "locations": [_location(row)],
        "properties": {"fingerprint": row.fingerprint},
    }

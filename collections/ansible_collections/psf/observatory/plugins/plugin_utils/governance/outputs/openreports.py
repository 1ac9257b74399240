# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as report objects for Kubernetes: openreports.io/v1alpha1, and wgpolicyk8s.io/v1alpha2 for what still reads that.

One cluster-wide report for what belongs to no namespace, and one for each namespace; at most LIMIT results each, then numbered further
ones. Never one for each resource: thousands of objects are more than etcd should hold. The document is a List for `kubectl apply -f`.
Types: https://github.com/openreports/reports-api and https://github.com/kubernetes-retired/wg-policy-prototypes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..model import ERROR, FAIL, MANUAL, NOT_APPLICABLE, PASS, Report, Result

SOURCE = "psf.observatory"
LIMIT = 500
# A label's value; a property's is any text.
LABEL = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Api:
    """`severities`: what the schema knows; the first version of the older one knows three."""

    version: str
    cluster: str
    namespaced: str
    severities: dict[str, str]


OPENREPORTS = Api("openreports.io/v1alpha1", "ClusterReport", "Report", {})
WGPOLICY = Api("wgpolicyk8s.io/v1alpha2", "ClusterPolicyReport", "PolicyReport", {"critical": "high", "info": "low"})
RESULTS = {PASS: "pass", FAIL: "fail", ERROR: "error", NOT_APPLICABLE: "skip", MANUAL: "skip"}


def render(report: Report, api: Api) -> dict[str, Any]:
    groups: dict[str, list[Result]] = {"": []}
    for row in report.results:
        groups.setdefault(row.namespace, []).append(row)
    items = []
    for namespace, rows in sorted(groups.items()):
        for start in range(0, len(rows), LIMIT) or [0]:
            items.append(_object(report, api, namespace, rows[start : start + LIMIT], start // LIMIT, len(rows) > LIMIT))
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _name(text: str) -> str:
    """A name as Kubernetes wants it (RFC 1123)."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:200].strip("-") or "environment"


def _object(report: Report, api: Api, namespace: str, rows: list[Result], number: int, several: bool) -> dict[str, Any]:
    name = _name(f"governance-{report.environment}") + (f"-{number + 1}" if several else "")
    metadata: dict[str, Any] = {
        "name": name,
        "labels": {"app.kubernetes.io/managed-by": SOURCE, "environment": LABEL.sub("-", report.environment)[:63].strip("-._")},
        "annotations": {"psf.observatory/run": report.run_id},
    }
    if namespace:
        metadata["namespace"] = _name(namespace)[:63].strip("-")
    results = [_result(report, api, row) for row in rows]
    found: dict[str, Any] = {
        "apiVersion": api.version,
        "kind": api.namespaced if namespace else api.cluster,
        "metadata": metadata,
        "summary": {key: sum(row["result"] == key for row in results) for key in ("pass", "fail", "warn", "error", "skip")},
        "results": results,
    }
    if api is OPENREPORTS:
        found["source"] = SOURCE
    return found


def _result(report: Report, api: Api, row: Result) -> dict[str, Any]:
    control = report.controls[row.control]
    moment = row.collected_at or report.finished
    properties = {
        "fingerprint": row.fingerprint,
        "subject": f"{row.type}/{row.name}",
        "region": row.region or "global",
        "owner": control.owner,
        "evidence": row.evidence_path,
        "evidence-sha256": row.evidence_sha256,
        "expected": row.expected[:500],
        "actual": row.actual[:500],
    }
    if api.severities.get(control.severity):
        properties["severity"] = control.severity
    if row.status == MANUAL:
        properties["manual"] = "true"
    if row.waived:
        properties |= {"waiver": str(row.waiver), "waived-until": str(row.waived_until)}
    if row.overridden:
        properties["overridden"] = ", ".join(f"{name}={row.parameters.get(name)}" for name in row.overridden)
    return {
        "source": SOURCE,
        "policy": row.control,
        "rule": control.title,
        "category": control.domain,
        "severity": api.severities.get(control.severity, control.severity),
        "result": "warn" if row.waived else RESULTS[row.status],
        "scored": not row.waived and row.status in (PASS, FAIL, ERROR),
        "message": (row.message or control.title)[:1000],
        "timestamp": {"seconds": int(moment.timestamp()), "nanos": 0},
        "properties": properties,
    }

# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats that a run is written in: `files(report)` gives every file of a run directory but evidence, manifest and signature."""

from __future__ import annotations

import json
from typing import Any

from ..model import NOWHERE, Report
from ..report import data, summary
from . import html, jsonl, junit, markdown, metrics, openreports, oscal, sarif


def dump(value: Any) -> str:
    """JSON for people and programs; half a surrogate pair, which UTF-8 cannot hold, stays an escape."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def files(report: Report) -> dict[str, str]:
    """Path in the run directory to text. Regions: one file of metrics and one of lines each, as each is delivered there."""
    found = {
        "results.json": dump(data(report)),
        "summary.json": dump(summary(report)),
        "report.html": html.render(report),
        "summary.md": markdown.render(report),
        "junit.xml": junit.render(report),
        "report.sarif": dump(sarif.render(report)),
        "oscal/assessment-results.json": dump(oscal.assessment_results(report)),
        "oscal/component-definition.json": dump(oscal.component_definition(report)),
        "openreports.json": dump(openreports.render(report, openreports.OPENREPORTS)),
        "policyreports.json": dump(openreports.render(report, openreports.WGPOLICY)),
    }
    for region in report.regions or [NOWHERE]:
        found[f"regions/{region}.prom"] = metrics.render(report, region)
        found[f"regions/{region}.jsonl"] = jsonl.render(report, region)
    return found

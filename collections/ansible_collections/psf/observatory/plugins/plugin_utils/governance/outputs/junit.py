# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as JUnit XML, in the form that Jenkins and GitLab read: a suite for each domain, a case for each result.

fail is a failure, error an error; waived, not applicable and manual are skipped, with the reason.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..model import ERROR, FAIL, PASS, Report, Result, stamp

# What XML 1.0 cannot hold at all.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def render(report: Report) -> str:
    root = Element("testsuites", name=clean(f"governance {report.environment}"))
    by_domain: dict[str, list[Result]] = {}
    for row in report.results:
        by_domain.setdefault(report.controls[row.control].domain, []).append(row)
    totals = {"tests": 0, "failures": 0, "errors": 0}
    time = 0.0
    for domain in sorted(by_domain):
        rows = by_domain[domain]
        spent = sum(row.duration_ms for row in rows) / 1000
        counts = {"tests": len(rows), "failures": sum(row.state == FAIL for row in rows), "errors": sum(row.state == ERROR for row in rows)}
        skipped = sum(row.state not in (PASS, FAIL, ERROR) for row in rows)
        suite = SubElement(
            root,
            "testsuite",
            {
                "name": clean(domain),
                "timestamp": stamp(report.finished).removesuffix("Z"),
                "time": f"{spent:.3f}",
                "skipped": str(skipped),
                **{key: str(value) for key, value in counts.items()},
            },
        )
        for row in rows:
            _case(suite, report, row)
        totals = {key: totals[key] + counts[key] for key in totals}
        time += spent
    for key, value in totals.items():
        root.set(key, str(value))
    root.set("time", f"{time:.3f}")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, report: Report, row: Result) -> None:
    control = report.controls[row.control]
    case = SubElement(
        suite,
        "testcase",
        name=clean(f"{row.control} {row.type} {row.namespace and row.namespace + '/'}{row.name}"),
        classname=clean(f"{control.domain}.{row.control}"),
        time=f"{row.duration_ms / 1000:.3f}",
    )
    if row.state in (FAIL, ERROR):
        node = SubElement(
            case, "failure" if row.state == FAIL else "error", type=control.severity, message=clean(row.message or row.actual)
        )
        node.text = clean(
            f"{control.title}\nexpected: {row.expected}\nactual: {row.actual}\nremediation: {control.remediation}\n"
            f"evidence: {row.evidence_path} sha256:{row.evidence_sha256}"
        )
    elif row.state != PASS:
        reason = f"waived by {row.waiver} until {row.waived_until}: {row.message}" if row.waived else f"{row.status}: {row.message}"
        # As text: not every schema of Jenkins has an attribute for it.
        SubElement(case, "skipped").text = clean(reason)

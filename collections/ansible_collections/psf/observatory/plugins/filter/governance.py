# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the playbooks of governance: a run as lines of text, and the regions' answers to a gate."""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.plugin_utils import estate
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.outputs.markdown import percent

# Regressions that are printed; the report has all.
PRINTED = 10


def governance_table(result):
    """What assessment_report returned, as lines."""
    summary, counts = result["summary"], result["counts"]
    words = ", ".join(f"{number} {name}" for name, number in summary["open"].items() if number)
    lines = [
        f"grade {summary['grade']}{' (held there by a critical control)' if summary['capped'] else ''}, "
        f"score {percent(summary['effective'])}, strict {percent(summary['strict'])}, coverage {percent(summary['coverage'])}",
        f"open: {words or 'nothing'}; " + ", ".join(f"{counts[name]} {name}" for name in (
            "pass", "fail", "error", "waived", "manual", "not_applicable"))]
    if summary["previous"]:
        lines.append(f"since {summary['previous']}: " + ", ".join(f"{number} {name}" for name, number in result["changes"].items()))
    lines += [f"regressed: {row['control']} ({row['severity']}) on {row['subject']}: {row['message']}"
              for row in result["regressions"][:PRINTED]]
    if len(result["regressions"]) > PRINTED:
        lines.append(f"and {len(result['regressions']) - PRINTED} more regressed")
    lines += [f"no results from {host}" for host in summary["silent"]]
    lines += [f"waiver: {problem}" for problem in result["problems"]]
    return [*lines, f"report: {result['report']}"]


def gate_regions(_hosts, groups):
    """The regions that have a Prometheus, which must all answer a gate."""
    return sorted({estate.region_of(groups, host) for host in groups.get("prometheus", [])})


def gate_answers(hosts, groups):
    """Region to what its Prometheus answered; a region that was not reached is not there."""
    found = {}
    for host in groups.get("prometheus", []):
        answer = hosts[host].get("gate_answer") or {}
        if isinstance(answer.get("answers"), dict):
            found.setdefault(estate.region_of(groups, host), answer["answers"])
    return found


class FilterModule:
    def filters(self):
        return {function.__name__: function for function in (gate_answers, gate_regions, governance_table)}

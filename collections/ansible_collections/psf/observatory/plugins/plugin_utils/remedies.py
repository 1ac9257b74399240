# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which control shall be remedied, how, and on which hosts: for playbooks/remediate.yml. Pure.

Only what a control's `remediation` declares is done, in this order: `files` (owners and modes of the platform's own files), `role` (one of
this collection's roles is run again), `services` (the roles of these services are, on the hosts that run them). One control a run, always
named; a disruptive one only when that was said, too.
"""

from __future__ import annotations

from typing import Any

from ..module_utils.governance import control, expect
from ..module_utils.governance.control import ControlError
from . import estate

OWN = "psf.observatory."
ALL = "all"
Row = dict[str, Any]


def possible(row: Row) -> str:
    """How a control is remedied, in words; "" where nothing here may."""
    remedy = row["remediation"]
    ways = ["owners and modes of files"] if remedy.get("files") else []
    if str(remedy.get("role") or "").startswith(OWN):
        ways.append(f"role {remedy['role']}")
    known = [name for name in remedy.get("services") or [] if name == ALL or name in estate.services()]
    if known:
        ways.append("roles of all services" if ALL in known else f"role{'s' if len(known) > 1 else ''} of {', '.join(known)}")
    return ", ".join(ways)


def listing(known: dict[str, Row]) -> str:
    rows = [f"{name} ({possible(row)}{', disruptive' if row['remediation'].get('disruptive') else ''})"
            for name, row in known.items() if possible(row)]
    return "; ".join(rows)


def choose(known: dict[str, Row], name: str, tags: list[str], parameters: Row, disruptive: bool) -> Row:
    """{"id", "title", "text", "how", "files", "role", "services", "wait": seconds, "groups", "per", "parameters"} of the one named.

    Raises ControlError, which lists what can be remedied, where none or several were named.
    """
    wanted = [name] if name else [tag for tag in tags if control.ID.match(tag)]
    if len(wanted) != 1:
        raise ControlError(f"name one control: --tags ID or -e control=ID{' (not ' + ', '.join(wanted) + ')' if wanted else ''}. "
                           f"These can be remedied: {listing(known)}")
    if wanted[0] not in known:
        raise ControlError(f"{wanted[0]}: there is no such control. These can be remedied: {listing(known)}")
    row = known[wanted[0]]
    remedy = row["remediation"]
    if not possible(row):
        raise ControlError(f"{row['id']}: what it needs is not ours to change: {remedy.get('text') or 'nothing is declared'} "
                           f"These can be remedied: {listing(known)}")
    if remedy.get("disruptive") and not disruptive:
        raise ControlError(f"{row['id']}: this disrupts the service ({possible(row)}); add -e disruptive=true. {remedy.get('text', '')}")
    effective, _changed = control.parameters(row, parameters.get(row["id"]) or {}, f"governance_parameters.{row['id']}")
    names = {key: control.comparable(value, row["params"][key]["type"]) for key, value in effective.items()}
    return {"id": row["id"], "title": row["title"], "text": remedy.get("text", ""), "how": possible(row),
            "files": expect.resolve(remedy.get("files") or [], names), "role": remedy.get("role", ""),
            "services": list(remedy.get("services") or []), "wait": int(control.seconds(remedy.get("wait", "0"))),
            "groups": row["applies_to"]["groups"], "per": row["applies_to"]["per"], "parameters": parameters}


def fails(remedy: Row, hosts: Any, groups: dict[str, list[str]], host: str) -> bool:
    """Whether the host's own results fail, or those of its region where that is what is judged.

    What could not be read is not remedied blindly.
    """
    region = estate.region_of(groups, host)
    for name in groups[estate.REGION + region] if remedy["per"] == "region" else [host]:
        for row in (hosts[name].get("remediation_before") or {}).get("results") or []:
            if row["control"] == remedy["id"] and row["status"] == "fail" and row["subject"]["region"] == region:
                return True
    return False


def due(remedy: Row, hosts: Any, groups: dict[str, list[str]], host: str) -> bool:
    """Whether something is to be done on a host of the control's groups: its files, or the role."""
    return any(host in groups.get(group, []) for group in remedy["groups"]) and fails(remedy, hosts, groups, host)


def roles(remedy: Row, hosts: Any, groups: dict[str, list[str]], host: str) -> list[dict[str, str]]:
    """The roles to run on a host again: {"role", "service", and what the role must be told of the service}."""
    if not remedy["services"] or not fails(remedy, hosts, groups, host):
        return []
    return [_role(name, row) for name, row in estate.services().items()
            if (ALL in remedy["services"] or name in remedy["services"]) and host in estate.members(groups, row)]


def _role(name: str, row: Row) -> dict[str, str]:
    own = (estate.ROLES / row["role"]).is_dir()
    return {"role": (OWN if own else "") + row["role"], "service": name, "exporter_id": name if "exporter" in row else "",
            "otel_collector_mode": name.removeprefix("otel_") if row["role"] == "otel_collector" else ""}


def lines(remedy: Row, hosts: Any, groups: dict[str, list[str]]) -> list[str]:
    """Before and after of every subject, by its name."""
    found: dict[tuple[str, str], list[str]] = {}
    for key in ("remediation_before", "assessment_result"):
        for name in groups.get("all", []):
            for row in (hosts[name].get(key) or {}).get("results") or []:
                if row["control"] == remedy["id"] and row["status"] != "not_applicable":
                    found.setdefault((row["subject"]["name"], key), []).append(
                        f"{row['status']} ({row['actual'] or row['message']})")
    subjects = sorted({subject for subject, _key in found})
    return [f"{subject}: {'; '.join(found.get((subject, 'remediation_before'), ['not assessed']))} -> "
            f"{'; '.join(found.get((subject, 'assessment_result'), ['not assessed']))}" for subject in subjects]


def left(remedy: Row, hosts: Any, groups: dict[str, list[str]]) -> list[str]:
    """Subjects that do not pass after it."""
    return sorted({row["subject"]["name"] for name in groups.get("all", []) for row in (hosts[name].get("assessment_result") or {})
                   .get("results") or [] if row["control"] == remedy["id"] and row["status"] in ("fail", "error")})
